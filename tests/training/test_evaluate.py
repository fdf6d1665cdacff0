import pytest
import torch

from recipes.prepared import open_prepared
from tests.training.factories import prepared_data, tiny
from training.data import Data
from training.evaluate import Evaluator
from training.inputs import FromPixels, OnDeviceSteps
from training.models import build
from training.rendezvous import Group
from training.tasks import task_of


class Silent(Group):
    """One rank of several whose sum is its own part only."""

    def sum(self, tensor):
        return tensor


@pytest.fixture
def data(tmp_path):
    prepared = open_prepared(prepared_data(tmp_path, *tiny(40), classes=["a", "b", "c"]))
    return Data.of(prepared, task_of("image-classification", prepared.manifest, {}))


def evaluator(data, batch_size):
    net = build({"source": "dense"}, data.shape, 3, seed=1)
    model = FromPixels(OnDeviceSteps(data.manifest["on_device"], data.shape), net)
    return Evaluator(data, model.train(), batch_size, torch.device("cpu")), model


def test_the_batch_size_does_not_change_the_metrics(data):
    results = [evaluator(data, size)[0].alone("train", lambda: None) for size in (1, 7, 500)]
    assert results[0]["accuracy"] == results[1]["accuracy"] == results[2]["accuracy"]
    assert results[0]["loss"] == pytest.approx(results[2]["loss"], rel=1e-6)


def test_ranks_look_at_parts_that_make_up_the_split(data):
    looking = evaluator(data, 4)[0]
    tallies = []
    for rank in range(3):
        looking.together("train", Silent(rank, 3), lambda: None)
        first, last = (28 * each // 3 for each in (rank, rank + 1))
        tallies.append(looking._tally("train", first, last, lambda: None))
    assert data.task.metrics(sum(tallies)) == pytest.approx(looking.alone("train", lambda: None))


def test_a_rank_without_rows_adds_nothing(data):
    assert evaluator(data, 4)[0]._tally("train", 3, 3, lambda: None).sum() == 0


def test_training_goes_on_in_training_mode(data):
    looking, model = evaluator(data, 4)
    looking.alone("train", lambda: None)
    assert model.training
