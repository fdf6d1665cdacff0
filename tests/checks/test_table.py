"""Device × check: every way in which a fleet does not fit has its own red cell, with what to do."""

import pytest

from checks import seen, table
from checks.seen import Seen
from tests.checks.factories import GIB, checks, device, link


def cells(*devices: Seen) -> list[dict[str, table.Cell]]:
    return [row.cells for row in table.rows(list(devices))]


def red(*devices: Seen) -> set[tuple[str, str]]:
    """(device, check) of every red cell."""
    rows = table.rows(list(devices))
    return {(row.device, name) for row in rows for name, cell in row.cells.items() if cell.ok is False}


def test_devices_that_fit_are_green_in_every_check():
    rows = table.rows([device("a"), device("b", 1)])
    assert [row.ok for row in rows] == [True, True]
    assert all(cell.ok for row in rows for cell in row.cells.values())
    assert rows[0].cells["links"].text == "slowest to b: 0.20 ms, 95.4 MiB/s"


@pytest.mark.parametrize(
    ("check", "changed"),
    [
        ("disk", {"disk": {"ok": True, "free_bytes": GIB // 2, "data_bytes": 10}}),
        ("data", {"data": {"ok": True, "hash": "f" * 64, "samples": 100}}),
        ("data", {"data": {"ok": False, "reason": "bad_data", "detail": "a file is too short"}}),
        ("model", {"model": {"ok": True, "hash": "f" * 64, "weights": ""}}),
        ("step", {"step": {"ok": True, "hash": "f" * 64, "max_difference": 1e-3}}),
        ("step", {"step": {"ok": False, "reason": "out_of_memory", "detail": "no memory"}}),
        ("exchange", {"exchange": {"ok": False, "reason": "sync_timeout", "detail": "closed", "peer": 0}}),
        ("ports", {"meet": {"ok": False, "reason": "start_timeout", "detail": "late", "peer": 0}, "links": None}),
    ],
)
def test_what_does_not_fit_is_red_on_that_device_alone_and_says_what_to_do(check, changed):
    other = device("b", 1, **changed)
    found = {name: one for name, one in other.answer["checks"].items() if one is not None}
    other.answer["checks"] = found
    assert red(device("a"), other) == {("b", check)}
    assert cells(device("a"), other)[1][check].fix


def test_an_artifact_that_answers_otherwise_is_red():
    wrong = checks()["answers"] | {"parity": {"passed": False}}
    assert red(device("a"), device("b", 1, answers=wrong)) == {("b", "answers")}
    apart = checks()["answers"] | {"max_difference": 0.1}
    assert red(device("a"), device("b", 1, answers=apart)) == {("b", "answers")}


def test_weights_that_differ_in_the_last_bits_are_told_and_pass():
    other = device("b", 1, step={"ok": True, "hash": "f" * 64, "max_difference": 3e-8})
    assert cells(device("a"), other)[1]["step"] == table.Cell(True, "ffffffff (± 3.0e-08)")


def test_a_pair_that_cannot_talk_is_named_with_address_and_error():
    broken = {"ok": False, "to": {"1": {"error": "Connection refused", "address": "10.0.0.2 4000"}}}
    found = cells(device("a", links=broken), device("b", 1))
    assert found[0]["ports"].text == "Does not reach b (10.0.0.2:4000: Connection refused)."
    assert "--fabric-address" in found[0]["ports"].fix
    assert found[1]["ports"].ok


def test_a_clock_that_is_off_is_red_on_the_device_that_has_it():
    first = device("a", links={"ok": True, "to": {"1": link(clock_offset_seconds=-90.0)}})
    assert red(first, device("b", 1)) == {("b", "clock")}
    assert cells(first, device("b", 1))[1]["clock"].text == "-90.000 s against a"


def test_other_versions_are_told_side_by_side():
    old = device("b", 1, environment={"torch": "2.12.0", "python": "3.11.2"})
    assert red(device("a"), old) == {("b", "versions")}
    assert cells(device("a"), old)[1]["versions"].text == "Not as on a: torch 2.12.0 ≠ 2.13.0."


def test_a_check_that_was_left_out_names_the_device_that_kept_it_from_running():
    others = {"others": {"ok": False, "unable": {"1": "data"}}, "step": {"ok": None, "because": "others"}}
    found = cells(device("a", **others), device("b", 1))
    assert found[0]["step"] == table.Cell(None, "Not run: not every device passed so far: b.")


@pytest.mark.parametrize(
    ("gone", "text"),
    [
        (Seen("b", seen.AWAY, away="offline"), "It is offline."),
        (Seen("b", seen.AWAY, away="draining"), "It takes no jobs."),
        (Seen("b", seen.FAILED, 1, answer={"ok": False, "reason": "device_lost"}), "It stopped answering."),
        (
            Seen("b", seen.FAILED, 1, answer={"ok": False, "reason": "start_timeout", "missing": "c"}),
            "Waited for c, which did not come.",
        ),
    ],
)
def test_a_device_that_is_away_or_breaks_off_has_its_own_red_row_with_the_reason(gone, text):
    first, second = table.rows([device("a"), gone])
    assert second.ok is False
    assert (second.cells["here"].text, second.cells["here"].ok) == (text, False)
    assert second.cells["here"].fix
    assert first.cells["here"].ok


def test_one_device_alone_is_not_asked_about_links():
    alone = device("a")
    for name in ("links", "exchange", "others", "meet"):
        del alone.answer["checks"][name]
    [row] = table.rows([alone])
    assert row.cells["links"] == table.Cell(None, "Needs two devices.")
    assert row.ok
