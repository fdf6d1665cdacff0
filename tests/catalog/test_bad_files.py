"""Files that are up to something, or broken: each has its answer in a sentence, and nothing of it stays."""

import gzip
import io
import os
import stat
import tarfile
import threading

import pytest

from catalog.imports import entry_names
from catalog.imports.bundle import open_bundle
from recipes.images import Unreadable
from recipes.sandbox.inside import Refused
from tests.catalog.data_factories import Read, read, tarred, texts_csv
from tests.catalog.factories import class_folders, picture, zipped


def tar_with(name: str, **attributes) -> bytes:
    return tarred(class_folders() | {name: picture(seed=99)}, **attributes)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("../escape.png", "'../escape.png' points outside"),
        ("/etc/escape.png", "'/etc/escape.png' has an absolute path"),
        ("C:/escape.png", "absolute path"),
        ("cat\\escape.png", "has a backslash"),
        ("cat/\x7f.png", "not allowed in paths"),
        ("CAT/1.PNG", "'CAT/1.PNG' is in the archive twice"),
        ("a/" * 20 + "deep.png", "more than"),
    ],
)
def test_a_tar_with_a_bad_path_is_refused_by_its_name(tmp_path, name, sentence):
    """S47"""
    with pytest.raises(Refused, match=sentence.replace("\\", "\\\\")):
        read(tmp_path, tar_with(name), "a.tar.gz")


