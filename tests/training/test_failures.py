import errno

import pytest
from torch.distributed import DistNetworkError

from contract.reasons import EndReason
from training.failures import BadData, PeerLost, ending_of
from training.lifeline import Terminated


def end(error, wanted="run", world_size=2):
    return ending_of(error, rank=1, world_size=world_size, wanted=wanted)


@pytest.mark.parametrize(
    "error,reason",
    [
        (MemoryError(), EndReason.OUT_OF_MEMORY),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried …"), EndReason.OUT_OF_MEMORY),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), EndReason.OUT_OF_MEMORY),
        (RuntimeError("[pair.cc:553] Connection closed by peer [127.0.0.1]:4"), EndReason.SYNC_TIMEOUT),
        (RuntimeError("Timed out waiting 30000ms for recv operation to complete"), EndReason.SYNC_TIMEOUT),
        (DistNetworkError("failed to recv, got 0 bytes"), EndReason.SYNC_TIMEOUT),
        (PeerLost(0, "silent", 30), EndReason.SYNC_TIMEOUT),
        (OSError(errno.ENOSPC, "No space left on device"), EndReason.NO_SPACE),
        (BadData("row 3 of train has label 9", row=3), EndReason.BAD_DATA),
        (KeyError("label"), EndReason.CODE_ERROR),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), EndReason.CODE_ERROR),
        (Terminated("SIGTERM"), EndReason.KILLED),
    ],
)
def test_every_error_has_its_reason(error, reason):
    ending = end(error)
    assert (ending.outcome, ending.reason) == ("failed", reason)
    assert ending.params["rank"] == 1


def test_a_lost_peer_is_named_when_there_is_only_one():
    assert end(RuntimeError("Connection reset by peer")).params["peer"] == 0
    lost = end(RuntimeError("Connection reset by peer"), world_size=3).params
    assert "peer" not in lost and lost["peers"] == [0, 2]
    assert lost["what"] == "gone"
    assert end(RuntimeError("Timed out waiting 3ms")).params["what"] == "silent"


def test_a_code_error_carries_the_end_of_its_traceback():
    try:
        {}["label"]
    except KeyError as error:
        ending = end(error)
    assert ending.params["detail"] == "KeyError: 'label'"
    assert "test_failures.py" in ending.params["traceback"]


def test_what_was_asked_for_is_no_failure():
    assert end(Terminated("SIGTERM"), "cancel").outcome == "cancelled"
    assert end(Terminated("SIGTERM"), "drain").outcome == "drained"
    assert end(PeerLost(0, "gone"), "cancel").outcome == "cancelled"
    assert end(RuntimeError("Connection closed by peer"), "stop").outcome == "cancelled"


def test_a_failure_of_the_data_stays_one_while_it_is_cancelled():
    assert end(BadData("row 1"), "cancel").reason == EndReason.BAD_DATA
