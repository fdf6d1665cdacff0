"""Small real things for tests of the catalog: pictures, archives, people, imported datasets."""

import io
import random
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, PngImagePlugin

from accounts.models import Project, User
from catalog import services, tasks
from catalog.models import Dataset, DatasetVersion, PreparedData
from tests.accounts.factories import make_user


def picture(width: int = 8, height: int = 8, seed: int = 0, mode: str = "RGB", kind: str = "PNG", **options) -> bytes:
    """A picture of noise, the same for the same arguments."""
    bands = len(Image.new(mode, (1, 1)).getbands())
    noise = random.Random(f"{seed} {width} {height} {mode}").randbytes(width * height * bands)
    content = io.BytesIO()
    Image.frombytes(mode, (width, height), noise).save(content, kind, **options)
    return content.getvalue()


def huge_png() -> bytes:
    """A few bytes that claim to be 50,000 × 50,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100)))


def tiff_of_huge_tags() -> bytes:
    """Its first tag claims four thousand million values."""
    content = io.BytesIO()
    Image.new("L", (8, 8)).save(content, "TIFF")
    data = bytearray(content.getvalue())
    first_tag = struct.unpack_from("<I", data, 4)[0] + 2
    struct.pack_into("<I", data, first_tag + 4, 0xFFFFFFF0)
    return bytes(data)


def png_of_huge_text() -> bytes:
    """A comment that unpacks to 2 MB."""
    info = PngImagePlugin.PngInfo()
    info.add_text("comment", "a" * 2_000_000, zip=True)
    content = io.BytesIO()
    Image.new("L", (8, 8)).save(content, "PNG", pnginfo=info)
    return content.getvalue()


def zipped(files: dict[str, bytes], **options) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def class_folders(classes: tuple[str, ...] = ("cat", "dog"), each: int = 10, **options) -> dict[str, bytes]:
    return {
        f"{label}/{number}.png": picture(seed=1000 * index + number, **options)
        for index, label in enumerate(classes)
        for number in range(each)
    }


def colour_jpegs_of_mixed_sizes() -> dict[str, bytes]:
    """60 colour JPEGs in 3 class folders, no two sizes alike by rule."""
    return {
        f"{label}/{number:02}.jpg": picture(40 + 3 * number, 60 - number, seed=100 * index + number, kind="JPEG")
        for index, label in enumerate(("apple", "pear", "plum"))
        for number in range(20)
    }


def upload(data: bytes, name: str = "pictures.zip") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, "application/zip")


def imported(files: dict[str, bytes] | bytes, owner: User | None = None, name: str = "pictures") -> Dataset:
    """A dataset whose import has run, as the server worker runs it."""
    data = files if isinstance(files, bytes) else zipped(files)
    owner = owner or User.objects.filter(username="maria").first() or make_user()
    dataset = services.add_upload(owner, Project.default(), name, upload(data))
    tasks.import_dataset(dataset.pk)
    dataset.refresh_from_db()
    return dataset


def version_of(dataset: Dataset) -> DatasetVersion:
    return dataset.versions.get()


def built(version: DatasetVersion, steps: list[dict[str, Any]]) -> PreparedData:
    """Prepared data whose build has run, as the server worker runs it."""
    prepared = services.prepare(version, steps)
    tasks.build_prepared(prepared.pk)
    prepared.refresh_from_db()
    return prepared


def why(failed: Dataset | PreparedData) -> str:
    return failed.error % failed.error_params


def files_below(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in Path(directory).rglob("*") if path.is_file()}
