"""Augmentation while training: a pure function of seed, step and rank; boxes stay on their objects."""

import pytest
import torch

from recipes.recipe import Recipe
from recipes.steps import STEPS, TrainStep
from training.augmentation import augmentation_of
from training.tasks.detection.boxes import Boxes

ALL = [{"step": name} for name, step in STEPS.items() if issubclass(step, TrainStep)]


def augment(*steps, seed=1, rank=0):
    return augmentation_of({"on_train": Recipe.parse(list(steps)).on_train()}, seed, rank)


def batch(count=6, channels=3, height=20, width=32):
    chance = torch.Generator().manual_seed(5)
    pixels = torch.randint(0, 256, (count, channels, height, width), generator=chance, dtype=torch.uint8)
    return pixels, torch.arange(count)


def test_the_same_seed_step_and_rank_repeat_every_bit_and_another_one_does_not():
    inputs, targets = batch()
    first = augment(*ALL)(inputs, targets, 7, 0)
    again = augment(*ALL)(inputs, targets, 7, 0)
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    others = [
        augment(*ALL, seed=2)(inputs, targets, 7, 0),
        augment(*ALL, rank=1)(inputs, targets, 7, 0),
        augment(*ALL)(inputs, targets, 8, 0),
        augment(*ALL)(inputs, targets, 7, 1),
    ]
    assert not any(torch.equal(first[0], other[0]) for other in others)


def test_nothing_asked_for_is_nothing_done():
    assert augmentation_of({"on_train": []}, 1, 0) is None
    assert augmentation_of({}, 1, 0) is None
    with pytest.raises(ValueError, match="no augmentation"):
        augmentation_of({"on_train": [{"step": "sharpen"}]}, 1, 0)


@pytest.mark.parametrize("step", ALL, ids=lambda step: step["step"])
def test_pixels_keep_their_type_and_shape_and_are_changed(step):
    inputs, targets = batch()
    before = inputs.clone()
    changed, _ = augment(step)(inputs, targets, 1, 0)
    assert (changed.dtype, changed.shape) == (torch.uint8, inputs.shape)
    assert not torch.equal(changed, inputs)
    assert torch.equal(inputs, before)


def test_an_empty_batch_stays_empty():
    inputs, targets = batch(0)
    assert len(augment(*ALL)(inputs, targets, 1, 0)[0]) == 0


@pytest.mark.parametrize(("direction", "axis"), [("horizontal", 3), ("vertical", 2)])
def test_a_flip_is_exact(direction, axis):
    inputs, targets = batch()
    flipped, _ = augment({"step": "flip", "direction": direction, "probability": 1})(inputs, targets, 1, 0)
    assert torch.equal(flipped, inputs.flip(axis))


@pytest.mark.parametrize(
    "steps",
    [
        [{"step": "flip", "probability": 1}],
        [{"step": "crop", "least": 0.6}],
        [{"step": "rotate", "degrees": 8}],
        [{"step": "flip"}, {"step": "crop", "least": 0.7}, {"step": "rotate", "degrees": 10}],
    ],
    ids=["flip", "crop", "rotate", "all three"],
)
def test_boxes_stay_on_their_objects(steps):
    count, height, width = 32, 48, 64
    chance = torch.Generator().manual_seed(3)
    left = torch.randint(4, 40, (count,), generator=chance)
    top = torch.randint(4, 24, (count,), generator=chance)
    inputs = torch.zeros(count, 1, height, width, dtype=torch.uint8)
    for number in range(count):
        inputs[number, 0, top[number] : top[number] + 16, left[number] : left[number] + 20] = 255
    corners = torch.stack([left, top, left + 20, top + 16], -1).float()[:, None]
    boxes = Boxes(corners, torch.zeros(count, 1, dtype=torch.int64), torch.ones(count, 1, dtype=torch.bool), left)
    pixels, moved = augment(*steps)(inputs, boxes, 1, 0)
    seen = 0
    for number in moved.there[:, 0].nonzero()[:, 0].tolist():
        rows, columns = torch.nonzero(pixels[number, 0] > 127, as_tuple=True)
        bright = torch.stack([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]).float()
        assert (moved.corners[number, 0] - bright).abs().max() <= 3
        seen += 1
    assert seen >= count // 2


def test_a_box_that_leaves_the_picture_is_gone_and_its_neighbour_stays():
    inputs = torch.zeros(1, 1, 40, 40, dtype=torch.uint8)
    corners = torch.tensor([[[0.0, 0, 3, 3], [10, 10, 30, 30]]])
    boxes = Boxes(corners, torch.zeros(1, 2, dtype=torch.int64), torch.ones(1, 2, dtype=torch.bool), torch.zeros(1))
    there = [augment({"step": "crop", "least": 0.5})(inputs, boxes, step, 0)[1].there[0].tolist() for step in range(20)]
    assert [False, True] in there
    assert all(second for _, second in there)


def test_mixup_takes_labels_by_the_weights_of_the_blend():
    inputs = torch.zeros(4000, 1, 1, 1, dtype=torch.uint8)
    inputs[2000:] = 200
    labels = torch.cat([torch.zeros(2000), torch.ones(2000)]).long()
    pixels, drawn = augment({"step": "mixup", "alpha": 1})(inputs, labels, 1, 0)
    blend = pixels[:, 0, 0, 0].float() / 200
    assert abs(drawn.float().mean() - blend.mean()) < 0.03
    middle = (blend > 0.2) & (blend < 0.4)
    assert abs(drawn[middle].float().mean() - blend[middle].mean()) < 0.1
