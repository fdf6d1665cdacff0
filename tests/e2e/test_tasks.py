"""Data of other kinds, from the file a user has to a model on two devices: sentences, brought in a browser, and rows of
a table, which are learnt privately, tried and measured. Boxes, and sentences over REST: `test_second_host.py`."""

import pytest

from tests.e2e.data_files import WINE, sentences_csv, wines_csv
from tests.e2e.person import Person
from tests.e2e.trained import asked, ended_well, trained, tried, version_of

pytestmark = pytest.mark.integration
STRONG = (14.2, 3.1, 5.6, 1100.0)
"""measurements of a wine that only the first grower makes"""


def test_sentences_of_a_table_become_a_classifier_on_two_devices(quiet):
    training = {"training__num_train_epochs": 8, "training__per_device_train_batch_size": 8}
    fields = {"model__width": 32, "model__depth": 1, "training__learning_rate": 0.003}
    with Person(quiet) as ada:
        ada.brings(sentences_csv(), "sentences.csv")
        told = ada.says_yes()
        assert "text-classification" in told and "utf-8" in told
        ada.sees_version()
        number = ada.starts_job("text", **fields, **training)
    _job, metrics = ended_well(quiet, number)
    assert metrics["accuracy"] > 0.6, metrics  # chance is 0.5


def test_rows_of_a_table_are_learnt_privately_on_two_devices(quiet):
    """DP-SGD: what it spent is a live series, a row of the result's safety, and never above the budget."""
    training = {"max_steps": 40, "per_device_train_batch_size": 16, "learning_rate": 0.1, "optim": "sgd"}
    parts = {"model": {"source": "dense", "hidden": [8]}, "security": {"dp": {"epsilon": 8.0}}}
    task = "tabular-classification"
    job, metrics = trained(quiet, wines_csv(), "wines.csv", task=task, training=training, **parts)
    assert metrics["accuracy"] > 0.5, metrics  # the most frequent grower is 0.4
    spent = job["summary"]["privacy/epsilon"]
    assert 4.0 < spent <= 8.0
    [series] = quiet.api("GET", f"/jobs/{job['id']}/metrics/?key=privacy/epsilon&rank=0")[1]["series"]
    assert series["values"] == sorted(series["values"]) and series["values"][-1] == spent
    [row, *_] = asked(quiet, job, ["model.safetensors"], suites=["quality"])
    told = {fact["key"]: fact["value"] for fact in version_of(quiet, row)["safety"]}
    assert told["privacy/epsilon"] == pytest.approx(spent)
    grower = tried(quiet, job, row=dict(zip(WINE, STRONG, strict=True)))["classes"]
    assert len(grower) == 3 and grower[0]["name"] == "class_0", grower
