"""What a supervisor brings onto the device before the rank starts: the files of a registered model."""

import socket
from pathlib import Path

import pytest

from agent.device_home import Device
from agent.inputs import Inputs
from contract.run_dir import read_json
from tests.agent.factories import situation

FILES = {"config.json": b"{}", "model.safetensors": bytes(range(256)) * 40}
HASH = "c" * 64


@pytest.fixture
def model(server):
    named = [{"name": name, "sha256": server.add_file(data), "bytes": len(data)} for name, data in FILES.items()]
    return {"hash": HASH, "files": named}


def model_dir_of(held) -> Path:
    """Where the rank is told to look, after all was fetched."""
    held.rendezvous = {"host": "127.0.0.1", "port": 1, "id": "x"}
    here, there = socket.socketpair()
    inputs = Inputs(held, here)
    inputs.run()
    here.close(), there.close()
    assert inputs.failure is None
    return Path(read_json(held.run.go)["model_dir"])


def files_in(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_a_registered_model_is_fetched_once_and_kept_for_the_next_job(server, model, tmp_path):
    directory = model_dir_of(situation(tmp_path, server.url, model=model))
    assert files_in(directory) == FILES
    assert directory == tmp_path / "models" / HASH
    assert len(server.ranges) == 2

    again = model_dir_of(situation(tmp_path, server.url, id=12, model=model))

    assert again == directory
    assert len(server.ranges) == 2


def test_a_model_that_comes_spoilt_ends_the_start_with_its_reason(server, model, tmp_path):
    server.files[model["files"][1]["sha256"]] = FILES["model.safetensors"][::-1]
    held = situation(tmp_path, server.url, model=model)
    here, there = socket.socketpair()
    inputs = Inputs(held, here)
    inputs.run()
    here.close(), there.close()

    assert inputs.failure is not None
    assert "model.safetensors" in inputs.failure[1]["detail"]
    assert not (tmp_path / "models" / HASH).exists()


def test_on_the_server_s_own_host_the_files_are_linked_and_nothing_is_sent(server, model, tmp_path):
    home = tmp_path / "server"
    for name, data in FILES.items():
        (home / "models" / HASH).mkdir(parents=True, exist_ok=True)
        (home / "models" / HASH / name).write_bytes(data)
    held = situation(tmp_path / "device", server.url, model=model)
    held.device = Device(**(vars(held.device) | {"server_home": str(home)}))

    directory = model_dir_of(held)

    assert files_in(directory) == FILES
    assert (directory / "config.json").samefile(home / "models" / HASH / "config.json")
    assert server.ranges == []


def test_the_result_of_a_job_is_fetched_for_its_run_only(server, model, tmp_path):
    held = situation(tmp_path, server.url, model={"files": model["files"]})

    assert model_dir_of(held) == held.run.path / "model"
