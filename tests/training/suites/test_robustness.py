"""Spoilt and foreign inputs, measured on a model that is known: the brightest row of a picture is its class."""

import numpy as np
import pytest
import torch

from recipes.prepared import open_prepared
from tests.training.factories import prepared_data, spec, tiny
from tests.training.suites.subjects import subject_of
from tests.training.task_data import BYTES, tokens
from training.corruptions import KINDS
from training.suites import NotMeasured
from training.suites.corruption import corruption
from training.suites.out_of_distribution import out_of_distribution


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    images, labels = tiny(400)
    return prepared_data(tmp_path_factory.mktemp("tiny"), images, labels, classes=["0", "1", "2"])


def brightest_row(inputs):
    """Sharp logits: a step of brightness decides."""
    return inputs.float().mean((1, 3))[:, :3] / 4


@pytest.fixture(scope="module")
def spoilt(data):
    return corruption(subject_of(data, spec(), brightest_row))


def test_answers_get_worse_with_severity_and_start_from_the_clean_figure(spoilt):
    assert spoilt["clean"]["value"] == 1.0 and spoilt["rows"] == 60
    assert set(spoilt["kinds"]) == {"noise", "blur", "brightness", "jpeg"}
    for severities in spoilt["kinds"].values():
        assert [one["severity"] for one in severities] == [1, 2, 3, 4, 5]
        assert all(one["low"] <= one["value"] <= one["high"] for one in severities)
    assert spoilt["mean"] <= 1.0


@pytest.mark.parametrize("kind", ["noise", "blur", "brightness", "jpeg"])
def test_each_kind_changes_a_picture_more_and_more_and_keeps_its_type(kind):
    pictures = torch.from_numpy(tiny(8, side=24)[0])
    changes = []
    for severity in (1, 3, 5):
        changed = KINDS["image"][kind](pictures, severity, {}, torch.Generator().manual_seed(1))
        assert (changed.dtype, changed.shape) == (pictures.dtype, pictures.shape)
        again = KINDS["image"][kind](pictures, severity, {}, torch.Generator().manual_seed(1))
        assert torch.equal(changed, again)
        changes.append(float((changed.float() - pictures.float()).abs().mean()))
    assert 0 < changes[0] < changes[1] < changes[2]


def test_words_fall_out_whole_and_letters_are_mistyped():
    said = "the quick brown fox jumps over the lazy dog again and again"
    rows = torch.from_numpy(np.stack([tokens(said, 80)] * 20))
    manifest = {"text": BYTES}
    generator = torch.Generator().manual_seed(1)
    for row in KINDS["text"]["dropped_words"](rows, 5, manifest, generator).tolist():
        left = bytes(token - 4 for token in row if token >= 4).decode()
        assert set(left.split()) <= set(said.split()) and len(left.split()) < 12
        assert row[0] == 1 and 2 in row
    mistyped = KINDS["text"]["typos"](rows, 3, manifest, generator)
    letters = rows >= 4
    share = float((mistyped != rows)[letters].float().mean())
    assert 0.12 < share < 0.26 and torch.equal(mistyped[~letters], rows[~letters])


def test_a_table_loses_values_and_gets_noise_in_units_of_its_spread():
    rows = torch.ones(200, 10)
    generator = torch.Generator().manual_seed(1)
    assert float((KINDS["table"]["missing"](rows, 5, {}, generator) == 0).float().mean()) == pytest.approx(
        0.5, abs=0.05
    )
    assert float(KINDS["table"]["noise"](rows, 4, {}, generator).std()) == pytest.approx(1.0, abs=0.1)


def test_a_model_that_is_unsure_of_noise_tells_it_apart(data):
    found = out_of_distribution(subject_of(data, spec(), brightest_row))
    auroc = found["scores"]["max_softmax"]["auroc"]
    assert auroc["value"] > 0.9 and auroc["low"] <= auroc["value"] <= auroc["high"] and auroc["n"] == 120
    assert found["scores"]["max_softmax"]["false_alarms"] < 0.5


def test_a_model_that_says_the_same_of_everything_is_not_credited_with_telling(data):
    found = out_of_distribution(subject_of(data, spec(), lambda inputs: torch.ones(len(inputs), 3)))
    assert found["scores"]["energy"]["auroc"]["value"] == 0.5


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    """Pictures of one grey: no row of them is brighter than the others."""
    grey = np.full((60, 1, 8, 8), 90, np.uint8)
    labels = np.arange(60, dtype=np.int64) % 2
    return prepared_data(tmp_path_factory.mktemp("others"), grey, labels, classes=["day", "night"])


def test_samples_of_another_dataset_are_told_from_its_own_beside_noise(data, others):
    named = {"dataset": "skies", "hash": open_prepared(others).hash}
    found = out_of_distribution(subject_of(data, spec(), brightest_row, others=others, foreign=named))
    assert found["against"] == "noise" and found["scores"]["max_softmax"]["auroc"]["value"] > 0.9
    assert (found["foreign"]["dataset"], found["foreign"]["rows"]) == ("skies", 9)
    assert found["foreign"]["scores"]["max_softmax"]["auroc"]["value"] == 1.0
    assert found["foreign"]["scores"]["max_softmax"]["false_alarms"] == 0.0


def test_the_model_s_own_samples_are_told_from_themselves_by_chance_alone(data):
    named = {"dataset": "itself", "hash": open_prepared(data).hash}
    found = out_of_distribution(subject_of(data, spec(), brightest_row, others=data, foreign=named))
    assert found["foreign"]["scores"]["energy"]["auroc"]["value"] == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    ("named", "why"),
    [
        ({"dataset": "skies", "why": "'skies' is empty."}, "'skies' is empty."),
        ({"dataset": "skies", "hash": "0" * 64}, "the server named 0000"),
    ],
)
def test_another_dataset_that_is_not_there_or_not_the_named_one_takes_nothing_from_noise(data, others, named, why):
    found = out_of_distribution(subject_of(data, spec(), brightest_row, others=others, foreign=named))
    assert found["scores"]["max_softmax"]["auroc"]["value"] > 0.9
    assert why in found["foreign"]["not_measured"] and "scores" not in found["foreign"]


def test_a_suite_ends_before_the_errand_s_time_is_over(data):
    with pytest.raises(NotMeasured, match="ran out"):
        corruption(subject_of(data, spec(), brightest_row, deadline=1.0))
