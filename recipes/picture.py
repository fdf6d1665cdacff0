"""A picture on its way through a recipe: its pixels, and the boxes that are drawn on it."""

from typing import NamedTuple

import numpy as np
from PIL import Image

LEAST_SIDE = 1.0
"""pixels: a box that shows less than this of its object has vanished"""
LEAST_VISIBLE = 0.1
"""of its own area, likewise"""


class Picture(NamedTuple):
    """`image` has mode L or RGB; `boxes` float64 [k, 5]: x1, y1, x2, y2 in pixels from the top left, class."""

    image: Image.Image
    boxes: np.ndarray


def no_boxes() -> np.ndarray:
    return np.empty((0, 5))


def corners(boxes: list[list[float]]) -> np.ndarray:
    """Boxes of a version ([x, y, width, height, class]) as corners."""
    rows = np.asarray(boxes, np.float64).reshape(-1, 5).copy()
    rows[:, 2:4] += rows[:, 0:2]
    return rows


def decoded(image: Image.Image, boxes: np.ndarray, size: tuple[int, int]) -> Picture:
    """`boxes` of a picture of `size` (width, height) on an image that may have been decoded at a fraction of it."""
    if not len(boxes) or image.size == size:
        return Picture(image, boxes)
    return Picture(image, moved(boxes, (image.width / size[0], image.height / size[1]), (0, 0)))


def moved(boxes: np.ndarray, factors: tuple[float, float], offset: tuple[float, float]) -> np.ndarray:
    """Boxes in a picture that was stretched by `factors` (x, y) and then shifted by `offset` pixels."""
    rows = boxes.copy()
    rows[:, 0:4:2] = boxes[:, 0:4:2] * factors[0] + offset[0]
    rows[:, 1:4:2] = boxes[:, 1:4:2] * factors[1] + offset[1]
    return rows


def clipped(boxes: np.ndarray, width: int, height: int) -> np.ndarray:
    """What of each box lies inside the picture; boxes of which next to nothing does are left out."""
    if not len(boxes):
        return boxes
    rows = boxes.copy()
    rows[:, 0:4:2] = np.clip(boxes[:, 0:4:2], 0, width)
    rows[:, 1:4:2] = np.clip(boxes[:, 1:4:2], 0, height)
    sides, before = rows[:, 2:4] - rows[:, 0:2], boxes[:, 2:4] - boxes[:, 0:2]
    visible = (sides.min(axis=1, initial=np.inf) >= LEAST_SIDE) & (
        sides.prod(axis=1) >= LEAST_VISIBLE * before.prod(axis=1)
    )
    return rows[visible]