@pytest.mark.parametrize(
    "attributes",
    [
        {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd", "size": 0},
        {"type": tarfile.LNKTYPE, "linkname": "cat/1.png", "size": 0},
        {"type": tarfile.CHRTYPE, "size": 0},
        {"type": tarfile.FIFOTYPE, "size": 0},
        {"mode": stat.S_ISUID | 0o755},
    ],
)
def test_links_devices_and_set_uid_files_in_a_tar_are_refused(tmp_path, attributes):
    """S47"""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name, data in class_folders().items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        odd = tarfile.TarInfo("cat/odd.png")
        for key, value in attributes.items():
            setattr(odd, key, value)
        archive.addfile(odd)
    with pytest.raises(Refused, match=r"'cat/odd.png' is a link or a special file"):
        read(tmp_path, content.getvalue(), "a.tar")


def test_a_tar_that_unpacks_to_far_more_is_refused(tmp_path):
    """S48"""
    with pytest.raises(Refused, match=r"'cat/bomb.png' unpacks to over 200 times"):
        read(tmp_path, tarred(class_folders() | {"cat/bomb.png": bytes(30_000_000)}), "a.tar.gz")


def test_a_tar_of_too_many_or_too_large_files_is_refused(tmp_path, monkeypatch):
    data = tarred(class_folders())
    monkeypatch.setattr(entry_names, "MOST_ENTRIES", 19)
    with pytest.raises(Refused, match="more than 19 entries"):
        read(tmp_path, data, "a.tar.gz")
    monkeypatch.setattr(entry_names, "MOST_ENTRIES", 100)
    monkeypatch.setattr(entry_names, "MOST_BYTES", 1000)
    with pytest.raises(Refused, match="unpacks to more than"):
        read(tmp_path, data, "a.tar.gz")


def test_a_tar_that_is_cut_off_or_holds_an_archive_is_refused(tmp_path):
    data = tarred(class_folders(), "w")
    with pytest.raises(Refused, match=r"damaged or cut off|no example|None of it"):
        read(tmp_path, data[: len(data) // 2 + 700], "a.tar")
    with pytest.raises(Refused, match=r"'cat/more.png' is an archive inside"):
        read(tmp_path, tarred(class_folders() | {"cat/more.png": zipped({"a": b"b"})}), "a.tar.gz")


@pytest.mark.parametrize(
    ("data", "name", "sentence"),
    [
        (b"", "a.csv", "The file is empty"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(40), "a.7z", "7-Zip archives are not read"),
        (b"Rar!\x1a\x07" + bytes(40), "a.rar", "RAR archives are not read"),
        (gzip.compress(b"text,label\na,b\n", mtime=0), "a.csv.gz", "compressed and holds no tar"),
        (picture(), "one.png", "No class folders"),
        (bytes(range(256)) * 8, "noise.csv", "zero bytes|not clear|cannot be read"),
    ],
)
def test_a_single_file_that_is_no_data_is_refused_with_what_to_do(tmp_path, data, name, sentence):
    with pytest.raises(Refused, match=sentence):
        read(tmp_path, data, name)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "upload"]


def served(tmp_path, files=None):
    """A directory below an allowed root."""
    root = tmp_path / "root"
    for name, data in (files or class_folders()).items():
        path = root / "pets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def test_a_directory_of_the_server_gives_the_same_version_as_its_zip(tmp_path):
    root = served(tmp_path)
    found = Read(tmp_path / "versions", {"root": str(root), "directory": "pets"}, {})
    (tmp_path / "other").mkdir()
    assert found.result["hash"] == read(tmp_path / "other", class_folders()).result["hash"]


@pytest.mark.parametrize("link", ["cat/link.png", "bird"])
def test_links_in_a_directory_are_refused(tmp_path, link):
    """S54"""
    root = served(tmp_path)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.png").write_bytes(picture(seed=5))
    (root / "pets" / link).symlink_to(outside / "secret.png" if link.endswith(".png") else outside)
    with pytest.raises(Refused, match=f"'{link}' is a link"):
        open_bundle({"root": str(root), "directory": "pets"})


def test_a_directory_that_is_a_link_or_not_there_is_refused(tmp_path):
    root = served(tmp_path)
    (root / "again").symlink_to(root / "pets")
    for name in ("again", "gone"):
        with pytest.raises(Refused, match=f"'{name}' is no folder that may be read here, or a link"):
            open_bundle({"root": str(root), "directory": name})
    with pytest.raises(Refused, match="cannot be opened"):
        open_bundle({"root": str(tmp_path / "nowhere"), "directory": "."})


def test_a_folder_swapped_for_a_link_between_looking_and_reading_gives_nothing_away(tmp_path):
    """S54"""
    root = served(tmp_path)
    secret = tmp_path / "outside" / "1.png"
    secret.parent.mkdir()
    secret.write_bytes(b"secret")
    cat, aside = root / "pets" / "cat", root / "aside"
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            os.rename(cat, aside)
            cat.symlink_to(secret.parent)
            cat.unlink()
            os.rename(aside, cat)

    bundle = open_bundle({"root": str(root), "directory": "pets"})
    entry = next(entry for entry in bundle.files if entry.name == "cat/1.png")
    swapping = threading.Thread(target=swap)
    swapping.start()
    seen = set()
    try:
        for _ in range(1000):
            try:
                seen.add(bundle.read(entry))
            except (Refused, Unreadable):
                continue
    finally:
        stop.set()
        swapping.join()
    assert b"secret" not in seen


def test_a_name_that_is_no_text_refuses_the_tar(tmp_path):
    """S39: tar takes any bytes for names; half characters of them are no text that can be shown or stored."""
    data = tarred(class_folders() | {"cat/caf\udce9.png": picture(seed=99)}, "w")
    with pytest.raises(Refused, match="not allowed in paths"):
        read(tmp_path, data, "a.tar")


def test_names_in_any_script_come_in(tmp_path):
    files = {
        f"{label}/图片 {n}.png": picture(seed=100 * place + n)
        for place, label in enumerate(("猫", "été"))
        for n in range(10)
    }
    assert read(tmp_path, files).schema["classes"] == ["été", "猫"]


def test_one_row_of_a_million_characters_is_a_row_and_longer_ones_are_refused(tmp_path):
    long = "word " * 100_000
    found = read(tmp_path, (texts_csv() + f"{long},good\n").encode(), "a.csv")
    assert found.schema["lengths"]["max"] == len(long.strip())
    with pytest.raises(Refused, match="field larger than"):
        read(tmp_path, (texts_csv() + f"{long * 3},good\n").encode(), "a.csv")
