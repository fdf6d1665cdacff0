"""What cannot be is found by a preflight on the device, with the sentence that says what to change."""

import pytest

from contract.problems import Invalid
from contract.run_dir import read_json
from tests.training import task_data
from tests.training.factories import prepared_data, spec, tiny
from tests.training.ranks import Attempt

SMALL = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
PICTURES = {"image_size": 6, "patch_size": 3, "num_channels": 1}
VIT = {"source": "transformers", "config": {"model_type": "vit", **SMALL, **PICTURES}}


@pytest.mark.integration
@pytest.mark.parametrize(
    ("job", "sentence"),
    [
        ({"method": {"kind": "lora", "target_modules": ["query"]}}, "'query' is no layer of this model"),
        ({"model": {"source": "transformers", "config": {"model_type": "vit", "image_size": 9}}}, "channels"),
        ({"model": {"source": "transformers", "config": {"model_type": "nothing"}}}, "makes no model"),
        ({"model": VIT, "parallel": {"strategy": "pipeline"}, "devices": {"count": 2}}, "choose ddp or fsdp instead"),
    ],
    ids=[
        "a target of LoRA that is not there",
        "pictures that a model does not take",
        "an unknown kind of model",
        "a pipeline of a net that cannot be cut",
    ],
)
def test_a_preflight_says(starter, tmp_path, data_dir, job, sentence):
    data = prepared_data(data_dir, *tiny(), classes=["a", "b", "c"])
    errand = {"kind": "errand", "errand": {"kind": "preflight"}}
    attempt = Attempt(starter, tmp_path, spec(**{"model": {"source": "conv"}, **job}), [data], more=errand)
    attempt.run(120)
    answer = read_json(attempt.paths(0).exit)["answer"]
    assert not answer["ok"] and answer["reason"] == "impossible"
    assert sentence in answer["detail"], answer


@pytest.mark.parametrize(
    ("job", "path"),
    [
        ({"task": "object-detection", "model": {"source": "conv"}}, "model.source"),
        ({"task": "causal-lm", "model": {"source": "lm", "depth": 0}}, "model.depth"),
        ({"task": "object-detection", "model": {"source": "detector", "channels": [8]}}, "model.channels"),
        ({"task": "tabular-regression", "evaluation": {"metrics": ["accuracy"]}}, "evaluation.metrics.0"),
        ({"model": {"source": "transformers", "config": {"layers": 3}}}, "model.config"),
    ],
)
def test_a_spec_says_at_once(job, path):
    with pytest.raises(Invalid) as refusal:
        spec(**job)
    assert [problem.path for problem in refusal.value.problems] == [path]


def test_data_whose_answers_are_all_cut_off_is_refused(tmp_path):
    from recipes.prepared import open_prepared
    from training.data import Data
    from training.failures import BadData
    from training.tasks import task_of

    rows = [{"tokens": task_data.tokens("a", 8), "targets": [-100] * 8, "segment": [1] * 8}]
    columns = {name: task_data.Column("int32", (8,)) for name in ("tokens", "targets", "segment")}
    place = task_data.written(
        tmp_path, "causal-lm", "text", columns, {"train": rows}, text=task_data.BYTES | {"max_length": 8}
    )
    prepared = open_prepared(place)
    data = Data.of(prepared, task_of("causal-lm", prepared.manifest, {}))
    with pytest.raises(BadData, match="raise max_length"):
        data.task.check("train", data.splits["train"])
