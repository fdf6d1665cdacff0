"""Every number of quality against an independent computation: scikit-learn, COCO, or a few lines of numpy."""

import base64
import itertools

import numpy as np
import pytest
import torch
from sklearn import metrics as sklearn

from training.quality import exam_of
from training.tasks import task_of
from training.tasks.detection.average_precision import average_precision
from training.tasks.detection.boxes import Boxes

N = 300


def manifest(kind: str = "label", classes: int = 4, **more):
    return {
        "input": {"column": "x", "shape": [1, 64, 64]},
        "target": {"column": kind},
        "classes": [str(label) for label in range(classes)],
        **more,
    }


def report(name: str, exported, targets, manifest):
    """What an exam says of answers that came in two batches."""
    exam = exam_of(task_of(name, manifest, {}), manifest, seed=1)
    half = len(targets) // 2
    for part in (slice(None, half), slice(half, None)):
        exam.take(exported[part], targets[part])
    return exam.report(lambda: None)


@pytest.fixture(scope="module")
def answers():
    generator = torch.Generator().manual_seed(3)
    true = torch.randint(0, 4, (N,), generator=generator)
    logits = torch.randn(N, 4, generator=generator) + 1.5 * torch.eye(4)[true]
    return logits, true, logits.double().softmax(1).numpy()


@pytest.fixture(scope="module")
def classified(answers):
    return report("image-classification", answers[0], answers[1], manifest())


def test_classification_is_what_scikit_learn_computes(classified, answers):
    logits, true, shares = answers
    said = logits.argmax(1).numpy()
    macro = {"average": "macro", "zero_division": 0}
    expected = {
        "accuracy": sklearn.accuracy_score(true, said),
        "loss": sklearn.log_loss(true, shares),
        "precision_macro": sklearn.precision_score(true, said, **macro),
        "recall_macro": sklearn.recall_score(true, said, **macro),
        "f1_macro": sklearn.f1_score(true, said, **macro),
        "top_3_accuracy": sklearn.top_k_accuracy_score(true, shares, k=3),
        "roc_auc": sklearn.roc_auc_score(true, shares, multi_class="ovr"),
        "ece": expected_calibration_error(shares, true.numpy()),
    }
    assert classified.metrics == pytest.approx(expected, abs=1e-9)
    assert classified.details["confusion"] == sklearn.confusion_matrix(true, said).tolist()
    table = sklearn.precision_recall_fscore_support(true, said)
    for name, column in zip(("precision", "recall", "f1", "support"), table, strict=True):
        assert classified.details["per_class"][name] == pytest.approx(column.tolist())


def expected_calibration_error(shares, true):
    confidence, right = shares.max(1), shares.argmax(1) == true
    edges, error = np.linspace(0, 1, 16), 0.0
    for low, high in itertools.pairwise(edges):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            error += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    return error


def test_two_classes_have_one_roc_curve_and_ties_count_half():
    logits = torch.tensor([[0.0, 1.0], [0.0, 1.0], [0.0, 2.0], [0.0, -1.0]])
    true = torch.tensor([0, 1, 1, 0])
    found = report("image-classification", logits, true, manifest(classes=2))
    assert found.metrics["roc_auc"] == pytest.approx(sklearn.roc_auc_score(true, logits.softmax(1)[:, 1]), abs=1e-12)


def test_a_class_that_is_never_there_has_no_roc_curve_and_fails_nothing():
    logits = torch.eye(4)[torch.arange(8) % 2] * 5
    found = report("image-classification", logits, torch.arange(8) % 2, manifest())
    assert found.details["per_class"]["roc_auc"] == [1.0, 1.0, None, None]
    assert (found.metrics["f1_macro"], found.metrics["roc_auc"]) == (1.0, 1.0)


def test_intervals_name_their_rows_and_hold_what_a_formula_says(classified):
    interval = classified.intervals["accuracy"]
    share = interval["value"]
    width = 1.96 * (share * (1 - share) / N) ** 0.5
    assert (interval["n"], interval["resamples"]) == (N, 1000)
    assert interval["low"] == pytest.approx(share - width, abs=0.02)
    assert interval["high"] == pytest.approx(share + width, abs=0.02)


def test_the_same_seed_gives_the_same_interval(classified, answers):
    exam = exam_of(task_of("image-classification", manifest(), {}), manifest(), seed=1)
    exam.take(*answers[:2])
    assert exam.headline() == classified.intervals["accuracy"]


def test_the_reliability_diagram_counts_every_row_once_and_the_worst_rows_come_first(classified, answers):
    bins = classified.details["calibration"]
    assert sum(one["count"] for one in bins) == N
    loss = unpacked(classified.to_json()["rows"]["loss"])
    assert classified.details["worst"][0] == int(loss.argmax())


def unpacked(column):
    return np.frombuffer(base64.b64decode(column["base64"]), np.dtype(column["dtype"]).newbyteorder("<"))


