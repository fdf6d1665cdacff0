"""Ranks on hosts of their own that lose sight of each other, while the server and everybody else still hear both."""

from contextlib import ExitStack

import pytest

from contract.run_dir import read_json
from tests.hosts import Network, deaf, deaf_to_each_other, network
from tests.training.factories import prepared_data, spec, tiny
from tests.training.ranks import Attempt, Starter
from tests.waiting import wait_until

FAST = {"FLEETUNE_TIME_SCALE": "0.2"}
pytestmark = [pytest.mark.integration, pytest.mark.netns]
ENDLESS = spec(
    model={"source": "conv", "channels": [4, 8], "hidden": [16]},
    training={"per_device_train_batch_size": 8, "max_steps": 100_000, "save_steps": 1_000_000},
)


@pytest.fixture(scope="module")
def few(data_dir):
    return prepared_data(data_dir, *tiny(), classes=["a", "b", "c"])


class Meeting:
    """Rank 0 is here, the others are on hosts of their own; their clockwork runs five times as fast."""

    def __init__(self, between: Network, here: Starter, there: list[Starter]):
        self.hosts, self.bridge = between.hosts, between.bridge
        self.addresses = [between.here, *(host.address for host in between.hosts)]
        self.starters = [here, *there]

    def attempt(self, ranks: int, home, data) -> Attempt:
        return Attempt(
            self.starters[0], home, ENDLESS, [data] * ranks,
            starter_of=dict(enumerate(self.starters)), interface_of={0: self.bridge, 1: "eth0", 2: "eth0"},
            env_of={rank: {"FLEETUNE_FABRIC_ADDRESS": address} for rank, address in enumerate(self.addresses)},
        )  # fmt: skip


@pytest.fixture(scope="module")
def meeting(starter, tmp_path_factory):
    with network("10.231.79", hosts=2) as between, ExitStack() as afterwards:
        there = [Starter(tmp_path_factory.mktemp("host"), host.inside(), **FAST) for host in between.hosts]
        for other in there:
            afterwards.enter_context(other)
        yield Meeting(between, starter, there)


def test_of_three_ranks_the_two_that_lose_sight_of_each_other_are_named_with_their_addresses(meeting, tmp_path, few):
    attempt = meeting.attempt(3, tmp_path, few).start().go()
    wait_until(lambda: attempt.step(0) > 5, within=30)
    with deaf_to_each_other(*meeting.hosts):
        reports = attempt.wait(30)
    told = {rank: (reports[rank]["reason"], reports[rank]["params"]) for rank in attempt.ranks}
    assert {reason for reason, _ in told.values()} == {"sync_timeout"}
    for rank, peer in ((1, 2), (2, 1)):
        said = told[rank][1]
        assert (said["what"], said["peer"]) == ("unreachable", peer), said
        assert said["addresses"] == [meeting.addresses[rank], meeting.addresses[peer]]
    assert told[0][1]["what"] != "unreachable"


def test_ranks_that_cannot_reach_each_other_from_the_start_say_so(meeting, tmp_path, few):
    with deaf(meeting.hosts[0], meeting.addresses[0]):
        attempt = meeting.attempt(2, tmp_path, few).start().go()
        report = wait_until(lambda: read_json(attempt.paths(1).exit), within=30)
        attempt.want("cancel")
        attempt.wait(20)
    assert (report["reason"], report["params"]["what"], report["params"]["peer"]) == ("sync_timeout", "unreachable", 0)
    assert report["params"]["addresses"] == [meeting.addresses[1], meeting.addresses[0]]
