"""Data of every layout in small, and the import's own work done on it without a server around it."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

from catalog.imports import work
from recipes.sandbox.inside import Reporter
from recipes.version import Item, read_items
from tests.catalog.factories import picture, zipped

SENTENCES = ("the film was a joy from start to end", "a dull story that nobody needs to see twice")
LABELS = ("good", "bad")


class Read:
    """What an import made of some files: `result` as the worker gets it, `items` by name."""

    def __init__(self, parent: Path, source: dict[str, Any], options: dict[str, str]):
        request = {"source": source, "options": options, "parent": str(parent)}
        self.result = work.import_dataset(request, Reporter(lambda line: None))
        self.schema = self.result["schema"]
        self.task = self.result["task"]
        self.items: dict[str, Item] = {item.name: item for item in read_items(parent / self.result["hash"])}
        self.reasons = {row["name"]: row["reason"] % row["params"] for row in self.schema["unreadable"]}


def read(home: Path, files: dict[str, bytes] | bytes, name: str = "data.zip", **options: str) -> Read:
    """`files`: the files of a zip, or one file as it is. Raises Refused."""
    path = home / "upload"
    path.write_bytes(zipped(files) if isinstance(files, dict) else files)
    return Read(home / "versions", {"path": str(path), "name": name}, options)


def tarred(files: dict[str, bytes], mode: str = "w:gz", **attributes: Any) -> bytes:
    """A tar; `attributes` are set on the last entry."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode=mode) as archive:
        for place, (name, data) in enumerate(files.items()):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            if place == len(files) - 1:
                for key, value in attributes.items():
                    setattr(info, key, value)
            archive.addfile(info, io.BytesIO(data))
    return content.getvalue()


def texts_csv(rows: int = 40, delimiter: str = ",", header: str = "text,label") -> str:
    lines = [header.replace(",", delimiter)]
    lines += [f"{SENTENCES[number % 2]} {number}{delimiter}{LABELS[number % 2]}" for number in range(rows)]
    return "\n".join(lines) + "\n"


def coco(count: int = 12, **more: Any) -> dict[str, bytes]:
    """Pictures of 40 × 30 with one box each, of two categories whose ids have a gap."""
    images = [{"id": 10 * n, "file_name": f"{n:02}.png", "width": 40, "height": 30} for n in range(count)]
    boxes = [
        {"id": n, "image_id": 10 * n, "category_id": (3, 90)[n % 2], "bbox": [4 + n, 5, 10, 8]} for n in range(count)
    ]
    content = {
        "images": images,
        "annotations": boxes,
        "categories": [{"id": 90, "name": "dog"}, {"id": 3, "name": "cat"}],
    }
    content |= {key: content[key] + value for key, value in more.items()}
    files = {f"images/{n:02}.png": picture(40, 30, seed=n) for n in range(count)}
    return files | {"annotations.json": json.dumps(content).encode()}


def yolo(count: int = 12) -> dict[str, bytes]:
    files = {"data.yaml": b"path: .\nnames:\n  0: cat\n  1: dog\n"}
    for n in range(count):
        files[f"images/train/{n:02}.png"] = picture(40, 20, seed=n)
        files[f"labels/train/{n:02}.txt"] = f"{n % 2} 0.5 0.5 0.25 0.5\n".encode()
    return files


def voc(count: int = 12) -> dict[str, bytes]:
    files = {}
    for n in range(count):
        files[f"JPEGImages/{n:02}.png"] = picture(40, 30, seed=n)
        files[f"Annotations/{n:02}.xml"] = voc_xml(f"{n:02}.png", ("cat", "dog")[n % 2]).encode()
    return files


def voc_xml(name: str, label: str, box: tuple[float, ...] = (1, 1, 10, 20)) -> str:
    corners = "".join(
        f"<{tag}>{value}</{tag}>" for tag, value in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)
    )
    return (
        f"<annotation><filename>{name}</filename><size><width>40</width><height>30</height></size>"
        f"<object><name>{label}</name><bndbox>{corners}</bndbox></object></annotation>"
    )
