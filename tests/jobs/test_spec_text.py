"""The spec as YAML or JSON text: what is written reads back the same, and what is wrong is named by its line."""

import pytest

from contract.problems import Invalid
from contract.spec import JobSpec
from jobs import spec_text


def a_spec(**more):
    return JobSpec.parse(
        {"task": "image-classification", "dataset": "mnist-5k", "model": {"source": "conv"}, **more}
    ).to_json()


@pytest.mark.parametrize("language", ["yaml", "json"])
def test_what_is_written_reads_back_the_same(language):
    spec = a_spec(
        name="1e-3",
        tags=["no", "2024-01-01", "null", "名字", "0x10", "a: b"],
        recipe=[{"step": "resize", "size": [28, 28]}],
        training={"learning_rate": 1e-5, "weight_decay": 0.01, "torch_compile": "auto"},
    )
    assert spec_text.read(spec_text.write(spec, language)).body == spec


def test_numbers_are_read_as_people_write_them():
    body = spec_text.read("a: 1e-3\nb: 3\nc: .5\nd: no").body
    assert body == {"a": 0.001, "b": 3, "c": 0.5, "d": "no"}


def test_every_path_has_its_line():
    lines = spec_text.read("task: x\ntraining:\n  learning_rate: 1\nrecipe:\n- step: scale\n").lines
    assert lines["training.learning_rate"] == 3
    assert lines["recipe.0.step"] == 5


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a: &x [1]\nb: *x", "Line 2 cannot be read: aliases"),
        ("a: 1\na: 2", "Line 2: 'a' stands here twice."),
        ('{"a": 1,\n "a": 2}', "Line 2: 'a' stands here twice."),
        ("a: [1", "Line 1 cannot be read"),
        ("a: !!python/object:os.system x", "cannot be read"),
        ("", "The text is empty"),
        ("\x00", "neither YAML nor JSON"),
        ("[" * 5000, "neither YAML nor JSON"),
        ("a: " + "x" * 300_000, "at most 256 KiB"),
    ],
)
def test_text_that_cannot_be_read_is_refused_with_its_place(text, part):
    with pytest.raises(Invalid) as refused:
        spec_text.read(text)
    assert part in str(refused.value)
