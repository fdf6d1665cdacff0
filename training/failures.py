"""Every way a rank ends, as outcome, reason and what the reason's sentence needs."""

import errno
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch.distributed import DistError

from contract.reasons import EndReason
from training.lifeline import Terminated

TRACEBACK_LINES = 12
PEER_LOST_WORDS = (
    "connection reset by peer",
    "connection closed by peer",
    "broken pipe",
    "connection refused",
    "timed out waiting",
    "connectfullmesh failed",
    "wait timeout",
    "socket timeout",
    "nccl",
)
MEMORY_WORDS = ("not enough memory", "out of memory", "can't allocate memory", "cannot allocate memory")


@dataclass(frozen=True)
class Ending:
    """`outcome`: succeeded, failed, drained or cancelled; `answer` is what an errand found out."""

    outcome: str
    reason: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    answer: dict[str, Any] = field(default_factory=dict)


SUCCEEDED = Ending("succeeded")
DRAINED = Ending("drained", EndReason.DRAINED)
CANCELLED = Ending("cancelled", EndReason.USER_CANCELLED)


class Failure(Exception):
    """A failure whose reason is known where it is raised."""

    def __init__(self, reason: EndReason, sentence: str, **params: Any):
        super().__init__(sentence)
        self.reason = reason
        self.params = {**params, "detail": sentence}


class BadData(Failure):
    def __init__(self, sentence: str, **params: Any):
        super().__init__(EndReason.BAD_DATA, sentence, **params)


class PeerLost(Failure):
    """Rank `peer` is gone (its process ended), silent (no answer for `seconds`), or unreachable.

    `addresses`, where it is unreachable: ours and the peer's.
    """

    def __init__(self, peer: int, what: str, seconds: float = 0.0, addresses: Sequence[str] = ()):
        sentences = {
            "gone": f"rank {peer} is gone",
            "silent": f"no answer from rank {peer} for {seconds:.0f} s",
            "unreachable": f"no connection to rank {peer}: {' to '.join(addresses)}",
        }
        more = {"addresses": list(addresses)} if addresses else {}
        super().__init__(EndReason.SYNC_TIMEOUT, sentences[what], peer=peer, what=what, seconds=seconds, **more)


def ending_of(error: BaseException, *, rank: int, world_size: int, wanted: str) -> Ending:
    """The ending that `error` makes, in a rank of which the server wants `wanted`."""
    if wanted in ("cancel", "stop") and not isinstance(error, Failure | MemoryError):
        return CANCELLED
    if isinstance(error, Terminated):
        if wanted == "drain":
            return DRAINED
        return Ending("failed", EndReason.KILLED, {"rank": rank, "detail": str(error)})
    if isinstance(error, Failure):
        if isinstance(error, PeerLost) and wanted in ("cancel", "stop"):
            return CANCELLED
        return Ending("failed", error.reason, {"rank": rank, **error.params})
    text = f"{type(error).__name__}: {error}"
    if is_out_of_memory(error):
        return Ending("failed", EndReason.OUT_OF_MEMORY, {"rank": rank, "detail": _short(text)})
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return Ending("failed", EndReason.NO_SPACE, {"rank": rank, "detail": text})
    if is_peer_loss(error):
        peers = [peer for peer in range(world_size) if peer != rank]
        what = "silent" if "timed out" in text.lower() or "timeout" in text.lower() else "gone"
        params = {"rank": rank, "peers": peers, "what": what, "detail": _short(text)}
        return Ending("failed", EndReason.SYNC_TIMEOUT, params | ({"peer": peers[0]} if len(peers) == 1 else {}))
    return Ending("failed", EndReason.CODE_ERROR, {"rank": rank, "detail": _short(text), "traceback": _tail(error)})


def is_out_of_memory(error: BaseException) -> bool:
    """torch raises a plain RuntimeError for it on a CPU, which only its words tell from others."""
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in MEMORY_WORDS)


def is_peer_loss(error: BaseException) -> bool:
    """The store raises DistError; gloo raises a plain RuntimeError that only its words tell from others."""
    if isinstance(error, DistError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in PEER_LOST_WORDS)


def _short(text: str) -> str:
    return text if len(text) <= 500 else text[:500] + "…"


def _tail(error: BaseException) -> str:
    lines = "".join(traceback.format_exception(error)).rstrip().splitlines()
    return "\n".join(lines[-TRACEBACK_LINES:])


def answer_of(find_out: Callable[[], dict[str, Any]]) -> Ending:
    """The end of an errand: what `find_out` gives with `ok`, or the reason and detail of what it raised instead."""
    try:
        return Ending("succeeded", answer={"ok": True, **find_out()})
    except Exception as error:  # whatever it is, it is the answer
        ending = ending_of(error, rank=0, world_size=1, wanted="run")
        detail = ending.params.get("detail", str(error))
        return Ending("succeeded", answer={"ok": False, "reason": str(ending.reason), "detail": detail})
