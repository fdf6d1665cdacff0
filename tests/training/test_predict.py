"""What a model answers to one prepared input, of every kind of task, as the net itself would."""

import base64
import json
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from jobs.predictions.asking import SERVER_LIMITS
from recipes.sandbox import outside
from tests.training.factories import spec
from training.failures import Failure
from training.generate import MOST_TOKENS, generate
from training.inputs import from_prepared
from training.model_config import model_config
from training.models.source import net_of
from training.predict import answered
from training.tasks import task_of

PICTURE = {"kind": "image", "input": {"column": "image", "dtype": "uint8", "shape": [1, 16, 16]}}
TABLE = {"kind": "table", "input": {"column": "features", "dtype": "float32", "shape": [3]}}
TEXT = {"kind": "text", "input": {"column": "tokens", "dtype": "int32", "shape": [12]}}
BYTES = {"vocabulary": 260, "pad": 0}


def manifest_of(facts: dict[str, Any], target: str, **more: Any) -> dict[str, Any]:
    return {
        **facts,
        "classes": ["a", "b", "c"],
        "target": {"column": target},
        "on_device": [],
        "hash": "0" * 64,
        **more,
    }


def left(place, job: dict[str, Any], manifest: dict[str, Any]):
    """A directory with the model that a job would leave, and the net in it."""
    task = task_of(job["task"], manifest, job["training"])
    net = net_of(job["model"], job["task"], manifest, task.outputs, seed=3)
    save_file(net.state_dict(), place / "model.safetensors")
    (place / "config.json").write_text(json.dumps(model_config(job, job["model"], manifest, task)))
    return from_prepared(manifest, net).eval()


def row_of(values: np.ndarray) -> dict[str, Any]:
    return {"row": base64.b64encode(values.tobytes()).decode(), "dtype": values.dtype.name, "shape": list(values.shape)}


def ask(place, job, manifest, row, **more) -> dict[str, Any]:
    answer = answered(place, job, manifest, row_of(row) | more, torch.device("cpu"), lambda: None)
    assert answer["runtime"].startswith("torch") and answer["seconds"]["run"] > 0
    return answer["prediction"]


def test_the_likeliest_classes_come_first_with_their_probabilities(tmp_path):
    job, manifest = spec(model={"source": "conv", "channels": [4]}), manifest_of(PICTURE, "label")
    net = left(tmp_path, job, manifest)
    picture = np.random.default_rng(0).integers(0, 255, (1, 16, 16), np.uint8)
    classes = ask(tmp_path, job, manifest, picture)["classes"]
    expected = net(torch.from_numpy(picture)[None])[0].softmax(0).detach()
    assert [one["name"] for one in classes] == ["abc"[place] for place in expected.argsort(descending=True)]
    assert classes[0]["probability"] == pytest.approx(float(expected.max()), abs=1e-5)
    assert sum(one["probability"] for one in classes) == pytest.approx(1, abs=1e-5)


def test_of_several_labels_each_has_a_probability_of_its_own(tmp_path):
    job, manifest = spec(model={"source": "conv", "channels": [4]}), manifest_of(PICTURE, "labels")
    manifest["target"]["multi"] = True
    net = left(tmp_path, job, manifest)
    picture = np.full((1, 16, 16), 200, np.uint8)
    said = {one["name"]: one["probability"] for one in ask(tmp_path, job, manifest, picture)["classes"]}
    expected = net(torch.from_numpy(picture)[None])[0].sigmoid().tolist()
    assert said == pytest.approx(dict(zip("abc", expected, strict=True)), abs=1e-5)


def test_boxes_are_those_that_the_task_shows_in_pixels(tmp_path, monkeypatch):
    monkeypatch.setattr("training.tasks.object_detection.SHOWN_SCORE", 0.0)
    job, manifest = spec(task="object-detection", model={"source": "detector"}), manifest_of(PICTURE, "boxes")
    manifest["input"] = {**manifest["input"], "shape": [1, 64, 64]}
    left(tmp_path, job, manifest)
    boxes = ask(tmp_path, job, manifest, np.full((1, 64, 64), 90, np.uint8))["boxes"]
    assert boxes and all(one["name"] in "abc" and len(one["box"]) == 4 for one in boxes)
    assert [one["score"] for one in boxes] == sorted((one["score"] for one in boxes), reverse=True)


