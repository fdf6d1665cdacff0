"""Small versions of texts, tables and pictures with boxes to build from."""

import hashlib
import io
import json

from PIL import Image

from recipes.build import build
from recipes.prepared import open_prepared
from recipes.sandbox.inside import Reporter
from recipes.version import Item, VersionWriter


def inline(split, data, target, name="") -> Item:
    text = json.dumps({"data": data, "target": target}, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Item(digest, len(text), split, name or digest[:6], data=data, target=target)


def version_of(parent, task, kind, items, classes=(), **head):
    with VersionWriter(parent) as writer:
        head = {"task": task, "kind": kind, "classes": list(classes), "split_rule": "given", **head}
        return writer.finish(head, items, [])


def labelled_texts(parent, texts: list[tuple[str, int, str]], classes=("no", "yes")):
    """(split, label, text)"""
    items = [inline(split, {"text": text}, {"label": label}) for split, label, text in texts]
    return version_of(parent, "text-classification", "text", items, classes)


def chats(parent, chats: list[list[tuple[str, str]]], split="train"):
    """Each chat is a list of (role, content)."""
    items = [
        inline(split, {"messages": [{"role": role, "content": content} for role, content in chat]}, {})
        for chat in chats
    ]
    return version_of(parent, "causal-lm", "text", items)


def table(parent, columns, rows: list[tuple[str, list, object]], task="tabular-classification"):
    """(split, values, target)"""
    key = "label" if task == "tabular-classification" else "value"
    items = [
        inline(split, {"values": values}, {key: target}, f"row {n}") for n, (split, values, target) in enumerate(rows)
    ]
    classes = ["no", "yes"] if key == "label" else []
    return version_of(parent, task, "table", items, classes, columns=columns, target_name="y")


def column(name, type="number", missing=0, values=()):
    return {"name": name, "type": type, "values": list(values), "missing": missing}


def with_boxes(
    parent,
    pictures: list[tuple[str, bytes, list]],
    task="object-detection",
    key="boxes",
    classes=("cat", "dog", "owl"),
):
    """(split, PNG, boxes [x, y, width, height, class])"""
    with VersionWriter(parent) as writer:
        items = []
        for number, (split, data, boxes) in enumerate(pictures):
            stored = writer.store(data, ".png")
            with Image.open(io.BytesIO(data)) as image:
                width, height, channels = *image.size, len(image.getbands())
            items.append(
                Item(
                    stored.sha256,
                    stored.bytes,
                    split,
                    f"{number}.png",
                    file=stored.file,
                    width=width,
                    height=height,
                    channels=channels,
                    target={key: boxes},
                )
            )
        head = {"task": task, "kind": "image", "classes": list(classes), "split_rule": "given"}
        return writer.finish(head, items, [])


def built(version, steps, **request):
    """The prepared data of `version` after `steps`, made in this process."""
    parent = version.parent.parent / "prepared"
    result = build(
        {"version": str(version), "steps": steps, "parent": str(parent), **request}, Reporter(lambda line: None)
    )
    return open_prepared(parent / result["hash"])
