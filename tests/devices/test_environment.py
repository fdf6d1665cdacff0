"""What keeps devices from training together, in words that name both versions and the repair."""

import pytest

from devices.environment import differences, shown, wanted_torch
from tests.devices.factories import ENVIRONMENT, make_device, make_host

pytestmark = pytest.mark.django_db


def two(**facts):
    return [make_device("gpu-1", make_host("one")), make_device("gpu-2", make_host("two", **facts))]


def test_equal_devices_can_train_together():
    assert differences(two()) == []
    assert differences([]) == []


def test_the_build_of_one_version_makes_no_difference():
    assert differences(two(torch="2.13.0+cu126", python="3.11.2", kernel="5.15")) == []


def test_another_torch_is_named_with_both_versions_and_the_repair():
    (problem,) = differences(two(torch="2.12.1"))
    assert "gpu-1 has PyTorch 2.13.0 and gpu-2 has PyTorch 2.12.1" in str(problem)
    assert str(problem).endswith("run on two: /srv/fleetune/venv/bin/python -m pip install torch==2.13.0")


def test_the_one_that_is_not_what_the_server_installs_is_repaired():
    one, other = two()
    one.host.environment = ENVIRONMENT | {"torch": "2.12.1"}
    (problem,) = differences([one, other])
    assert wanted_torch() == "2.13.0"
    assert problem.params["other"] == "gpu-1"


def test_another_platform_and_another_python_are_named():
    problems = differences(two(platform="windows", python="3.12.1"))
    assert [problem.params["fact"] for problem in problems] == ["platform", "Python"]
    assert "gpu-1 runs linux and gpu-2 runs windows" in str(problems[0])


def test_a_fact_that_was_not_reported_is_no_difference():
    one, other = two()
    other.host.environment = {}
    assert differences([one, other]) == []


def test_a_gpu_host_shows_13_facts_and_a_cpu_host_9():
    assert len(shown({}, has_gpu=True)) == 13
    assert len(shown(ENVIRONMENT, has_gpu=False)) == 9