def test_a_value_is_in_its_own_units(tmp_path):
    job = spec(task="tabular-regression", model={"source": "dense", "hidden": [4]})
    manifest = manifest_of(TABLE, "value", target_scale={"mean": 100.0, "std": 10.0}, classes=[])
    net = left(tmp_path, job, manifest)
    row = np.array([0.5, -1, 2], np.float32)
    assert ask(tmp_path, job, manifest, row)["value"] == pytest.approx(
        100 + 10 * float(net(torch.from_numpy(row)[None]).detach()), rel=1e-5
    )


def test_a_language_model_goes_on_token_by_token_and_stops_at_the_end_of_the_row(tmp_path):
    job = spec(task="causal-lm", model={"source": "lm", "width": 16, "depth": 1})
    manifest = manifest_of(TEXT, "targets", text=BYTES, classes=[])
    net = left(tmp_path, job, manifest)
    prompt = np.array([1, 70, 71, 72], np.int32)
    tokens = ask(tmp_path, job, manifest, prompt, length=12, end=None)["tokens"]
    row = [*prompt.tolist(), *tokens]
    assert len(row) == 12
    for place in range(4, 12):
        said = net(torch.tensor([row[:place]], dtype=torch.int32))[0, -1].argmax()
        assert int(said) == row[place]
    stopped = ask(tmp_path, job, manifest, prompt, length=12, end=tokens[2])["tokens"]
    assert stopped == tokens[: tokens.index(tokens[2])]


def test_a_model_that_never_ends_is_stopped():
    class Parrot(torch.nn.Module):
        def forward(self, tokens):
            return torch.nn.functional.one_hot(tokens.long(), 9).float()

    said = generate(Parrot(), torch.tensor([[1, 5]], dtype=torch.int32), 10_000, None, lambda: None)
    assert said == [5] * MOST_TOKENS


def test_of_a_checkpoint_the_running_average_answers_where_it_keeps_one(tmp_path):
    job, manifest = spec(model={"source": "dense", "hidden": [4]}), manifest_of(PICTURE, "label")
    net = left(tmp_path, job, manifest)
    bias = torch.tensor([0.0, 0.0, 50.0])
    save_file({"head.bias": bias}, tmp_path / "average.safetensors")
    assert "head.bias" in net.model.state_dict()
    [first, *_] = ask(tmp_path, job, manifest, np.zeros((1, 16, 16), np.uint8))["classes"]
    assert first == {"name": "c", "probability": pytest.approx(1.0, abs=1e-4)}


def test_a_model_for_other_classes_does_not_answer(tmp_path):
    job, manifest = spec(model={"source": "dense"}), manifest_of(PICTURE, "label")
    left(tmp_path, job, manifest)
    with pytest.raises(Failure, match="other classes"):
        ask(tmp_path, job, {**manifest, "classes": ["d", "e"]}, np.zeros((1, 16, 16), np.uint8))


@pytest.mark.integration
def test_the_server_answers_in_its_sandbox_as_a_device_would(tmp_path):
    job, manifest = spec(model={"source": "conv", "channels": [4]}), manifest_of(PICTURE, "label")
    left(tmp_path, job, manifest)
    picture = np.random.default_rng(1).integers(0, 255, (1, 16, 16), np.uint8)
    order = {"directory": str(tmp_path), "spec": job, "manifest": manifest, "input": row_of(picture)}
    found = outside.run("training.predict:on_server", order, limits=SERVER_LIMITS, seconds=120)
    assert found.result and found.result["ok"], found
    assert found.result["prediction"] == ask(tmp_path, job, manifest, picture)
