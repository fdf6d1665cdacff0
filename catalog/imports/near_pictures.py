"""Pictures that are nearly alike: recompressed, resized or slightly changed copies, found by their small looks."""

import numpy as np
from PIL import Image

SIDE = 12
ALIKE = 0.995
"""correlation of two looks; different handwritten digits of one class stay below (measured on mnist-5k)"""
FLATTEST = 3.0
"""levels of standard deviation: an empty picture is like every other empty one, which tells nothing"""
MOST_COMPARED = 60_000
ROWS_AT_ONCE = 256


def look_of(image: Image.Image) -> np.ndarray:
    """uint8 [SIDE · SIDE · 3]: the picture made tiny, in colour."""
    small = image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(small).reshape(-1)


def near_pairs(looks: np.ndarray, splits: list[str]) -> list[tuple[int, int, float]]:
    """(index in a held-out split, index of the likest picture in another split, likeness) from ALIKE on.

    looks: uint8 [n, SIDE · SIDE · 3]. At most MOST_COMPARED pictures are compared.
    """
    vectors, usable = _normalised(looks[:MOST_COMPARED])
    of_split = np.array(splits[:MOST_COMPARED])
    pairs = []
    for held_out, others in (("test", ("train", "validation")), ("validation", ("train",))):
        rows = np.flatnonzero(usable & (of_split == held_out))
        columns = np.flatnonzero(usable & np.isin(of_split, others))
        if len(columns):
            pairs += _best(vectors, rows, columns)
    return pairs


def _normalised(looks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    values = looks.astype(np.float32)
    values -= values.mean(axis=1, keepdims=True)
    usable = values.std(axis=1) >= FLATTEST
    length = np.linalg.norm(values, axis=1, keepdims=True)
    return values / np.maximum(length, 1e-6), usable


def _best(vectors: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> list[tuple[int, int, float]]:
    found = []
    others = vectors[columns].T
    for start in range(0, len(rows), ROWS_AT_ONCE):
        some = rows[start : start + ROWS_AT_ONCE]
        likeness = vectors[some] @ others
        best = likeness.argmax(axis=1)
        for row, column in enumerate(best):
            if likeness[row, column] >= ALIKE:
                found.append((int(some[row]), int(columns[column]), float(likeness[row, column])))
    return found
