"""From a candidate to an item of the version: a picture that was read, with its boxes cut to it; or inline data."""

import hashlib
import json
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from catalog.imports.near_pictures import look_of
from catalog.imports.plan import BOX, Box, Candidate, listed
from contract.problems import gettext_noop
from recipes import images
from recipes.images import Unreadable
from recipes.version import Item, VersionWriter

LEAST_PIXELS = 1e-3
CUT_FROM_PIXELS = 1.0
"""annotations are rounded; what sticks out by less is no mistake"""


@dataclass
class Made:
    item: Item
    content: str
    """equal for two items that are learnt from the same thing, whatever their targets"""
    format: str = ""
    look: np.ndarray | None = None
    """for finding pictures that are nearly alike"""
    skipped: list[dict[str, Any]] = field(default_factory=list)
    """boxes that were left out"""
    cut: int = 0
    """boxes that were cut to the picture"""


def make(writer: VersionWriter, candidate: Candidate) -> Made:
    """Raises Unreadable."""
    return _picture(writer, candidate) if candidate.read else _inline(candidate)


def _picture(writer: VersionWriter, candidate: Candidate) -> Made:
    assert candidate.read is not None  # noqa: S101 - `make` looked
    data = candidate.read()
    kind, image = images.read(data)
    _refuse_other_size(candidate, image)
    target, skipped, cut = dict(candidate.target), [], 0
    if candidate.boxes is not None:
        target["boxes"], skipped, cut = _fitted(candidate.boxes, image.width, image.height)
    stored = writer.store(data, images.SUFFIXES[kind])
    item = Item(
        file=stored.file,
        sha256=stored.sha256,
        bytes=stored.bytes,
        split=candidate.split,
        name=candidate.name,
        width=image.width,
        height=image.height,
        channels=len(image.getbands()),
        target=target,
        group=candidate.group,
        origin=candidate.origin,
    )
    return Made(item, stored.sha256, kind, look_of(image), skipped, cut)


def _inline(candidate: Candidate) -> Made:
    canonical = _canonical({"data": candidate.data, "target": candidate.target})
    item = Item(
        sha256=hashlib.sha256(canonical).hexdigest(),
        bytes=len(canonical),
        split=candidate.split,
        name=candidate.name,
        data=candidate.data,
        target=candidate.target,
        group=candidate.group,
        origin=candidate.origin,
    )
    return Made(item, hashlib.sha256(_canonical(candidate.data)).hexdigest())


def _refuse_other_size(candidate: Candidate, image: Image.Image) -> None:
    """Pixels of a box mean nothing on a picture of another size."""
    if candidate.size and candidate.size != image.size:
        sentence = gettext_noop("The list says %(told)s pixels, the picture has %(size)s.")
        told, size = ("{} × {}".format(*pair) for pair in (candidate.size, image.size))
        raise Unreadable(sentence, told=told, size=size)


def _fitted(boxes: tuple[Box, ...], width: int, height: int) -> tuple[list[list[float]], list[dict], int]:
    """(boxes as targets, those left out, how many were cut)"""
    kept, skipped, cut = [], [], 0
    for box in boxes:
        try:
            corners, was_cut = _cut(box, width, height)
        except Unreadable as error:
            skipped.append(listed(box.name, error, BOX))
            continue
        kept.append([*(round(value, 3) for value in corners), box.label])
        cut += was_cut
    return kept, skipped, cut


def _cut(box: Box, width: int, height: int) -> tuple[list[float], bool]:
    scale_x, scale_y = (width, height) if box.relative else (1, 1)
    left, top = box.x * scale_x, box.y * scale_y
    right, bottom = left + box.width * scale_x, top + box.height * scale_y
    if not all(math.isfinite(value) for value in (left, top, right, bottom)):
        raise Unreadable(gettext_noop("The box has a corner that is no number."))
    if right - left < LEAST_PIXELS or bottom - top < LEAST_PIXELS:
        raise Unreadable(gettext_noop("The box has no size."))
    inside = [max(left, 0.0), max(top, 0.0), min(right, float(width)), min(bottom, float(height))]
    if inside[2] - inside[0] < LEAST_PIXELS or inside[3] - inside[1] < LEAST_PIXELS:
        raise Unreadable(gettext_noop("The box lies outside the picture."))
    moved = max(abs(now - was) for now, was in zip(inside, (left, top, right, bottom), strict=True))
    return [inside[0], inside[1], inside[2] - inside[0], inside[3] - inside[1]], moved > CUT_FROM_PIXELS


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
