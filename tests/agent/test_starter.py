import json
import os
import socket
import tempfile
import threading

import pytest

from agent import starter as starter_module
from agent.device_home import DeviceHome
from agent.starter import NotReady, Starter, starter_environment
from contract.run_dir import RunDir
from tests.agent.factories import device


@pytest.fixture
def home(tmp_path) -> DeviceHome:
    return DeviceHome(tmp_path)


def test_the_environment_is_a_list_of_what_is_allowed_with_one_thread_and_room_for_a_mark(home, monkeypatch):
    for name in ("SECRET_KEY", "REDIS_URL", "DATABASE_URL", "AWS_SECRET_ACCESS_KEY", "DJANGO_SETTINGS_MODULE"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("FLEETUNE_TIME_SCALE", "0.5")
    environment = starter_environment(home, device(kind="cuda", index=3))
    assert "secret" not in environment.values()
    assert environment["OMP_NUM_THREADS"] == environment["OPENBLAS_NUM_THREADS"] == "1"
    assert (environment["FLEETUNE_DEVICE_KIND"], environment["FLEETUNE_DEVICE_INDEX"]) == ("cuda", "3")
    assert environment["FLEETUNE_TIME_SCALE"] == "0.5"
    assert environment["FLEETUNE_ATTEMPT"].isspace() and environment["FLEETUNE_DEVICE_HOME"] == str(home.path)


def test_a_request_names_what_to_run_and_where(home, monkeypatch):
    starter = Starter(home, device(cores=[1]), rank="training.run:main")
    monkeypatch.setattr(starter, "ensure", lambda: None)
    with answering(starter.socket, {"pid": 77}) as heard:
        assert starter.start(RunDir(home.path / "run"), {"FLEETUNE_FABRIC_ADDRESS": "127.0.0.1"}) == 77
    assert heard[0] == {
        "run_dir": str(home.path / "run"),
        "device_home": str(home.path),
        "supervise": "agent.supervise:main",
        "rank": "training.run:main",
        "cores": [1],
        "env": {"FLEETUNE_FABRIC_ADDRESS": "127.0.0.1"},
    }


def test_one_that_imports_still_and_one_that_refuses_are_asked_again_later(home, monkeypatch):
    starter = Starter(home, device())
    monkeypatch.setattr(starter, "ensure", lambda: None)
    with pytest.raises(NotReady):
        starter.start(RunDir(home.path), {})
    with answering(starter.socket, {"error": "2 threads run here"}), pytest.raises(NotReady, match="2 threads"):
        starter.start(RunDir(home.path), {})


def test_a_socket_whose_path_is_too_long_lies_in_a_private_directory(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    deep = tmp_path / ("d" * 120)
    path = starter_module._socket_path(deep)
    assert len(os.fsencode(path)) <= 107 and path == starter_module._socket_path(deep)
    assert oct(path.parent.stat().st_mode)[-3:] == "700"
    path.parent.chmod(0o755)
    with pytest.raises(ValueError, match="not a private directory"):
        starter_module._socket_path(deep)


class answering:
    """A listener at `path` that takes one request; the requests it heard."""

    def __init__(self, path, answer: dict):
        self.answer, self.heard = answer, []
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(path))
        self.listener.listen()
        self.path = path

    def __enter__(self):
        threading.Thread(target=self._serve, daemon=True).start()
        return self.heard

    def __exit__(self, *_):
        self.listener.close()
        self.path.unlink()

    def _serve(self):
        connection, _ = self.listener.accept()
        with connection, connection.makefile("rw") as stream:
            self.heard.append(json.loads(stream.readline()))
            stream.write(json.dumps(self.answer) + "\n")
            stream.flush()
