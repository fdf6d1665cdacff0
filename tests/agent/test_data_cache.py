"""The cache of prepared data on a device: a limit, the one used longest ago goes, and never what a job needs."""

import os

import pytest

from agent.conclude import mark_settled
from agent.data_cache import DEFAULT_BYTES, LIMIT, kept, limit_bytes, make_room, mark_used, needed, room
from agent.device_home import DeviceHome
from contract.run_dir import write_json
from tests.agent.factories import assignment, device

HERE = device()


@pytest.fixture
def home(tmp_path):
    return DeviceHome(tmp_path / "device")


def lies_here(home, name: str, size: int, age: float) -> None:
    """Prepared data of `size` bytes that was used `age` seconds ago."""
    directory = home.data_dir(name)
    directory.mkdir(parents=True)
    (directory / "train.image.bin").write_bytes(bytes(size))
    used = 1_700_000_000 - age
    os.utime(directory, (used, used))


def data(name: str, size: int = 100) -> dict:
    return {"hash": name, "manifest": {"files": [{"name": "train.image.bin", "sha256": "00", "bytes": size}]}}


def names(home) -> list[str]:
    return [item.content_hash for item in kept(home)]


def test_what_was_used_longest_ago_goes_until_the_rest_fits(home, monkeypatch):
    monkeypatch.setenv(LIMIT, "250")
    for name, age in (("old", 30), ("new", 10), ("middle", 20)):
        lies_here(home, name, 100, age)
    assert make_room(home, HERE, []) == ["old"]
    assert names(home) == ["middle", "new"]
    assert make_room(home, HERE, []) == []
    assert sorted(path.name for path in home.data_dir("").iterdir()) == ["middle", "new"]


def test_using_data_makes_it_the_last_to_go(home, monkeypatch):
    monkeypatch.setenv(LIMIT, "150")
    lies_here(home, "old", 100, 30)
    lies_here(home, "new", 100, 10)
    mark_used(home.data_dir("old"))
    assert make_room(home, HERE, []) == ["new"]


def test_what_a_job_needs_stays_whatever_the_limit(home, monkeypatch):
    monkeypatch.setenv(LIMIT, "0")
    for name in ("assigned", "running", "ended"):
        lies_here(home, name, 100, 30)
    for number, name in ((1, "running"), (2, "ended")):
        run = home.run_dir("attempt", 5, number)
        run.path.mkdir(parents=True)
        write_json(run.assignment, assignment(id=number, data=data(name)).to_json())
    mark_settled(home.run_dir("attempt", 5, 2), "succeeded")
    wanted = [assignment(id=3, data=data("assigned"))]
    assert {"assigned", "running"} <= needed(home, wanted)
    assert make_room(home, HERE, wanted) == ["ended"]
    assert names(home) == ["assigned", "running"]


def test_room_is_made_before_the_data_of_a_job_comes(home, monkeypatch):
    monkeypatch.setenv(LIMIT, "250")
    lies_here(home, "old", 100, 30)
    lies_here(home, "new", 100, 10)
    assert make_room(home, HERE, [assignment(data=data("comes", 120))]) == ["old"]
    assert make_room(home, device(server_home="/srv"), [assignment(data=data("linked", 10**9))]) == []


def test_what_was_begun_counts_and_linked_files_do_not(home, tmp_path, monkeypatch):
    monkeypatch.setenv(LIMIT, "100")
    lies_here(home, "half.partial", 70, 5)
    servers = tmp_path / "server.bin"
    servers.write_bytes(bytes(500))
    home.data_dir("shared").mkdir()
    os.link(servers, home.data_dir("shared") / "train.image.bin")
    (home.data_dir("shared") / "test.image.bin").symlink_to(servers)
    assert room(home) == 30
    monkeypatch.setenv(LIMIT, "10")
    assert make_room(home, HERE, []) == ["half"]
    assert names(home) == ["shared"]


@pytest.mark.parametrize(("setting", "limit"), [("", DEFAULT_BYTES), ("12345", 12345), ("much", DEFAULT_BYTES)])
def test_the_limit_is_a_setting_of_the_agent(monkeypatch, setting, limit):
    monkeypatch.setenv(LIMIT, setting)
    assert limit_bytes() == limit
