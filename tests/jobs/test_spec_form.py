"""The new-job form and the job spec say the same: form to spec to form keeps every field."""

import json

import pytest
from django.http import QueryDict

from contract.problems import Invalid
from contract.spec import JobSpec
from jobs import spec_diff, spec_form
from jobs.spec_fields import FIELDS
from tests.contract.keras_models import three_layers


def a_spec(**more):
    return JobSpec.parse(
        {"task": "image-classification", "dataset": "mnist-5k", "model": {"source": "conv"}, **more}
    ).to_json()


def posted(values):
    """What a browser sends for these values."""
    form = QueryDict(mutable=True)
    for name, value in values.items():
        form.setlist(name, value if isinstance(value, list) else [value])
    return form


SPECS = [
    a_spec(),
    a_spec(model={"source": "dense", "hidden": [64, 32]}, name="two layers", tags=["a", "b c"]),
    a_spec(model={"source": "job", "id": 12, "step": 400}, devices={"ids": ["cpu-1", "cpu-2"]}),
    a_spec(training={"learning_rate": 3e-4, "bf16": "auto", "torch_compile": True, "num_train_epochs": 0.5}),
    a_spec(requirements=["eval/accuracy >= 0.97", "eval/loss < 1"], evaluation={"metrics": []}),
    a_spec(recipe=[{"step": "grayscale"}, {"step": "resize", "size": [28, 28]}], export={"formats": ["onnx"]}),
    a_spec(schedule={"priority": -3, "preemptible": True}, parallel={"sync_every": 7}, method={"r": 16}),
    a_spec(devices={"count": 4, "labels": ["lab"], "kind": "cuda", "min_memory_bytes": 25_769_803_777}),
    a_spec(devices={"count": 3}, schedule={"min_devices": 2}),
    a_spec(model={"source": "keras", "definition": three_layers(), "compile": three_layers()["compile_config"]}),
]


@pytest.mark.parametrize("spec", SPECS)
def test_form_to_spec_to_form_keeps_every_field(spec):
    values = spec_form.values_of(spec)
    body = spec_form.body_of(posted(values))
    assert JobSpec.parse(body).to_json() == spec
    again = spec_form.values_of(body)
    assert json.loads(again.pop("rest")) == json.loads(values.pop("rest"))
    assert again == values


def test_a_form_with_only_the_three_needed_fields_is_a_whole_job():
    form = posted({"task": "image-classification", "dataset": "mnist-5k", "model.source": "conv"})
    spec = JobSpec.parse(spec_form.body_of(form) | {"evaluation": {}, "export": {}})
    assert spec.training.num_train_epochs == 5


def test_a_word_in_a_number_field_is_refused_at_that_field():
    values = spec_form.values_of(a_spec()) | {"training.learning_rate": "fast", "model.hidden": "64, wide"}
    with pytest.raises(Invalid) as refused:
        JobSpec.parse(spec_form.body_of(posted(values)))
    assert [problem.path for problem in refused.value.problems] == ["training.learning_rate", "model.hidden"]


def test_memory_is_asked_for_in_gib_and_a_word_is_refused_at_its_field():
    values = spec_form.values_of(a_spec())
    body = spec_form.body_of(posted(values | {"devices.min_memory_bytes": "1.5"}))
    assert JobSpec.parse(body).devices.min_memory_bytes == 3 * 2**29
    with pytest.raises(Invalid) as refused:
        JobSpec.parse(spec_form.body_of(posted(values | {"devices.min_memory_bytes": "much"})))
    assert [problem.path for problem in refused.value.problems] == ["devices.min_memory_bytes"]


def test_of_devices_chosen_by_name_nothing_more_is_asked():
    values = spec_form.values_of(a_spec(devices={"labels": ["lab"], "kind": "cpu", "min_memory_bytes": 2**30}))
    by_name = values | {"devices.by": "ids", "devices.ids": ["cpu-1", "cpu-2"]}
    devices = JobSpec.parse(spec_form.body_of(posted(by_name))).devices
    assert (devices.ids, devices.labels, devices.kind, devices.min_memory_bytes) == (["cpu-1", "cpu-2"], [], "", 0)


def test_another_model_source_drops_what_belonged_to_the_first():
    values = spec_form.values_of(a_spec(model={"source": "job", "id": 12, "step": 400}))
    assert spec_form.body_of(posted(values | {"model.source": "dense"}))["model"] == {"source": "dense"}
    assert spec_form.body_of(posted(values | {"model.id": "13"}))["model"] == {"source": "job", "id": 13}


def test_an_empty_number_means_its_default():
    values = spec_form.values_of(a_spec()) | {"training.per_device_train_batch_size": ""}
    assert spec_form.body_of(posted(values))["training"]["per_device_train_batch_size"] == 64


def test_a_privacy_budget_that_is_left_empty_is_none_and_one_that_is_given_is_kept():
    values = spec_form.values_of(a_spec())
    assert values["security.dp.epsilon"] == ""
    assert JobSpec.parse(spec_form.body_of(posted(values | {"security.dp.delta": "0.00001"}))).security == {}
    private = JobSpec.parse(spec_form.body_of(posted(values | {"security.dp.epsilon": "2.5"}))).security["dp"]
    assert private == {"epsilon": 2.5, "delta": 0.0, "max_grad_norm": 1.0, "noise_multiplier": 0.0}
    again = spec_form.values_of(a_spec(security={"dp": private}))
    assert JobSpec.parse(spec_form.body_of(posted(again))).security["dp"] == private
    assert JobSpec.parse(spec_form.body_of(posted(again | {"security.dp.epsilon": ""}))).security == {}


def test_every_field_names_a_place_of_the_spec():
    spec = a_spec(security={"dp": {"epsilon": 1.0}})
    for path in FIELDS:
        if not path.startswith("model."):
            assert spec_form._get(spec, path) is not None, path


def test_a_clone_that_is_not_touched_has_no_changes():
    spec = SPECS[3]
    body = spec_form.body_of(posted(spec_form.values_of(spec)))
    assert spec_diff.changes(spec, JobSpec.parse(body).to_json()) == []


def test_a_change_can_be_undone_alone():
    before = a_spec(training={"learning_rate": 0.1, "seed": 7})
    after = a_spec(training={"learning_rate": 0.2, "seed": 8}, model={"source": "dense"})
    assert [change.path for change in spec_diff.changes(before, after)] == [
        "model", "training.learning_rate", "training.seed",
    ]  # fmt: skip
    assert [change.path for change in spec_diff.changes(before, spec_diff.undo("training.seed", before, after))] == [
        "model", "training.learning_rate",
    ]  # fmt: skip


def test_a_keras_model_that_is_new_to_the_form_brings_what_it_was_compiled_with():
    values = spec_form.values_of(a_spec()) | {"model.source": "keras", "training.learning_rate": "0.5"}
    definition = json.dumps(three_layers(name="SGD", momentum=0.9))
    pasted = spec_form.body_of(posted(values | {"model.definition": definition}))
    spec = JobSpec.parse(pasted)
    assert (spec.training.optim, spec.training.learning_rate) == ("sgd", 0.005)
    assert spec.training.optim_args == "momentum=0.9, nesterov=False"
    changed = spec_form.body_of(posted(spec_form.values_of(spec.to_json()) | {"training.learning_rate": "0.5"}))
    assert JobSpec.parse(changed).training.learning_rate == 0.5
