"""Safety suites over real files of a finished job: a planted overfit is found, a clean model is not accused."""

import shutil

import numpy as np
import pytest

from tests.training.factories import digits, events, prepared_data, spec
from tests.training.ranks import Attempt

pytestmark = pytest.mark.integration
SUITES = ["attacks", "membership", "format"]
FILES = {"formats": ["safetensors", "onnx", "onnx-int8-static", "pt2", "tf-saved-model"]}
HALVES = (("train", 0.5), ("validation", 0.55), ("test", 1.0))


def trained(starter, home, data, **parts):
    attempt = Attempt(starter, home, spec(**{"export": {"formats": ["safetensors"]}} | parts), [data])
    [report] = attempt.run(120)
    assert report["outcome"] == "succeeded", report
    return attempt


def measured(starter, home, attempt, suites, directory=None):
    errand = {"kind": "evaluate", "artifact": "model.safetensors", "split": "test", "suites": suites}
    files = str(directory or attempt.paths(0).artifacts)
    asked = Attempt(
        starter, home, attempt.spec, attempt.data, model_dir=files, more={"kind": "errand", "errand": errand}
    )
    [report] = asked.run(200)
    assert report["answer"]["ok"], report
    return report["answer"]


@pytest.fixture(scope="module")
def clean_data(data_dir):
    images, labels = digits()
    return prepared_data(data_dir, images[:1400, :, ::2, ::2], labels[:1400], splits=HALVES)


@pytest.fixture(scope="module")
def random_data(data_dir):
    """Labels that mean nothing: whoever knows them has learnt them by heart."""
    images, _ = digits()
    labels = np.random.default_rng(1).integers(0, 10, 600)
    return prepared_data(data_dir, images[:600, :, ::2, ::2], labels, splits=HALVES)


@pytest.fixture(scope="module")
def clean(starter, tmp_path_factory, clean_data):
    training = {"num_train_epochs": 4, "per_device_train_batch_size": 32, "learning_rate": 0.003}
    return trained(starter, tmp_path_factory.mktemp("clean"), clean_data, training=training, export=FILES)


def test_a_clean_model_is_not_accused_and_every_figure_has_n_and_an_interval(starter, tmp_path, clean):
    answer = measured(starter, tmp_path / "clean", clean, SUITES)
    attacks, membership, files = (answer[name] for name in SUITES)
    found = membership["rows"]["safety/mia_auc"]
    assert 0.45 <= found["value"] <= 0.55 and found["low"] < found["value"] < found["high"]
    assert membership["scores"].keys() == {"loss", "difference", "likelihood"} and membership["not_run"] == {}
    assert "too few samples" in membership["rows"]["safety/mia_tpr_at_fpr_0.001"]["not_measured"]
    assert 0.4 < membership["base"]["value"] < 0.6
    _attacks_are_ordered(attacks)
    assert files["rows"]["safety/format"]["value"] in (0, 1), files
    assert {"model.safetensors", "model.onnx", "model.pt2", "config.json"} <= {file["name"] for file in files["files"]}


def test_a_format_that_cannot_be_made_says_why_and_the_others_are_there(clean):
    told = {event["data"]["format"]: event["data"] for event in events(clean.paths(0), "artifact")}
    assert "no converter to TensorFlow" in told["tf-saved-model"]["error"]
    assert told["onnx-int8-static"]["calibrated_on"] == 256
    assert all("error" not in told[kind] for kind in ("safetensors", "onnx", "onnx-int8-static", "pt2"))


def _attacks_are_ordered(attacks):
    assert attacks["masked"] == [] and attacks["clean"]["value"] > 0.8 and attacks["clean"]["n"] == 512
    for point in attacks["curve"]:
        assert point["pgd"] <= point["fgsm"] + 0.02 <= point["noise"] + 0.04
    pgd = [point["pgd"] for point in attacks["curve"]]
    assert pgd == sorted(pgd, reverse=True) and pgd[-1] < pgd[0]
    assert attacks["rows"]["safety/pgd_accuracy@8"]["value"] == pgd[-1]


def test_a_planted_overfit_is_found_and_private_training_hides_it(starter, tmp_path, random_data):
    training = {"num_train_epochs": 40, "per_device_train_batch_size": 60, "learning_rate": 0.01}
    model = {"source": "dense", "hidden": [256]}
    overfit = trained(starter, tmp_path / "overfit", random_data, model=model, training=training)
    found = measured(starter, tmp_path / "asked", overfit, ["membership"])["membership"]["rows"]["safety/mia_auc"]
    assert found["value"] >= 0.9 and found["low"] > 0.85
    budget = {"dp": {"epsilon": 1.0, "noise_multiplier": 6.0}}
    private = trained(starter, tmp_path / "private", random_data, model=model, training=training, security=budget)
    hidden = measured(starter, tmp_path / "asked-again", private, ["membership"])["membership"]["scores"]
    assert max(score["value"] for score in hidden.values()) <= 0.7, hidden  # epsilon 1 allows no attack more than 0.73


def test_a_planted_pickle_beside_the_model_fails_by_name(starter, tmp_path, clean):
    files = shutil.copytree(clean.paths(0).artifacts, tmp_path / "files")
    (files / "extra.json").write_bytes(b"\x80\x04K\x01.")
    found = measured(starter, tmp_path / "asked", clean, ["format"], files)["format"]
    assert found["rows"]["safety/format"]["value"] == 2
    assert [file["name"] for file in found["files"] if file["verdict"] == "fail"] == ["extra.json"]
