"""Several texts in one row: each goes into the open row of its split, or closes it and opens the next one."""

from typing import NamedTuple

import numpy as np

NO_LOSS = -100


class Document(NamedTuple):
    """One text: `tokens` int32 [k], and `learned` [k]: whether the model is corrected on each of them."""

    tokens: np.ndarray
    learned: np.ndarray


class Packing:
    """Rows of at most `length` tokens; without `several` each document has a row of its own."""

    def __init__(self, length: int, several: bool):
        self._length = length
        self._several = several
        self._open: dict[int, list[Document]] = {}

    def add(self, split: int, document: Document) -> list[Document] | None:
        """The row that is full now, if one is."""
        row = self._open.setdefault(split, [])
        used = sum(len(other.tokens) for other in row)
        if not row or (self._several and used + len(document.tokens) <= self._length):
            row.append(document)
            return None
        self._open[split] = [document]
        return row

    def rest(self) -> list[tuple[int, list[Document]]]:
        """The rows that are still open, by split."""
        rows = [(split, row) for split, row in sorted(self._open.items()) if row]
        self._open = {}
        return rows


def filled(rows: list[list[Document]], length: int, pad: int) -> dict[str, np.ndarray]:
    """`tokens`, `targets` and `segment` int32 [n, length], padded on the right."""
    tokens = np.full((len(rows), length), pad, np.int32)
    targets = np.full((len(rows), length), NO_LOSS, np.int32)
    segment = np.zeros((len(rows), length), np.int32)
    for number, row in enumerate(rows):
        start = 0
        for place, document in enumerate(row):
            part = slice(start, start := start + len(document.tokens))
            tokens[number, part] = document.tokens
            targets[number, part] = np.where(document.learned, document.tokens, NO_LOSS)
            segment[number, part] = place + 1
    return {"tokens": tokens, "targets": targets, "segment": segment}
