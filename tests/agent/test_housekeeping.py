"""Credential, readings, reserve, waits and fault points."""

import errno
import os
import shutil
import subprocess
import sys
import time

import pytest

from agent import credential_rotation, memory_watch, reserve
from agent.backoff import Backoff
from agent.device_home import DeviceHome
from agent.fabric import interface_of
from agent.readings import Readings
from agent.server import Server
from agent.situation import fabric_address
from contract import faults
from contract.run_dir import RunDir, write_json
from tests.agent.factories import assignment, device
from tests.agent.fake_server import CREDENTIAL


def test_an_old_credential_is_exchanged_and_only_its_owner_can_read_the_new_one(tmp_path, server, monkeypatch):
    home = DeviceHome(tmp_path / "device")
    home.save(device(server.url), CREDENTIAL)
    client = Server(server.url, home.credential)
    assert not credential_rotation.rotate_when_old(home, client)
    old = time.time() - credential_rotation.ROTATE_AFTER_S - 1
    os.utime(home.path / "credential", (old, old))
    assert not credential_rotation.rotate_when_old(home, client), "this server has no such call"
    answer = {"credential": "fld_new", "broker_url": "redis://new", "key_prefix": "p:", "queue": "device.7"}
    monkeypatch.setattr(client, "call", lambda *_: _Answer(answer))
    assert credential_rotation.rotate_when_old(home, client)
    assert home.credential() == "fld_new" and home.device().broker_url == "redis://new"
    assert oct((home.path / "credential").stat().st_mode)[-3:] == "600"
    assert not credential_rotation.rotate_when_old(home, client)


class _Answer:
    def __init__(self, body):
        self.body = body

    def json(self):
        return self.body


def test_readings_are_of_the_devices_own_cores_and_of_its_disk(tmp_path):
    readings = Readings(device(cores=[min(os.sched_getaffinity(0))]), tmp_path)
    deadline = time.monotonic() + 0.3
    while time.monotonic() < deadline:
        pass
    values = readings.take()
    assert 0 <= values["system/cpu_percent"] <= 100
    assert 0 < values["system/memory_percent"] < 100
    assert values["system/memory_bytes"] > 2**20
    assert 0 <= values["system/disk_free_bytes"] <= shutil.disk_usage(tmp_path).total
    assert not {key for key in values if "gpu" in key}


def test_the_reserve_is_kept_while_there_is_room_and_given_up_when_there_is_none(tmp_path, monkeypatch):
    reserve.keep_reserve(tmp_path)
    assert (tmp_path / "reserve").stat().st_size == reserve.RESERVE_BYTES
    reserve.give_up_reserve_when_full(tmp_path)
    assert (tmp_path / "reserve").exists()
    monkeypatch.setattr(reserve, "_free", lambda home: 1000)
    reserve.give_up_reserve_when_full(tmp_path)
    assert not (tmp_path / "reserve").exists()
    reserve.keep_reserve(tmp_path)
    assert not (tmp_path / "reserve").exists()


def test_waits_double_up_to_the_longest_and_begin_anew():
    backoff = Backoff(0.5, 15)
    waits = [backoff.next() for _ in range(8)]
    assert 0.25 <= waits[0] <= 0.5 and all(7.5 <= wait <= 15 for wait in waits[-2:])
    backoff.reset()
    assert backoff.next() <= 0.5


def test_the_loopback_is_found_by_its_address():
    assert interface_of("127.0.0.1") == "lo"
    assert interface_of("192.0.2.77") == "" and interface_of("") == ""


def test_other_ranks_reach_a_device_as_it_was_told_or_as_it_reaches_the_server(server):
    client = Server(server.url, None)
    assert fabric_address(device(fabric_address="10.1.2.3"), client) == "10.1.2.3"
    assert fabric_address(device(), client) == "127.0.0.1"


def test_fault_points_do_nothing_unless_asked_for(monkeypatch):
    monkeypatch.setattr(faults, "_visits", faults.Counter())
    monkeypatch.delenv("FLEETUNE_FAULT", raising=False)
    faults.fault("ckpt.rename")
    monkeypatch.setenv("FLEETUNE_FAULT", "ckpt.rename:2:raise, other:*:enospc")
    faults.fault("ckpt.rename")
    with pytest.raises(faults.InjectedFault):
        faults.fault("ckpt.rename")
    faults.fault("ckpt.rename")
    for _ in range(2):
        with pytest.raises(OSError) as full:
            faults.fault("other")
        assert full.value.errno == errno.ENOSPC
    began = time.monotonic()
    monkeypatch.setenv("FLEETUNE_FAULT", "nap:1:sleep=0.1")
    faults.fault("nap")
    assert time.monotonic() - began >= 0.1
    monkeypatch.setenv("FLEETUNE_FAULT", "x:1:explode")
    with pytest.raises(ValueError, match="explode"):
        faults.fault("x")


def test_the_fault_kill_ends_the_process_at_once():
    code = "from contract.faults import fault; fault('a'); print('still here', flush=True); fault('a'); print('no')"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "FLEETUNE_FAULT": "a:2:kill"}, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (-9, "still here\n")


def test_a_fresh_rank_has_a_session_a_log_and_a_channel_whose_end_it_hears(tmp_path):
    from agent.fresh_rank import start_fresh

    run = RunDir(tmp_path)
    write_json(run.assignment, assignment(spec={"steps": 1000}).to_json())
    rank = start_fresh(run, "tests.agent.tiny_rank")
    assert b'"port": 4321' in rank.channel.recv(200)
    assert os.getsid(rank.pid) == rank.pid
    rank.channel.close()
    assert os.waitstatus_to_exitcode(os.waitpid(rank.pid, 0)[1]) == 1
    assert run.log.exists()


def test_only_a_kill_of_the_last_seconds_is_taken_for_the_ranks(monkeypatch):
    count = [3]
    monkeypatch.setattr(memory_watch, "out_of_memory_kills", lambda: count[0])
    watch = memory_watch.MemoryWatch()
    assert not watch.killed_just_now()
    count[0] = 4
    assert watch.killed_just_now()
    for _ in range(2):
        watch.looked_at -= 2 * memory_watch.LOOK_S
        watch.look()
    assert not watch.killed_just_now()
