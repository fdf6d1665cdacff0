"""What may vary, and how bad input is answered."""

import pytest

from contract.spec import JobSpec
from sweeps import space

BASE = {"task": "image-classification", "dataset": "d", "model": {"source": "dense", "hidden": [64]}}
KNOWN = JobSpec.parse(BASE).to_json()


def settings(body):
    found, problems = space.parse(body, KNOWN)
    assert not problems, problems
    return found


def problems(body) -> set[str]:
    return {problem.path for problem in space.parse(body, KNOWN)[1]}


def test_a_grid_has_every_combination_once_in_order():
    found = settings(
        {"training.seed": {"choices": [1, 2]}, "training.learning_rate": {"low": 0.1, "high": 0.3, "step": 0.1}}
    )
    grid = space.grid(found)
    assert len(grid) == space.grid_size(found) == 6
    assert grid[0] == {"training.seed": 1, "training.learning_rate": 0.1}
    assert [one["training.seed"] for one in grid] == [1, 1, 1, 2, 2, 2]


def test_values_land_in_the_spec_at_their_path_and_nothing_else_changes():
    changed = space.applied(BASE, {"training.seed": 7, "model.hidden": [8, 8]})
    assert changed == BASE | {"training": {"seed": 7}, "model": {"source": "dense", "hidden": [8, 8]}}
    assert BASE["model"]["hidden"] == [64]


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"choices": []},
        {"choices": "ab"},
        {"choices": [1], "low": 0},
        {"low": 1, "high": 1},
        {"low": "a", "high": 2},
        {"low": 0, "high": 1, "log": True},
        {"low": 0, "high": 1, "step": 0},
        {"low": 1, "high": 2, "step": 1, "log": True},
        {"low": float("nan"), "high": 1},
        {"choices": [1], "colour": 2},
        7,
    ],
)
def test_a_range_that_cannot_be_is_named(value):
    assert problems({"training.seed": value}) == {"space.training.seed"}


def test_a_setting_that_no_spec_has_is_named_with_the_nearest():
    [problem] = space.parse({"training.lerning_rate": {"choices": [1]}}, KNOWN)[1]
    assert problem.path == "space.training.lerning_rate"
    assert "training.learning_rate" in str(problem.params)


@pytest.mark.parametrize("body", [None, [], {}, {f"training.x{n}": {"choices": [1]} for n in range(17)}])
def test_no_space_or_too_much_of_it_is_refused(body):
    assert problems(body) == {"space"}