def test_several_labels_are_what_scikit_learn_computes():
    generator = torch.Generator().manual_seed(5)
    true = (torch.rand(N, 4, generator=generator) > 0.6).to(torch.uint8)
    logits = torch.randn(N, 4, generator=generator) + true * 1.5 - 0.5
    target = {"column": "labels", "ragged": False, "multi": True}
    found = report("image-classification", logits, true, manifest() | {"target": target})

    said = (logits > 0).numpy()
    assert found.metrics["accuracy"] == pytest.approx(sklearn.accuracy_score(true, said))
    assert found.metrics["f1_macro"] == pytest.approx(sklearn.f1_score(true, said, average="macro"))
    assert found.metrics["roc_auc"] == pytest.approx(sklearn.roc_auc_score(true, logits), abs=1e-9)


def test_regression_is_what_scikit_learn_computes_in_the_data_s_own_units():
    generator = torch.Generator().manual_seed(2)
    true = torch.randn(N, generator=generator) * 40 + 100
    said = true + torch.randn(N, generator=generator) * 10
    scale = {"target_scale": {"mean": 100.0, "std": 40.0}}
    found = report("tabular-regression", said[:, None], true, manifest("value") | scale)

    assert found.metrics["rmse"] == pytest.approx(sklearn.root_mean_squared_error(true, said), rel=1e-6)
    assert found.metrics["mae"] == pytest.approx(sklearn.mean_absolute_error(true, said), rel=1e-6)
    assert found.metrics["r2"] == pytest.approx(sklearn.r2_score(true, said), rel=1e-6)
    assert found.intervals["rmse"]["low"] < found.metrics["rmse"] < found.intervals["rmse"]["high"]


def test_a_language_model_is_measured_over_the_tokens_that_count():
    generator = torch.Generator().manual_seed(4)
    targets = torch.randint(0, 9, (20, 12), generator=generator, dtype=torch.int32)
    targets[:, :5] = -100
    logits = torch.randn(20, 12, 9, generator=generator)
    logits[:6, :-1] += 30 * torch.eye(9)[targets[:6, 1:].clamp(min=0).long()]
    found = report("causal-lm", logits, targets, manifest("targets") | {"text": {"vocabulary": 9}})

    said, wanted = logits[:, :-1].double().log_softmax(2).numpy(), targets[:, 1:].numpy()
    counted = wanted != -100
    surprise = -np.take_along_axis(said, np.maximum(wanted, 0)[..., None], 2)[..., 0][counted].mean()
    right = (said.argmax(2) == wanted)[counted]
    assert found.metrics["perplexity"] == pytest.approx(np.exp(surprise), rel=1e-6)
    assert found.metrics["token_accuracy"] == pytest.approx(right.mean())
    assert found.metrics["exact_match"] >= 6 / 20


@pytest.fixture(scope="module")
def detected():
    """Boxes that are off by some pixels, in 40 pictures of which a few are empty, with one made-up box in each."""
    generator = np.random.default_rng(6)
    corners, labels, there = torch.zeros(40, 2, 4), torch.zeros(40, 2, dtype=torch.long), torch.zeros(40, 2).bool()
    said, scores = torch.zeros(40, 3, 4), torch.full((40, 3, 3), 0.0)
    for picture in range(40):
        for place in range(picture % 3):
            x, y = (int(value) for value in generator.integers(0, 40, 2))
            corners[picture, place] = torch.tensor([x, y, x + 16, y + 16])
            labels[picture, place], there[picture, place] = int(generator.integers(3)), True
            shift = torch.from_numpy(generator.integers(-3, 4, 4).astype(np.float32))
            said[picture, place] = corners[picture, place] + shift
            scores[picture, place, labels[picture, place]] = float(generator.uniform(0.2, 0.99))
        said[picture, 2] = torch.tensor([2.0, 2.0, 20.0, 20.0])
        scores[picture, 2, int(generator.integers(3))] = float(generator.uniform(0.02, 0.6))
    about = manifest("boxes", classes=3)
    exam = exam_of(task_of("object-detection", about, {}), about, seed=1)
    exam.take((said, scores), Boxes(corners, labels, there, torch.arange(40)))
    return exam, exam.report(lambda: None)


def test_boxes_get_coco_s_numbers_and_resampling_starts_from_the_same(detected):
    exam, found = detected
    expected = average_precision(exam.truth, exam.said, 3)
    assert {name: found.metrics[name] for name in expected} == pytest.approx(expected, abs=1e-9)
    interval = found.intervals["map"]
    assert interval["low"] < interval["value"] < interval["high"] and interval["n"] == 40

    from training.quality.matching import Matches

    matches = Matches(exam.truth, exam.said, 3, 40)
    assert matches.mean(np.ones(40)) == pytest.approx(expected["map"], abs=1e-6)
    assert np.mean(found.details["per_class"]["map"]) == pytest.approx(expected["map"], abs=1e-9)


def test_what_is_said_of_an_empty_picture_counts_as_wrong(detected):
    exam, _found = detected
    fewer = exam.said[np.isin(exam.said[:, 0], exam.truth[:, 0])]
    assert len(fewer) < len(exam.said)
    assert average_precision(exam.truth, exam.said, 3)["map"] < average_precision(exam.truth, fewer, 3)["map"]


def test_each_picture_tells_hits_misses_and_boxes_that_are_made_up(detected):
    exam, found = detected
    counts = found.details["boxes"]
    assert counts["hit"] + counts["missed"] == len(exam.truth)
    row = str(found.details["worst"][0])
    shown = found.to_json()["rows"]["pictures"][row]
    assert set(shown) == {"true", "said"} and all(len(one) == 7 for one in shown["said"])
