"""Small versions to build from."""

import io

import numpy as np
from PIL import Image

from recipes.version import Item, VersionWriter


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


def plain(value, size=(4, 4), mode="L") -> bytes:
    return encoded(Image.new(mode, size, value))


def noise(seed: int, size=(6, 5), channels: int = 3) -> bytes:
    shape = (size[1], size[0], channels) if channels == 3 else (size[1], size[0])
    return encoded(Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, np.uint8)))


def written(parent, items: list[tuple[str, int, bytes]]):
    """A version of (split, label, PNG) items; its directory."""
    with VersionWriter(parent) as writer:
        rows = []
        for number, (split, label, data) in enumerate(items):
            stored = writer.store(data, ".png")
            with Image.open(io.BytesIO(data)) as image:
                width, height, channels = *image.size, len(image.getbands())
            rows.append(
                Item(
                    file=stored.file,
                    sha256=stored.sha256,
                    bytes=stored.bytes,
                    split=split,
                    name=f"{number}.png",
                    width=width,
                    height=height,
                    channels=channels,
                    target={"label": label},
                )
            )
        head = {"task": "image-classification", "kind": "image", "classes": ["cat", "dog"], "split_rule": "given"}
        return writer.finish(head, rows, [])
