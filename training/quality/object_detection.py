"""Boxes: COCO's average precision with its interval, by class, and picture by picture what was hit, missed, made up."""

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import torch

from training.quality.exam import WORST, Exam, Report, joined
from training.quality.matching import OVERLAPS, RECALLS, Matches, overlap
from training.tasks.detection.average_precision import coco_evaluation
from training.tasks.detection.boxes import Boxes
from training.tasks.object_detection import SAID, SHOWN_SCORE, TRUE

STATS = {"map": 0, "map_50": 1, "map_75": 2}
HIT = 0.5
"""of a true box must be covered, intersection over union"""
BOXES_SHOWN = 12
"""said boxes of a picture that are told"""


class ObjectDetectionExam(Exam):
    """Answers are boxes [n, Q, 4] and scores [n, Q, classes]; targets `Boxes`."""

    def __init__(self, *facts: Any):
        super().__init__(*facts)
        self._tallies: list[torch.Tensor] = []
        self._pictures = 0

    def take(self, exported: Any, targets: Boxes) -> None:
        self._tallies.append(self.task.tally_exported(exported, targets))
        self._pictures += len(targets)

    def headline(self) -> dict[str, Any]:
        return self._interval("map", self._coco["map"])

    def report(self, still_here: Callable[[], None]) -> Report:
        metrics = dict(self._coco)
        still_here()
        intervals = {"map": self.headline()}
        still_here()
        outcomes = [self._outcome(picture) for picture in range(self._pictures)]
        wrong = np.array([one["missed"] + one["made_up"] for one in outcomes], np.int64)
        worst = np.argsort(-wrong, kind="stable")[:WORST].tolist()
        rows = {"answer": np.array([one["hash"] for one in outcomes], np.int64), "loss": wrong.astype(float)}
        counts = {name: int(sum(one[name] for one in outcomes)) for name in ("hit", "missed", "made_up")}
        details = {"per_class": self._per_class(), "boxes": counts, "worst": worst, "score_shown": SHOWN_SCORE}
        pictures = {str(row): {name: outcomes[row][name] for name in ("true", "said")} for row in worst}
        return Report(metrics, intervals, details, rows, {"pictures": pictures})

    @cached_property
    def truth(self) -> np.ndarray:
        """picture, class, x1, y1, x2, y2"""
        tally = joined(self._tallies)
        return tally[tally[:, 0] == TRUE][:, 1:7]

    @cached_property
    def said(self) -> np.ndarray:
        """The same, and a score."""
        tally = joined(self._tallies)
        return tally[tally[:, 0] == SAID][:, 1:]

    @property
    def _classes(self) -> int:
        return self.task.outputs

    @cached_property
    def _evaluation(self) -> Any:
        return coco_evaluation(self.truth, self.said, self._classes) if len(self.truth) and len(self.said) else None

    @cached_property
    def _coco(self) -> dict[str, float]:
        if self._evaluation is None:
            return dict.fromkeys(STATS, 0.0)
        return {name: max(0.0, float(self._evaluation.stats[place])) for name, place in STATS.items()}

    def _interval(self, name: str, value: float) -> dict[str, Any]:
        matches = Matches(self.truth, self.said, self._classes, self._pictures)
        width = max(1, len(OVERLAPS) * len(self.said) // max(self._pictures, 1))
        return self.bootstrap(self._pictures).interval(value, matches.mean, width)

    def _per_class(self) -> dict[str, list[Any]]:
        """support, map, map_50 and the precision at eleven recalls of each class; None where it has no objects."""
        support = np.bincount(self.truth[:, 1].astype(int), minlength=self._classes)
        table: dict[str, list[Any]] = {"support": support.tolist(), "map": [], "map_50": [], "precision_at_recall": []}
        for label in range(self._classes):
            precision = self._precision(label) if support[label] else None
            table["map"].append(None if precision is None else float(precision.mean()))
            table["map_50"].append(None if precision is None else float(precision[0].mean()))
            table["precision_at_recall"].append(None if precision is None else precision[0, ::10].tolist())
        return table

    def _precision(self, label: int) -> np.ndarray:
        """[overlaps, recalls]"""
        if self._evaluation is None:
            return np.zeros((10, len(RECALLS)))
        return np.clip(self._evaluation.eval["precision"][:, :, label, 0, 2], 0, None)

    def _outcome(self, picture: int) -> dict[str, Any]:
        """Of the boxes that are shown: hit, missed, made_up (counts), true and said boxes, and a hash."""
        true = self.truth[self.truth[:, 0] == picture]
        said = self.said[(self.said[:, 0] == picture) & (self.said[:, 6] > SHOWN_SCORE)]
        found = self._hit(true, said)
        boxes = [[*box(row), bool(hit)] for row, hit in zip(said, found, strict=True)]
        return {
            "hit": int(found.sum()),
            "missed": len(true) - int(found.sum()),
            "made_up": int((~found).sum()),
            "true": [box(row) for row in true],
            "said": boxes[:BOXES_SHOWN],
            "hash": hash_of(said),
        }

    @staticmethod
    def _hit(true: np.ndarray, said: np.ndarray) -> np.ndarray:
        """Which said boxes, best first, take a true one of their class."""
        hits, left = np.zeros(len(said), bool), np.ones(len(true), bool)
        if not len(true):
            return hits
        covered = overlap(said[:, 2:6], true[:, 2:6]) * (said[:, 1:2] == true[None, :, 1])
        for row in range(len(said)):
            best = int((covered[row] * left).argmax())
            if left[best] and covered[row, best] >= HIT:
                hits[row], left[best] = True, False
        return hits


def box(row: np.ndarray) -> list[float]:
    """class, x1, y1, x2, y2, and the score of a said one; a tenth of a pixel is enough to be drawn."""
    _picture, label, *corners = row.tolist()
    return [int(label), *(round(value, 1 if place < 4 else 3) for place, value in enumerate(corners))]


def hash_of(said: np.ndarray) -> int:
    """Equal where the same objects are shown at the same places, to two pixels."""
    places = sorted((int(row[1]), *(math.floor(value / 2 + 0.5) for value in row[2:6])) for row in said)
    return hash(tuple(places)) & 0x7FFFFFFF
