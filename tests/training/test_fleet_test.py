"""The errands of a gang: what each device finds out about itself and the others, with real ranks that meet."""

import shutil

import pytest

from tests.training.factories import prepared_data, spec, tiny
from tests.training.ranks import Attempt

pytestmark = pytest.mark.integration
SETTINGS = {"max_steps": 8, "per_device_train_batch_size": 16}


@pytest.fixture(scope="module")
def job():
    return spec(training=SETTINGS, export={"formats": ["safetensors", "onnx"]})


@pytest.fixture(scope="module")
def data(data_dir):
    images, labels = tiny()
    return prepared_data(data_dir, images, labels, classes=["0", "1", "2"])


@pytest.fixture(scope="module")
def finished(starter, tmp_path_factory, data, job):
    """The files of a finished job."""
    attempt = Attempt(starter, tmp_path_factory.mktemp("finished"), job, [data])
    assert [report["outcome"] for report in attempt.run(90)] == ["succeeded"]
    return attempt.paths(0).artifacts


@pytest.fixture
def gang(starter, tmp_path, data, job, finished):
    def make(kind: str, **more) -> Attempt:
        errand = {"kind": "errand", "errand": {"kind": kind, "artifact": "model.safetensors"}}
        wanted = job | {"model": {"source": "job"}}
        return Attempt(starter, tmp_path, wanted, [data, data], model_dir=str(finished), more=errand, **more)

    return make


def checks_of(attempt: Attempt) -> list[dict]:
    return [report["answer"]["checks"] for report in attempt.run()]


def test_devices_that_fit_pass_every_check_and_tell_the_figures(gang):
    first, second = checks_of(gang("fleet-test"))

    names = ["disk", "data", "model", "meet", "links", "others", "exchange", "step", "answers"]
    assert list(first) == list(second) == names
    assert all(found["ok"] for checks in (first, second) for found in checks.values()), (first, second)
    for name in ("data", "model", "step", "answers"):
        assert first[name]["hash"] == second[name]["hash"]
    assert first["step"]["max_difference"] == second["step"]["max_difference"] == 0
    assert first["step"]["samples"] == 32
    link = first["links"]["to"]["1"]
    assert 0 < link["latency_seconds"] < 1 and link["bytes_per_second"] > 1e6
    assert abs(link["clock_offset_seconds"]) < 1
    assert first["exchange"]["large"]["seconds"] > 0
    assert second["answers"]["parity"]["passed"]


def test_a_device_with_other_data_fails_alone_and_the_rest_is_left_out_with_its_name(gang, data, data_dir):
    attempt = gang("fleet-test")
    spoilt = shutil.copytree(data, data_dir / "spoilt")
    file = max((path for path in spoilt.rglob("*") if path.suffix != ".json"), key=lambda path: path.stat().st_size)
    file.write_bytes(file.read_bytes()[:-1] + b"\x07")
    attempt.data[1] = spoilt

    first, second = checks_of(attempt)

    assert first["data"]["ok"] and not second["data"]["ok"]
    assert second["data"]["reason"] == "bad_data"
    assert first["links"]["ok"] and second["links"]["ok"]
    assert first["others"] == {"unable": {"1": "data"}, "ok": False}
    assert first["step"] == {"ok": None, "because": "others"}


def test_a_device_that_breaks_off_in_the_exchange_is_named_by_the_one_that_stays(gang):
    attempt = gang("fleet-test", env_of={1: {"FLEETUNE_FAULT": "fleet.step:1:kill"}}).start().go()

    first, second = attempt.wait()

    assert second == {}
    assert first["answer"]["checks"]["exchange"]["ok"]
    assert first["answer"]["checks"]["step"]["reason"] == "sync_timeout"
    assert first["answer"]["checks"]["step"]["peer"] == 1


def test_the_speed_test_trains_each_device_alone_and_then_all_of_them(gang):
    answers = [report["answer"] for report in gang("fleet-speed").run()]

    for answer in answers:
        assert answer["ok"], answer
        assert len(answer["alone"]["samples_per_second"]) == len(answer["together"]["samples_per_second"]) == 3
        assert min(answer["alone"]["samples_per_second"]) > 0
        assert (answer["alone"]["batch"], answer["together"]["batch"]) == (16, 32)
    assert answers[0]["together"]["steps"] == answers[1]["together"]["steps"]
