"""Whether more devices helped, and when that cannot be said."""

from checks import seen, speed
from checks.seen import ANSWERED, Seen
from tests.checks.factories import trained


def device(slug: str, rank: int, alone: tuple[float, ...], together: tuple[float, ...] = ()) -> Seen:
    answer = {"ok": True, "alone": trained(*alone), "together": trained(*together, batch=128) if together else None}
    return Seen(slug, ANSWERED, rank, answer=answer)


def compared(together: tuple[float, ...]) -> speed.Comparison:
    return speed.compared([device("a", 0, (100, 110, 90), together), device("b", 1, (50, 60, 55), together)])


def test_more_devices_helped_when_every_window_together_beats_every_window_of_the_best_alone():
    found = compared((150, 140, 160))
    assert (found.verdict, found.best, found.speedup) == ("helped", "a", 1.5)
    assert round(found.efficiency, 3) == round(150 / 155, 3)
    assert found.sentence.startswith("More devices helped: 150 samples/s together, 1.50 × a alone (100).")


def test_windows_that_overlap_show_no_difference():
    assert compared((105, 140, 150)).verdict == "no_difference"


def test_slower_together_is_said_plainly():
    found = compared((40, 50, 60))
    assert found.verdict == "slower" and "did not help" in found.sentence


def test_one_device_or_a_lost_one_is_not_measured_and_says_who():
    lost = Seen("b", seen.FAILED, 1, answer={"ok": False, "reason": "killed"})
    found = speed.compared([device("a", 0, (100, 110, 90)), lost])
    assert found.verdict == "not_measured"
    assert found.reasons[0][0] == "b" and found.reasons[0][1]
    assert "at least two devices" in found.to_json()["sentence"]
