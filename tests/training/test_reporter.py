import itertools
import json
import math
import time

import pytest
import torch

from contract import faults
from contract.events import Batch, EventType
from contract.timing import BATCH_S
from tests.waiting import wait_until
from training.reporter import Reporter, SilentReporter


def written(spool) -> list[Batch]:
    return [Batch.from_json(json.loads(line)) for line in spool.read_text().splitlines()]


def test_points_of_keys_that_come_together_share_a_frame(tmp_path):
    reporter = Reporter(tmp_path / "spool")
    series = reporter.series("train/loss", "train/accuracy")
    series.add(1, torch.tensor(2.5), 0.1)
    series.add(2, 1.5, torch.tensor([0.2]))
    reporter.close()
    frames = [frame for batch in written(tmp_path / "spool") for frame in batch.frames]
    values = [(frame.steps, frame.columns["train/loss"]) for frame in frames]
    assert [pair for steps, losses in values for pair in zip(steps, losses, strict=True)] == [(1, 2.5), (2, 1.5)]
    assert all(set(frame.columns) == {"train/loss", "train/accuracy"} for frame in frames)


def test_values_that_are_not_numbers_are_kept_as_such(tmp_path):
    reporter = Reporter(tmp_path / "spool")
    reporter.series("train/loss").add(1, math.nan)
    reporter.close()
    assert math.isnan(written(tmp_path / "spool")[0].frames[0].columns["train/loss"][0])


def test_a_point_after_silence_is_written_at_once_and_batches_keep_their_distance(tmp_path):
    spool = tmp_path / "spool"
    reporter = Reporter(spool)
    series = reporter.series("k")
    said_at = time.time()
    series.add(1, 0.0)
    wait_until(lambda: spool.stat().st_size, within=10)
    assert written(spool)[0].time - said_at < 0.1
    steps = itertools.count(2)
    wait_until(lambda: series.add(next(steps), 0.0) or len(written(spool)) >= 5, within=15)
    reporter.close()
    times = [batch.time for batch in written(spool)][:5]
    assert min(later - earlier for earlier, later in itertools.pairwise(times)) >= BATCH_S * 0.9


def test_an_event_never_comes_in_a_batch_before_points_that_were_added_before_it(tmp_path):
    reporter = Reporter(tmp_path / "spool")
    series = reporter.series("k")
    for step in range(1, 2001):
        series.add(step, 0.0)
        if step % 100 == 0:
            reporter.event(EventType.CHECKPOINT, step, step=step)
            reporter.flush()
    reporter.close()
    last = 0
    for batch in written(tmp_path / "spool"):
        last = max([last, *(step for frame in batch.frames for step in frame.steps)])
        assert all(event.step <= last for event in batch.events)
    assert last == 2000


def test_numbering_goes_on_and_a_half_written_line_is_cut_off(tmp_path):
    spool = tmp_path / "spool"
    reporter = Reporter(spool)
    reporter.log("one")
    reporter.flush()
    reporter.log("two")
    reporter.close()
    whole = spool.read_bytes()
    spool.write_bytes(whole + b'{"batch":3,"ti')
    again = Reporter(spool)
    again.log("three")
    again.close()
    assert [batch.number for batch in written(spool)] == [1, 2, 3]
    assert again.last_batch == 3


@pytest.mark.parametrize("refusals", ["spool.write:1:enospc", "spool.write:1:enospc,spool.write:2:enospc"])
def test_a_full_disk_is_waited_for_and_nothing_is_lost(tmp_path, monkeypatch, refusals):
    monkeypatch.setenv("FLEETUNE_FAULT", refusals)
    monkeypatch.setattr(faults, "_visits", type(faults._visits)())
    monkeypatch.setattr("training.reporter.TRY_AGAIN_S", 0.01)
    reporter = Reporter(tmp_path / "spool")
    reporter.log("one")
    reporter.flush()
    reporter.log("two")
    reporter.close()
    assert [(batch.number, batch.log[0].text) for batch in written(tmp_path / "spool")] == [(1, "one"), (2, "two")]


def test_a_disk_that_stays_full_is_told_to_the_loop(tmp_path, monkeypatch):
    monkeypatch.setenv("FLEETUNE_FAULT", "spool.write:*:enospc")
    monkeypatch.setattr("training.reporter.NO_SPACE_S", 0.0)
    reporter = Reporter(tmp_path / "spool")
    reporter.log("one")
    with pytest.raises(OSError, match="No space"):
        wait_until(reporter.raise_failure, within=10)
    reporter.close()


def test_nothing_said_writes_nothing(tmp_path):
    Reporter(tmp_path / "spool").close()
    assert (tmp_path / "spool").read_bytes() == b""


def test_adding_points_from_the_loop_loses_none_while_the_thread_takes_them(tmp_path):
    reporter = Reporter(tmp_path / "spool")
    series = reporter.series("k")
    for step in range(1, 50_001):
        series.add(step, 1.0)
        if step % 5_000 == 0:
            reporter.flush()
    reporter.close()
    steps = [step for batch in written(tmp_path / "spool") for frame in batch.frames for step in frame.steps]
    assert steps == list(range(1, 50_001))


def test_a_log_call_costs_less_than_seven_microseconds(tmp_path):
    series = Reporter(tmp_path / "spool").series("a", "b", "c")
    times = []
    for step in range(20_000):
        began = time.perf_counter_ns()
        series.add(step, 1.0, 2.0, 3.0)
        times.append(time.perf_counter_ns() - began)
    assert sorted(times)[len(times) // 2] < 7_000


def test_a_silent_reporter_takes_everything():
    reporter = SilentReporter()
    reporter.series("k").add(1, 1.0)
    reporter.stage("compile", "began")
    reporter.close()
    assert reporter.last_batch == 0
