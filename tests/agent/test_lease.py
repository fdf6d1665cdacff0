import time

import pytest

from agent import run as agent_run
from agent.device_home import DeviceHome
from agent.lease import LeaseLoop
from agent.processes import boot_id
from agent.situation import Situation
from contract.run_dir import write_json
from contract.timing import MAX_DISCONNECTED_S
from tests.agent.factories import device, sign_of_life, situation
from tests.agent.fake_server import CREDENTIAL


@pytest.fixture
def here(tmp_path, server) -> Situation:
    here = situation(tmp_path, server.url, rank=0)
    here.home.save_credential(CREDENTIAL)
    return here


def test_it_tells_how_the_rank_is_doing_and_hears_what_is_wanted(here, server):
    holder = server.assign()
    holder.acknowledged.append({})
    here.port, here.address, here.activity = 4321, "127.0.0.1", "preparing_data"
    sign_of_life(here, age=0)
    LeaseLoop(here, lambda: None)._call()
    told = holder.leases[0]
    assert (told["step"], told["stage"], told["port"], told["activity"]) == (7, "fine_tune", 4321, "preparing_data")
    assert (here.rendezvous["port"], here.resume_step, here.wanted) == (4321, 0, "run")
    holder.wanted = "drain"
    LeaseLoop(here, lambda: None)._call()
    assert (here.wanted, here.why) == ("drain", "server")


def test_an_old_fence_ends_the_rank(here, server):
    holder = server.assign()
    holder.stale = True
    assert not LeaseLoop(here, lambda: None)._call()
    assert (here.wanted, here.why) == ("stop", "evicted")


def test_without_a_server_training_goes_on_for_an_hour_and_is_then_saved_and_ended(here, server):
    server.assign()
    server.away = True
    loop = LeaseLoop(here, lambda: None)
    here.heard_at = time.monotonic() - MAX_DISCONNECTED_S + 60
    assert loop._call() and here.wanted == "run"
    here.heard_at -= 120
    assert loop._call()
    assert (here.wanted, here.why) == ("drain", "disconnected")


def test_a_worker_that_heard_the_test_ring_once_and_then_not_for_long_is_started_again(tmp_path, server):
    home = DeviceHome(tmp_path / "device")
    home.save(device(server.url), CREDENTIAL)
    agent = agent_run.Agent(home, "agent.supervise", "tests.agent.tiny_rank:main")
    stopped = []
    agent.listener.stop = lambda: stopped.append(1)
    agent._restart_when_deaf()
    agent.bell.last_ring = time.time() - agent_run.DEAF_S + 10
    agent._restart_when_deaf()
    assert not stopped, "it never heard one, or heard one a moment ago"
    agent.bell.last_ring -= 20
    agent._restart_when_deaf()
    agent._restart_when_deaf()
    assert stopped == [1]


def test_only_an_agent_of_this_directory_and_boot_is_known_to_be_gone(tmp_path, server):
    home = DeviceHome(tmp_path / "device")
    home.save(device(server.url), CREDENTIAL)

    gone = {"boot_id": boot_id(), "pid": 2**22 + 3, "start_ticks": 5, "home": str(home.path)}
    write_json(home.path / "agent.run.json", gone)
    assert agent_run._gone_before(home)["pid"] == 2**22 + 3
    for change in ({"boot_id": "another"}, {"home": "/somewhere/else"}):
        write_json(home.path / "agent.run.json", gone | change)
        assert agent_run._gone_before(home) == {}
