"""Boxes around objects, each with its class: the loss fits the kind of detector, the measure is COCO's mAP."""

import math
from typing import Any

import numpy as np
import torch

from recipes.prepared import Ragged
from training.failures import BadData
from training.tasks.detection.average_precision import average_precision
from training.tasks.detection.boxes import Boxes
from training.tasks.detection.points_loss import points_loss
from training.tasks.detection.queries_loss import queries_loss
from training.tasks.detection.suppression import best_boxes
from training.tasks.task import Outputs, Rows, Task, rows_of

LOSS, TRUE, SAID = 0.0, 1.0, 2.0
"""what a row of a tally holds: (kind, picture, class, x1, y1, x2, y2, score), or (kind, loss, pictures, …)"""
SHOWN_SCORE = 0.3


class ObjectDetection(Task):
    """Outputs of a model: boxes [n, Q, 4] in pixels, logits [n, Q, classes], and, of a model that says one box at
    every point of a grid, the points [P, 3] (x, y, stride)."""

    output_names = ("boxes", "scores")
    tallies_are_rows = True

    def __init__(self, manifest: dict[str, Any], training: dict[str, Any]):
        super().__init__(manifest, training)
        self._classes = len(manifest["classes"])
        self._side = float(max(manifest["input"]["shape"][1:]))

    @property
    def outputs(self) -> int:
        return self._classes

    def check(self, name: str, split: Rows) -> None:
        boxes = split.column(self._target)
        if not isinstance(boxes, Ragged):
            raise BadData(f"the data's column {self._target} holds no lists of boxes", split=name)
        values = np.asarray(boxes.values)
        label = values[:, 4]
        wrong = (label < 0) | (label >= self._classes) | (values[:, 2] <= values[:, 0]) | (values[:, 3] <= values[:, 1])
        places = np.flatnonzero(wrong | ~np.isfinite(values).all(1))
        if len(places):
            row = int(np.searchsorted(boxes.offsets, places[0], "right")) - 1
            sentence = f"row {row} of {name} has a box that is empty or of no known class: {values[places[0]].tolist()}"
            raise BadData(sentence, split=name, row=row)

    def collate(self, split: Rows, indices: torch.Tensor) -> tuple[torch.Tensor, Boxes]:
        column = split.column(self._target)
        assert isinstance(column, Ragged)  # noqa: S101 - proved by `check`
        rows = [np.asarray(column.row(int(index))) for index in indices]
        padded = torch.zeros(len(rows), max(1, *(len(row) for row in rows), 1), 5)
        there = torch.zeros(padded.shape[:2], dtype=torch.bool)
        for place, row in enumerate(rows):
            padded[place, : len(row)] = torch.from_numpy(row.astype(np.float32))
            there[place, : len(row)] = True
        return rows_of(split, self._input, indices), Boxes(padded[..., :4], padded[..., 4].long(), there, indices)

    def loss(self, outputs: Outputs, targets: Boxes) -> tuple[torch.Tensor, float]:
        """Weighed by pictures: a picture without objects counts too."""
        corners, logits, *points = outputs
        if points:
            return points_loss(corners, logits, points[0], targets), float(len(targets))
        return queries_loss(corners, logits, self._side, targets), float(len(targets))

    def tally(self, outputs: Outputs, targets: Boxes) -> torch.Tensor:
        if not len(targets):
            return torch.zeros(0, 8, dtype=torch.float64)
        loss, _pictures = self.loss(outputs, targets)
        return self._rows(float(loss), self.exported(outputs), targets)

    def tally_exported(self, exported: Outputs, targets: Boxes) -> torch.Tensor:
        """The loss needs the places that answers come from, which the exported model does not give."""
        return self._rows(math.nan, exported, targets)

    def metrics(self, tally: torch.Tensor) -> dict[str, float]:
        heads = tally[tally[:, 0] == LOSS]
        truth = tally[tally[:, 0] == TRUE][:, 1:7].numpy()
        said = tally[tally[:, 0] == SAID][:, 1:].numpy()
        loss = float(heads[:, 1].sum()) / max(float(heads[:, 2].sum()), 1.0)
        return {**average_precision(truth, said, self._classes), "loss": loss}

    def predict(self, outputs: Outputs) -> list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        """Per picture the boxes, scores and classes that are shown, of what `exported` gives."""
        shown = []
        for boxes, scores, labels in best_boxes(*outputs):
            high = scores > SHOWN_SCORE
            shown.append((boxes[high], scores[high], labels[high]))
        return shown

    def preview(self, exported: Outputs, classes: list[str]) -> dict[str, Any]:
        """boxes: each name, score and box (x1, y1, x2, y2 in pixels of the prepared picture), highest score first"""
        [(boxes, scores, labels)] = self.predict(exported)
        shown = [
            {"name": classes[label], "score": round(score, 6), "box": [round(edge, 2) for edge in box]}
            for box, score, label in zip(boxes.tolist(), scores.tolist(), labels.tolist(), strict=True)
        ]
        return {"boxes": sorted(shown, key=lambda one: -one["score"])}

    def output_shape(self, name: str, shape: list[int]) -> list[int | str]:
        return ["boxes", 4 if name == "boxes" else self._classes]

    def exported(self, outputs: Outputs) -> Outputs:
        """Boxes and a score from 0 to 1 per class; doubles are still in."""
        return outputs[0], outputs[1].sigmoid()

    def agreement(self, ours: Outputs, theirs: Outputs) -> float:
        """Pictures in which the same objects are shown, to half a pixel."""
        pairs = list(zip(self.predict(ours), self.predict(theirs), strict=True))
        return sum(_same(mine, other) for mine, other in pairs) / max(len(pairs), 1)

    def _rows(self, loss: float, exported: Outputs, targets: Boxes) -> torch.Tensor:
        head = torch.zeros(1, 8, dtype=torch.float64)
        head[0, 1], head[0, 2] = loss, len(targets)
        return torch.cat([head, _true_rows(targets), self._said_rows(exported, targets)])

    def _said_rows(self, exported: Outputs, targets: Boxes) -> torch.Tensor:
        rows = []
        for picture, (boxes, scores, labels) in zip(targets.pictures, best_boxes(*exported), strict=True):
            head = torch.tensor([SAID, float(picture)], dtype=torch.float64, device=boxes.device)
            parts = (head.expand(len(boxes), 2), labels[:, None], boxes, scores[:, None])
            rows.append(torch.cat([part.double() for part in parts], 1))
        return torch.cat(rows)


def _true_rows(targets: Boxes) -> torch.Tensor:
    pictures = targets.pictures[:, None].expand(targets.there.shape)[targets.there].double()
    kind, score = torch.full_like(pictures, TRUE), torch.ones_like(pictures)
    labels, corners = targets.labels[targets.there].double(), targets.corners[targets.there].double()
    return torch.cat([torch.stack([kind, pictures, labels], 1), corners, score[:, None]], 1)


def _same(first: tuple[torch.Tensor, ...], second: tuple[torch.Tensor, ...]) -> bool:
    (boxes, _, labels), (other_boxes, _, other_labels) = first, second
    return torch.equal(labels, other_labels) and bool(((boxes - other_boxes).abs() < 0.5).all())
