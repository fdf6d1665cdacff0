import pytest
import torch
from sklearn.metrics import f1_score

from recipes.prepared import open_prepared
from tests.training.factories import prepared_data, tiny
from training.data import MappedSplit
from training.failures import BadData
from training.tasks import task_of


def task_for(classes: int, **training):
    manifest = {
        "classes": [str(label) for label in range(classes)],
        "input": {"column": "image"},
        "target": {"column": "label"},
    }
    return task_of("image-classification", manifest, training)


def test_metrics_of_parts_add_up_to_those_of_the_whole():
    task, generator = task_for(4), torch.Generator().manual_seed(1)
    outputs = torch.randn(50, 4, generator=generator)
    targets = torch.randint(0, 3, (50,), generator=generator)
    parts = [task.tally(outputs[rows], targets[rows]) for rows in (slice(0, 0), slice(0, 17), slice(17, 50))]
    metrics = task.metrics(sum(parts))
    predicted = outputs.argmax(1)
    assert metrics["accuracy"] == pytest.approx(float((predicted == targets).double().mean()))
    assert metrics["f1_macro"] == pytest.approx(f1_score(targets, predicted, average="macro"))
    assert metrics["loss"] == pytest.approx(float(torch.nn.functional.cross_entropy(outputs, targets)), rel=1e-5)


def test_loss_is_a_sum_with_its_weight_and_smoothing_is_passed_on():
    outputs, targets = torch.randn(6, 3), torch.tensor([0, 1, 2, 0, 1, 2])
    total, weight = task_for(3).loss(outputs, targets)
    torch.testing.assert_close(total / weight, torch.nn.functional.cross_entropy(outputs, targets))
    smoothed, _ = task_for(3, label_smoothing_factor=0.2).loss(outputs, targets)
    expected = torch.nn.functional.cross_entropy(outputs, targets, label_smoothing=0.2)
    torch.testing.assert_close(smoothed / weight, expected)


def test_a_label_out_of_range_is_named_with_its_row(tmp_path):
    images, labels = tiny(20)
    labels[4] = 7
    split = MappedSplit(open_prepared(prepared_data(tmp_path, images, labels, classes=["a", "b", "c"])).split("train"))
    with pytest.raises(BadData) as bad:
        task_for(3).check("train", split)
    assert bad.value.params["row"] == 4 and bad.value.params["value"] == 7


def test_rows_are_read_in_the_order_that_is_asked_for(tmp_path):
    images, labels = tiny(20)
    split = MappedSplit(open_prepared(prepared_data(tmp_path, images, labels, classes=["a", "b", "c"])).split("train"))
    inputs, targets = task_for(3).collate(split, torch.tensor([5, 0, 9]))
    assert torch.equal(inputs, torch.from_numpy(images[[5, 0, 9]]))
    assert targets.tolist() == labels[[5, 0, 9]].tolist()
