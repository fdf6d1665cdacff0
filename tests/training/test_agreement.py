import pytest

from contract.reasons import EndReason
from training.agreement import agree
from training.failures import Failure
from training.rendezvous import Group


class Told(Group):
    """A group in which the others say what the test wants."""

    def __init__(self, *others: bytes):
        super().__init__(0, 1 + len(others))
        self.others = others

    def gather(self, data: bytes) -> list[bytes]:
        return [data, *self.others]


def test_equal_facts_pass():
    agree(Told(b"a\nb", b"a\nb"), {"graph": "a", "weights": "b"}, EndReason.VERSION_MISMATCH)


def test_the_first_difference_is_named_with_its_ranks_and_values():
    with pytest.raises(Failure, match="rank 0 and rank 2 differ in weights: b and c") as difference:
        agree(Told(b"a\nb", b"a\nc"), {"graph": "a", "weights": "b"}, EndReason.DIVERGED)
    assert difference.value.reason == EndReason.DIVERGED
    assert difference.value.params["ranks"] == [0, 2]
    assert difference.value.params["what"] == "weights"


def test_a_group_of_one_agrees_with_itself():
    agree(Group(0, 1), {"graph": "a"}, EndReason.VERSION_MISMATCH)
