"""What becomes of a model when its job is done: measured on every device by errands, over REST."""

import hashlib
import json
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load, save

from recipes.prepared import open_prepared
from tests.e2e.trained import asked, certificates, devices, version_of

pytestmark = pytest.mark.integration
WEIGHTS, ONNX, LITERT = "model.safetensors", "model.onnx", "model.tflite"
SHOWN = 1e-6
"""figures of a page and of an independent script differ by no more"""


@pytest.fixture(scope="module")
def measured(stack):
    """The demo's first job, and what its two devices measured of its files; no other job keeps them from it."""
    job, *others = sorted(stack.api("GET", "/jobs/?demo=true")[1]["results"], key=lambda row: row["id"])
    ended = stack.ended(job["id"], within=120)
    for other in others:
        if stack.job(other["id"])["state"] not in ("succeeded", "failed", "cancelled"):
            stack.api("POST", f"/jobs/{other['id']}/cancel/", {"force": False})
    return ended, asked(stack, ended, [WEIGHTS, ONNX])


def test_files_of_a_result_are_measured_on_both_devices_and_certified(stack, measured):
    _job, rows = measured
    assert {row["state"] for row in rows} == {"done"}, [row["reason"] for row in rows]
    assert {(row["artifact"], row["device"]) for row in rows} == {
        (artifact, device) for artifact in (WEIGHTS, ONNX) for device in devices(stack)
    }
    assert len({row["metrics"]["accuracy"] for row in rows}) == 1
    verdicts = certificates(stack, rows[0])
    assert (verdicts[WEIGHTS], verdicts[ONNX]) == ("passed", "passed")
    assert version_of(stack, rows[0])["headline"]["value"] == rows[0]["metrics"]["accuracy"]


def test_figures_are_those_of_a_script_that_knows_nothing_of_this_project(stack, measured, tmp_path):
    job, rows = measured
    (tmp_path / ONNX).write_bytes(stack.download(stack.files(job["id"])[ONNX]))
    test = open_prepared(stack.home / "prepared" / job["proofs"]["preprocess"]["0"]["data_hash"]).split("test")
    np.save(tmp_path / "inputs.npy", np.asarray(test.column("image")))
    np.save(tmp_path / "labels.npy", np.asarray(test.column("label")))
    script = Path(__file__).with_name("recomputed.py")
    command = [sys.executable, "-I", script, tmp_path / ONNX, tmp_path / "inputs.npy", tmp_path / "labels.npy"]
    told = json.loads(subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout)

    for row in (row for row in rows if row["artifact"] == ONNX):
        shown = {name: row["metrics"][name] for name in told["quality"]}
        assert shown == pytest.approx(told["quality"], abs=SHOWN)
        assert row["details"]["confusion"] == told["confusion"]
        assert row["samples"] == len(test) and 30 <= row["latency_ms"]["n"] <= 300
        assert min(told["ms"]) <= row["latency_ms"]["p99"] and row["latency_ms"]["p50"] <= max(told["ms"])


def test_a_zeroed_tensor_is_red_on_every_device_and_what_cannot_run_has_its_own_row(stack, measured):
    """Beside weights that somebody changed: a file whose bytes rotted, and one that nothing here can run."""
    job, before = measured
    raw = stored(stack, job, WEIGHTS).read_bytes()
    tensors = load(raw)
    zeroed = max((name for name in tensors if tensors[name].ndim == 2), key=lambda name: tensors[name].size)
    tensors[zeroed] = np.zeros_like(tensors[zeroed])
    with (
        planted(stack, job, WEIGHTS, save(tensors), called=WEIGHTS, kind="safetensors"),
        planted(stack, job, "card.md", b"no runtime for this", called=LITERT, kind="litert"),
        rotten(stored(stack, job, ONNX)),
    ):
        rows = asked(stack, job, [WEIGHTS, ONNX, LITERT], suites=["quality"])
        verdicts = certificates(stack, before[0])
    found = {(row["artifact"], row["device"]): row for row in rows}
    assert len(found) == 6
    for device in devices(stack):
        changed = found[WEIGHTS, device]
        assert changed["metrics"]["accuracy"] < before[0]["metrics"]["accuracy"] - 0.2, changed
        assert not changed["parity"]["passed"] and changed["parity"]["max_difference"] > 0.1
        assert "does not have the hash" in found[ONNX, device]["reason"]
        assert f"{device} lacks what this needs. ai-edge-litert is not" in found[LITERT, device]["reason"]
        assert {found[name, device]["state"] for name in (ONNX, LITERT)} == {"failed"}
    assert verdicts[WEIGHTS] == "failed"
    assert certificates(stack, before[0])[WEIGHTS] == "passed"  # the bytes that the job left


def stored(stack, job, name: str) -> Path:
    return stack.home / "artifacts" / stack.files(job["id"])[name]["sha256"]


@contextmanager
def planted(stack, job, name: str, raw: bytes, *, called: str, kind: str):
    """These bytes in the place of the job's file `name`, by somebody who can write the server's own files."""
    sha256 = hashlib.sha256(raw).hexdigest()
    (stack.home / "artifacts" / sha256).write_bytes(raw)
    here = "SELECT name, format, sha256, bytes, id FROM jobs_artifact WHERE job_id=? AND name=?"
    change = "UPDATE jobs_artifact SET name=?, format=?, sha256=?, bytes=? WHERE id=?"
    with changing(stack) as database:
        before = database.execute(here, (job["id"], name)).fetchone()
        database.execute(change, (called, kind, sha256, len(raw), before[-1]))
    try:
        yield
    finally:
        with changing(stack) as database:
            database.execute(change, before)


@contextmanager
def changing(stack):
    with closing(sqlite3.connect(stack.home / "fleetune.sqlite3", timeout=20)) as database, database:
        yield database


@contextmanager
def rotten(path: Path):
    """One bit of the file is another one meanwhile."""
    raw = path.read_bytes()
    path.write_bytes(bytes([*raw[:100], raw[100] ^ 1, *raw[101:]]))
    try:
        yield
    finally:
        path.write_bytes(raw)
