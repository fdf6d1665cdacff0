"""Which answered boxes are hits, decided once as COCO does, so that average precision of any resample is quick."""

import numpy as np

OVERLAPS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)


class Matches:
    """Rows of `truth`: picture, class, x1, y1, x2, y2; of `said` the same with a score behind. Pictures are numbered
    from 0 to `pictures`."""

    def __init__(self, truth: np.ndarray, said: np.ndarray, classes: int, pictures: int):
        self.truth, self.said, self.pictures = truth, said, pictures
        best_first = np.argsort(-said[:, 6], kind="stable")
        self.said = said[best_first]
        self.hits = _hits(truth, self.said)
        """bool [overlaps, said boxes]"""
        self._of_class = [np.flatnonzero(self.said[:, 1] == label) for label in range(classes)]
        self._true_of_class = [truth[truth[:, 1] == label, 0].astype(int) for label in range(classes)]

    def by_class(self, drawn: np.ndarray) -> np.ndarray:
        """Average precision [classes, overlaps], each picture as often as it was drawn; nan without objects."""
        found = np.full((len(self._of_class), len(OVERLAPS)), np.nan)
        for label, places in enumerate(self._of_class):
            objects = float(drawn[self._true_of_class[label]].sum())
            if objects:
                weights = drawn[self.said[places, 0].astype(int)]
                found[label] = _areas(self.hits[:, places], weights, objects)
        return found

    def mean(self, drawn: np.ndarray) -> float:
        found = self.by_class(drawn)
        there = np.isfinite(found).all(1)
        return float(found[there].mean()) if there.any() else float("nan")


def _hits(truth: np.ndarray, said: np.ndarray) -> np.ndarray:
    hits = np.zeros((len(OVERLAPS), len(said)), bool)
    true, answered = _by_kind(truth), _by_kind(said)
    for kind in true.keys() & answered.keys():
        mine = answered[kind]
        hits[:, mine] = _taken(overlap(said[mine, 2:6], truth[true[kind], 2:6]))
    return hits


def _by_kind(rows: np.ndarray) -> dict[tuple[float, float], list[int]]:
    """Numbers of the rows by picture and class, in their order."""
    found: dict[tuple[float, float], list[int]] = {}
    for number, (picture, label) in enumerate(rows[:, :2].tolist()):
        found.setdefault((picture, label), []).append(number)
    return found


def _taken(overlaps: np.ndarray) -> np.ndarray:
    """Boxes (best first) that get an object, [overlaps, boxes]: each takes the best that is left."""
    hits = np.zeros((len(OVERLAPS), len(overlaps)), bool)
    for place, least in enumerate(OVERLAPS):
        left = overlaps.copy()
        for box in range(len(left)):
            best = int(left[box].argmax())
            if left[box, best] >= least:
                hits[place, box] = True
                left[:, best] = -1
    return hits


def overlap(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Intersection over union of every box of `first` [n, 4] with every one of `second` [k, 4]."""
    left_top = np.maximum(first[:, None, :2], second[None, :, :2])
    right_bottom = np.minimum(first[:, None, 2:], second[None, :, 2:])
    common = np.clip(right_bottom - left_top, 0, None).prod(2)
    areas = [(boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) for boxes in (first, second)]
    return common / np.maximum(areas[0][:, None] + areas[1][None] - common, 1e-12)


def _areas(hits: np.ndarray, weights: np.ndarray, objects: float) -> list[float]:
    """Precision at 101 recalls, each the best at that recall or above, on average; `hits` [overlaps, boxes]."""
    right = np.cumsum(weights * hits, 1)
    precision = right / np.maximum(np.cumsum(weights), 1e-12)
    best_from_here = np.maximum.accumulate(precision[:, ::-1], 1)[:, ::-1]
    found = np.append(best_from_here, np.zeros((len(hits), 1)), 1)
    recalls = right / objects
    return [
        float(best[np.searchsorted(recall, RECALLS - 1e-12)].mean())
        for best, recall in zip(found, recalls, strict=True)
    ]
