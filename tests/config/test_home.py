"""Commands and starts that cannot work end in one sentence, and leave no home behind."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from config import home

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str, **environment: str) -> subprocess.CompletedProcess:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("FLEETUNE", "DJANGO", "DATABASE"))
    }
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=kept | environment, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize(
    "command", ["create_token", "signin_link", "join_token", "createsuperuser", "check_invariants"]
)
def test_a_command_without_a_fleetune_says_what_to_do_and_makes_nothing(tmp_path, monkeypatch, command):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("FLEETUNE_HOME", str(tmp_path / "nowhere"))
    assert home.why_there_is_none(command).endswith(home.WHAT_TO_DO)
    (tmp_path / "nowhere").mkdir()
    (tmp_path / "nowhere" / "fleetune.sqlite3").touch()
    assert home.why_there_is_none(command) == ""


def test_a_token_of_a_home_that_is_not_there_is_one_sentence(tmp_path):
    done = run("manage.py", "create_token", "admin", FLEETUNE_HOME=str(tmp_path / "nowhere"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"There is no Fleetune in {tmp_path / 'nowhere'}. {home.WHAT_TO_DO}\n"
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_was_never_set_up_is_one_sentence(tmp_path):
    (tmp_path / "fleetune.sqlite3").touch()
    done = run("manage.py", "signin_link", "admin", FLEETUNE_HOME=str(tmp_path))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "never set up (no such table" in done.stderr


def test_commands_that_make_a_database_are_let_through():
    assert not {"migrate", "makemigrations", "collectstatic", "seed_demo"} & home.NEED_A_DATABASE


def test_a_start_on_a_taken_port_leaves_nothing_behind(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = run("config/up.py", FLEETUNE_HOME=str(tmp_path / "home"), FLEETUNE_PORT=port)
    assert done.returncode == 1
    assert f"127.0.0.1:{port} cannot be used" in done.stderr
    assert "Set FLEETUNE_PORT to another port." in done.stderr
    assert list(tmp_path.iterdir()) == []
