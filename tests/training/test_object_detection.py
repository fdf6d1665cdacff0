"""Boxes, their losses, suppression of doubles, and mAP that adds up over batches and ranks."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from recipes.prepared import Ragged
from training.failures import BadData
from training.models import build
from training.tasks import task_of
from training.tasks.detection.boxes import Boxes, generalised_overlaps, overlaps
from training.tasks.detection.points_loss import points_loss
from training.tasks.detection.queries_loss import queries_loss
from training.tasks.detection.suppression import best_boxes

MANIFEST = {
    "classes": ["a", "b"],
    "input": {"column": "image", "shape": [1, 64, 64], "dtype": "uint8"},
    "target": {"column": "boxes"},
}


class Split:
    """Black pictures with these boxes; `offsets` as in a ragged column."""

    def __init__(self, boxes, offsets):
        self.boxes = Ragged(np.array(boxes, np.float32), np.array(offsets))

    def __len__(self):
        return len(self.boxes.offsets) - 1

    def column(self, name):
        return self.boxes if name == "boxes" else np.zeros((len(self), 1, 64, 64), np.uint8)


def truth(*pictures):
    """Targets of pictures that are lists of (x1, y1, x2, y2, class)."""
    most = max(1, *(len(boxes) for boxes in pictures))
    padded, there = torch.zeros(len(pictures), most, 5), torch.zeros(len(pictures), most, dtype=torch.bool)
    for place, boxes in enumerate(pictures):
        if boxes:
            padded[place, : len(boxes)], there[place, : len(boxes)] = torch.tensor(boxes).float(), True
    return Boxes(padded[..., :4], padded[..., 4].long(), there, torch.arange(len(pictures)))


def saying(targets, score=8.0):
    """What a model would say that knows: the true boxes in the order of `targets`, nothing beside them."""
    logits = torch.full((*targets.there.shape, 2), -8.0)
    logits.scatter_(2, targets.labels[..., None], torch.where(targets.there, score, -8.0)[..., None])
    return targets.corners.clone(), logits


def test_overlaps_are_those_one_can_count():
    first, second = torch.tensor([0.0, 0, 10, 10]), torch.tensor([5.0, 0, 15, 10])
    assert float(overlaps(first, second)[0]) == pytest.approx(1 / 3, rel=1e-4)
    assert float(generalised_overlaps(first, first)) == pytest.approx(1, rel=1e-4)
    assert float(generalised_overlaps(first, torch.tensor([90.0, 0, 100, 10]))) == pytest.approx(-0.8, rel=1e-4)


def test_of_doubles_the_better_one_stays_and_another_class_is_no_double():
    corners = torch.tensor([[[0.0, 0, 10, 10], [0, 0, 10, 11], [30, 30, 40, 40]]])
    scores = torch.tensor([[[0.6, 0.0], [0.9, 0.5], [0.0, 0.3]]])
    [(boxes, said, labels)] = best_boxes(corners, scores)
    assert [round(value, 1) for value in said.tolist()] == [0.9, 0.5, 0.3]
    assert labels.tolist() == [0, 1, 1] and boxes[0].tolist() == [0, 0, 10, 11]


def test_whoever_knows_every_box_has_map_1_and_whoever_says_another_class_0():
    task, targets = task_of("object-detection", MANIFEST, {}), truth([(4, 4, 20, 20, 0), (30, 30, 60, 50, 1)], [])
    assert task.metrics(task.tally(saying(targets), targets))["map"] == pytest.approx(1.0)
    wrong = saying(replace(targets, labels=1 - targets.labels))
    assert task.metrics(task.tally(wrong, targets))["map_50"] == 0.0


def test_tallies_of_parts_give_the_map_of_the_whole():
    task, generator = task_of("object-detection", MANIFEST, {}), torch.Generator().manual_seed(2)
    places = torch.rand(9, 2, 2, generator=generator) * 30
    targets = truth(*[[(*p.tolist(), *(p + 20).tolist(), k) for k, p in enumerate(each)] for each in places])
    corners, logits = saying(targets, 0.0)
    outputs = corners + torch.rand(corners.shape, generator=generator) * 4, logits
    whole = task.metrics(task.tally(outputs, targets))
    parts = [
        task.tally(tuple(part[rows] for part in outputs), Boxes(*(part[rows] for part in vars(targets).values())))
        for rows in (slice(0, 4), slice(4, 4), slice(4, 9))
    ]
    joined = task.metrics(torch.cat(parts))
    assert 0 < whole["map"] < 1 and joined["map"] == whole["map"]
    assert joined["loss"] == pytest.approx(whole["loss"], rel=1e-5)


def test_the_loss_of_points_is_least_where_the_box_is_right():
    targets = truth([(8, 8, 24, 24, 1)], [])
    net = build({"source": "detector", "channels": [4, 4]}, [1, 32, 32], 2, seed=1)
    corners, logits, points = net(torch.rand(2, 1, 32, 32))
    assert corners.shape == (2, 64, 4) and points[0].tolist() == [2.0, 2.0, 4.0]
    right = targets.corners[:, :1].expand(2, 64, 4)
    quiet = torch.full_like(logits, -9.0)
    sure = quiet.clone()
    middle = ((points[:, :2] - 16).abs() < 6).all(1)
    sure[0, middle, 1] = 9.0
    losses = [float(points_loss(boxes, said, points, targets)) for boxes, said in
              ((right, sure), (right + 4, sure), (right, quiet))]  # fmt: skip
    assert losses[0] < 0.1 < min(losses[1:])


def test_the_loss_of_queries_does_not_hang_on_their_order():
    targets = truth([(4, 4, 20, 20, 0), (30, 30, 60, 50, 1)])
    corners, logits = saying(targets)
    turned = queries_loss(corners.flip(1), logits.flip(1), 64.0, targets)
    assert float(queries_loss(corners, logits, 64.0, targets)) == pytest.approx(float(turned))
    assert float(queries_loss(corners + 6, logits, 64.0, targets)) > float(turned)


def test_a_picture_without_objects_is_learnt_from_too():
    task, split = task_of("object-detection", MANIFEST, {}), Split([[0, 0, 4, 4, 0], [9, 9, 14, 14, 1]], [0, 2, 2, 2])
    inputs, targets = task.collate(split, torch.tensor([2, 0]))
    assert inputs.shape == (2, 1, 64, 64) and targets.pictures.tolist() == [2, 0]
    assert targets.there.tolist() == [[False, False], [True, True]]
    empty = replace(targets, there=torch.zeros_like(targets.there))
    net = build({"source": "detector", "channels": [4, 4]}, [1, 64, 64], 2, seed=1)
    loss, weight = task.loss(net(inputs.float()), empty)
    assert weight == 2.0 and float(loss.detach()) > 0


def test_a_box_of_no_class_is_named_with_its_row():
    split = Split([[0, 0, 4, 4, 0], [0, 0, 4, 4, 7]], [0, 1, 2])
    with pytest.raises(BadData, match="row 1 of train") as bad:
        task_of("object-detection", MANIFEST, {}).check("train", split)
    assert bad.value.params["row"] == 1
