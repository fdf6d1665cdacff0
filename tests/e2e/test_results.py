"""What becomes of a model when its job is done: measured on every device by errands, over REST."""

import pytest

from tests.waiting import wait_until

pytestmark = pytest.mark.integration


def test_files_of_a_result_are_measured_on_both_devices_and_certified(stack):
    job = min(stack.api("GET", "/jobs/?demo=true")[1]["results"], key=lambda row: row["id"])
    stack.ended(job["id"], within=120)
    devices = sorted(row["slug"] for row in stack.api("GET", "/devices/")[1]["results"])
    for artifact in ("model.safetensors", "model.onnx"):
        body = {"job": job["id"], "artifact": artifact, "devices": devices}
        assert stack.api("POST", "/evaluations/", body)[0] == 202

    rows = wait_until(lambda: all_ended(stack, job["id"]), within=180, about="every device has measured", every=1.0)
    assert {row["state"] for row in rows} == {"done"}, [row["reason"] for row in rows]
    assert {(row["artifact"], row["device"]) for row in rows} == {
        (artifact, device) for artifact in ("model.safetensors", "model.onnx") for device in devices
    }
    assert len({row["metrics"]["accuracy"] for row in rows}) == 1
    result = rows[0]["result"]
    version = stack.api("GET", f"/results/{result}/versions/{rows[0]['version']}/")[1]
    verdicts = {file["name"]: file["certificate"]["verdict"] for file in version["artifacts"]}
    assert (verdicts["model.safetensors"], verdicts["model.onnx"]) == ("passed", "passed")
    assert version["headline"]["value"] == rows[0]["metrics"]["accuracy"]


def all_ended(stack, job: int):
    rows = stack.api("GET", f"/evaluations/?job={job}")[1]["results"]
    return rows if all(row["state"] in ("done", "failed") for row in rows) else None
