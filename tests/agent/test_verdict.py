import signal

import pytest

from agent.verdict import End, exit_report, unexplained_end
from agent.watchdog import Stall
from contract.run_dir import write_json
from tests.agent.factories import situation

KILLED, FAILED, FINE = signal.SIGKILL, 1 << 8, 0


@pytest.fixture
def here(tmp_path):
    return situation(tmp_path)


def said(here, outcome: str, reason: str = "", **more) -> None:
    write_json(here.run.exit, {"outcome": outcome, "reason": reason, "params": {"step": 3}, **more})


def verdict(here, end: End) -> tuple[str, str]:
    report = exit_report(here, end)
    assert (report.kind, report.id, report.fence) == ("attempt", 11, 1)
    return report.outcome, report.reason


def test_the_ranks_own_word_counts(here):
    said(here, "failed", "nan_loss", answer={"ok": False})
    report = exit_report(here, End(FAILED))
    assert (report.outcome, report.reason, report.params, report.answer) == (
        "failed", "nan_loss", {"step": 3}, {"ok": False},
    )  # fmt: skip


def test_a_signal_without_a_word_is_killed_and_names_it(here):
    report = exit_report(here, End(KILLED))
    assert (report.outcome, report.reason, report.exit_code) == ("failed", "killed", -9)
    assert report.params["signal"] == "SIGKILL"


def test_a_kill_while_the_kernel_counted_one_for_memory_is_out_of_memory(here):
    assert verdict(here, End(KILLED, out_of_memory=True)) == ("failed", "out_of_memory")
    assert verdict(here, End(FAILED, out_of_memory=True)) == ("failed", "code_error")


def test_an_exit_without_a_word_is_a_code_error_with_the_end_of_the_log(here):
    here.run.log.write_text("Traceback\n  somewhere\nValueError: no\n")
    report = exit_report(here, End(FAILED))
    assert (report.reason, report.params["last_log_line"]) == ("code_error", "ValueError: no")
    assert "somewhere" in report.params["detail"]
    assert verdict(here, End(FINE)) == ("failed", "code_error")


def test_a_stall_outweighs_what_the_rank_said_when_it_was_ended(here):
    said(here, "cancelled", "user_cancelled")
    stall = Stall("stalled", {"step": 7}, "No sign of life")
    assert verdict(here, End(KILLED, stall=stall)) == ("failed", "stalled")


@pytest.mark.parametrize(
    ("wanted", "why", "own", "expected"),
    [
        ("cancel", "server", "", ("cancelled", "user_cancelled")),
        ("cancel", "server", "failed", ("cancelled", "user_cancelled")),
        ("cancel", "server", "succeeded", ("succeeded", "")),
        ("stop", "evicted", "failed", ("cancelled", "user_cancelled")),
        ("stop", "shutdown", "failed", ("drained", "shutdown")),
        ("stop", "shutdown", "", ("drained", "shutdown")),
        ("stop", "shutdown", "cancelled", ("drained", "shutdown")),
        ("drain", "shutdown", "drained", ("drained", "shutdown")),
        ("drain", "shutdown", "succeeded", ("succeeded", "")),
        ("drain", "server", "", ("drained", "drained")),
        ("drain", "server", "drained", ("drained", "")),
        ("drain", "server", "failed", ("failed", "")),
    ],
)
def test_who_asked_for_the_end_gets_it_unless_the_rank_came_to_a_better_one(here, wanted, why, own, expected):
    here.ask(wanted, why)
    if own:
        said(here, own)
    assert verdict(here, End(KILLED)) == expected


def test_inputs_that_could_not_be_brought_are_the_reason(here):
    here.ask("stop", "inputs")
    assert verdict(here, End(KILLED, failure=("bad_data", {"detail": "x"}))) == ("failed", "bad_data")


def test_a_report_that_is_torn_or_says_nothing_known_counts_as_none(here):
    here.run.exit.write_text('{"outcome": "succ')
    assert verdict(here, End(KILLED)) == ("failed", "killed")
    said(here, "splendid")
    assert verdict(here, End(KILLED)) == ("failed", "killed")


def test_without_its_supervisor_a_rank_is_lost_unless_it_had_said_how_it_ended(here):
    assert unexplained_end(here.assignment, here.run, "gone").reason == "device_lost"
    said(here, "succeeded")
    assert unexplained_end(here.assignment, here.run, "gone").outcome == "succeeded"
