"""A job on data of one's own through a whole Fleetune: from the file to files that every device has measured."""

import pytest

from tests.waiting import wait_until

FORMATS = {
    "safetensors": "model.safetensors",
    "onnx": "model.onnx",
    "onnx-int8": "model.int8.onnx",
    "onnx-int8-static": "model.static.int8.onnx",
    "pt2": "model.pt2",
}
EXACT = ("safetensors", "onnx", "pt2")


def trained(stack, raw: bytes, file_name: str, **spec):
    """The ended job on this data, and what its first device measured."""
    status, answer = stack.upload(raw, file_name)
    assert status == 202, answer
    dataset = wait_until(lambda: (d := stack.dataset(answer["slug"]))["state"] != "importing" and d, within=150)
    assert (dataset["state"], dataset["task"]) == ("ready", spec["task"]), dataset
    job = stack.submit(dataset=dataset["slug"], devices={"ids": devices(stack)}, **spec)
    return ended_well(stack, job["id"])


def ended_well(stack, number: int):
    """The job once it is done on all devices, and what the first measured: the same as the others, on the same data."""
    ended = stack.ended(number, within=300)
    assert ended["state"] == "succeeded", (ended["end_reason"], ended["reason_params"])
    hashes = [proof["data_hash"] for proof in ended["proofs"]["preprocess"].values()]
    assert len(hashes) == len(devices(stack)) and len(set(hashes)) == 1
    rows = stack.api("GET", f"/jobs/{number}/evaluations/")[1]["results"]
    assert {row["device"] for row in rows} == set(devices(stack))
    for row in rows:  # devices with other numbers of threads add up in another order
        assert row["metrics"] == pytest.approx(rows[0]["metrics"], abs=1e-5)
    return ended, rows[0]["metrics"]


def tried(stack, job, **question) -> dict:
    """What the model answers to one input, over REST."""
    status, told = stack.api("POST", f"/jobs/{job['id']}/predict/", question)
    if status == 202:
        look = told["url"].removeprefix("/api/v1")
        told = wait_until(lambda: (now := stack.api("GET", look)[1])["state"] in ("done", "failed") and now, within=60)
    assert told["state"] == "done", told
    return told["prediction"]


def every_format_answers_alike(stack, job, metric: str) -> None:
    """All run on every device and are held against the trained model; those in float32 give its very figure."""
    rows = asked(stack, job, list(FORMATS.values()), suites=["quality"])
    assert {row["state"] for row in rows} == {"done"}, [row["reason"] for row in rows]
    assert len(rows) == len(devices(stack)) * len(FORMATS)
    verdicts = certificates(stack, rows[0])
    assert {verdicts[FORMATS[kind]] for kind in EXACT} == {"passed"}, verdicts
    assert {verdicts[name] for name in FORMATS.values()} <= {"passed", "failed"}, verdicts  # none is unchecked
    exact = [row["metrics"][metric] for row in rows if row["artifact"] in [FORMATS[kind] for kind in EXACT]]
    assert exact == pytest.approx([exact[0]] * len(devices(stack)) * len(EXACT), abs=1e-6)


def asked(stack, job, artifacts: list[str], **more) -> list[dict]:
    """What every device measured of these files once all have ended."""
    body = {"job": job["id"], "devices": devices(stack)} | more
    sent = [stack.api("POST", "/evaluations/", body | {"artifact": artifact}) for artifact in artifacts]
    assert [status for status, _answer in sent] == [202] * len(sent), sent
    numbers = {row["id"] for _status, answer in sent for row in answer}
    rows = wait_until(lambda: all_ended(stack, job["id"]), within=180, about="every device has measured", every=0.5)
    return [row for row in rows if row["id"] in numbers]


def devices(stack) -> list[str]:
    return sorted(row["slug"] for row in stack.api("GET", "/devices/")[1]["results"])


def all_ended(stack, job: int):
    rows = stack.api("GET", f"/evaluations/?job={job}")[1]["results"]
    return rows if all(row["state"] in ("done", "failed") for row in rows) else None


def version_of(stack, row) -> dict:
    return stack.api("GET", f"/results/{row['result']}/versions/{row['version']}/")[1]


def certificates(stack, row) -> dict[str, str]:
    return {file["name"]: file["certificate"]["verdict"] for file in version_of(stack, row)["artifacts"]}
