"""A device whose runtime is missing says so, and what to do."""

import sys

import pytest

from contract.reasons import EndReason
from training.failures import Failure
from training.runners import runner_of


def test_an_onnx_file_where_onnxruntime_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    (tmp_path / "model.onnx").write_bytes(b"")
    with pytest.raises(
        Failure, match="onnxruntime is not installed on this device: run its join command again"
    ) as told:
        runner_of(tmp_path / "model.onnx", None, None)
    assert told.value.reason == EndReason.VERSION_MISMATCH


def test_a_file_that_nothing_here_runs_and_one_that_did_not_come(tmp_path):
    with pytest.raises(Failure, match=r"nothing here runs a \.xyz file"):
        runner_of(tmp_path / "model.xyz", None, None)
    with pytest.raises(Failure, match="did not come to this device"):
        runner_of(tmp_path / "model.onnx", None, None)
