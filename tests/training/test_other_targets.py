"""Several labels, numbers, and next tokens: metrics add up, and are what others compute."""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score, mean_absolute_error, r2_score, root_mean_squared_error

from training.models import build
from training.models.text import places_in_documents
from training.tasks import task_of

PARTS = (slice(0, 5), slice(5, 5), slice(5, 20))


def task(name, column, **more):
    head = {"classes": ["a", "b", "c"], "input": {"column": "in"}, "target": {"column": column}}
    manifest = {**head, **more}
    return task_of(name, manifest, {})


def joined(of, outputs, targets):
    return of.metrics(sum(of.tally(outputs[rows], targets[rows]) for rows in PARTS))


def test_several_labels():
    labels = task("image-classification", "labels", target={"column": "labels", "multi": True})
    generator = torch.Generator().manual_seed(1)
    outputs = torch.randn(20, 3, generator=generator)
    targets = (torch.rand(20, 3, generator=generator) > 0.4).to(torch.uint8)
    metrics = joined(labels, outputs, targets)
    assert metrics["accuracy"] == pytest.approx(accuracy_score(targets, outputs > 0))
    assert metrics["f1_macro"] == pytest.approx(f1_score(targets, outputs > 0, average="macro"))


def test_a_number_in_its_own_units_also_from_what_is_exported():
    number = task("tabular-regression", "value", target_scale={"mean": 100.0, "std": 20.0})
    generator = torch.Generator().manual_seed(1)
    targets = 100 + 20 * torch.randn(20, generator=generator)
    outputs = (targets[:, None] - 100) / 20 + 0.3 * torch.randn(20, 1, generator=generator)
    said = number.exported(outputs)[:, 0]
    metrics = joined(number, outputs, targets)
    assert metrics["rmse"] == pytest.approx(root_mean_squared_error(targets, said), rel=1e-4)
    assert metrics["mae"] == pytest.approx(mean_absolute_error(targets, said), rel=1e-4)
    assert metrics["r2"] == pytest.approx(r2_score(targets, said), rel=1e-4)
    again = number.metrics(number.tally_exported(number.exported(outputs), targets))
    assert again["rmse"] == pytest.approx(metrics["rmse"], rel=1e-4)


def test_next_tokens_count_where_there_is_a_target():
    language = task("causal-lm", "targets", text={"vocabulary": 5, "pad": 0})
    outputs = torch.zeros(20, 4, 5)
    targets = torch.full((20, 4), -100)
    targets[:, 2] = 3
    outputs[:10, 1, 3] = 50.0  # what stands at 1 says what comes at 2
    metrics = joined(language, outputs, targets)
    assert metrics["token_accuracy"] == metrics["exact_match"] == 0.5
    assert metrics["perplexity"] == pytest.approx(math.exp(0.5 * math.log(5)), rel=1e-4)


def test_texts_that_share_a_row_do_not_see_each_other():
    model = build({"source": "lm", "width": 32, "depth": 2}, [12], 9, 1, {"vocabulary": 9, "pad": 0}).eval()
    first, second = torch.tensor([1, 5, 6, 2]), torch.tensor([1, 7, 8, 4, 2])
    row = torch.cat([first, second, torch.zeros(3, dtype=torch.int64)]).to(torch.int32)
    documents = torch.tensor([1] * 4 + [2] * 5 + [0] * 3, dtype=torch.int32)
    alone = torch.cat([second, torch.zeros(7, dtype=torch.int64)]).to(torch.int32)
    packed = model(torch.stack([row, documents])[None])[0, 4:9]
    torch.testing.assert_close(packed, model(alone[None])[0, :5])
    assert places_in_documents(documents[None]).tolist() == [[0, 1, 2, 3, 0, 1, 2, 3, 4, 0, 1, 2]]
    assert np.isfinite(packed.detach().numpy()).all()
