"""A real agent and its rank over a line that is slow, stalls and is cut: nothing is lost, doubled or given up."""

import dataclasses
import hashlib
import itertools

import pytest

from contract.timing import LEASE_TTL_S
from tests.agent.bad_line import BadLine
from tests.agent.fake_server import CREDENTIAL
from tests.agent.stage import Stage
from tests.waiting import wait_until

pytestmark = pytest.mark.integration
DELAY_S, STALL_S = 0.2, 2.0


def behind(line: BadLine, stage: Stage) -> None:
    """The device reaches its server over this line only."""
    stage.home.save(dataclasses.replace(stage.device, server=line.url), CREDENTIAL)


def longest_silence(holder) -> float:
    times = [lease["received"] for lease in holder.leases]
    return max(late - early for early, late in itertools.pairwise(times))


def test_over_a_slow_line_that_stalls_no_lease_runs_out_and_each_batch_comes_once(stage, server):
    scale = stage.scale
    with BadLine(server.url, delay_s=DELAY_S * scale, stall_s=STALL_S * scale, stalls=0.05) as line:
        behind(line, stage)
        holder = server.assign(spec={"steps": 60, "seconds": 0.05})
        stage.start_agent()
        wait_until(lambda: holder.gone, within=60, about="the end")
    assert holder.steps() == list(range(1, 61))
    assert holder.exits[-1]["outcome"] == "succeeded"
    assert longest_silence(holder) < LEASE_TTL_S * scale


def test_an_upload_that_is_cut_ten_times_goes_on_from_what_came(stage, server):
    size = 600_000
    with BadLine(server.url, cut_after=size // 20, cuts=10) as line:
        behind(line, stage)
        holder = server.assign(spec={"steps": 2, "artifact": "weights!", "times": size // 8})
        stage.start_agent()
        wait_until(lambda: holder.gone, within=60, about="the end")
        assert line.was_cut == 10
    assert holder.exits[-1]["outcome"] == "succeeded"
    digest = hashlib.sha256(b"weights!" * (size // 8)).hexdigest()
    assert len(server.uploads[digest]) == size
