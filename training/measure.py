"""The errand `evaluate`: one file of a finished job, run on this device as it lies on disk, measured and compared.

It is held against the trained model's own answers, which the job kept beside its weights (`reference.py`), so that
weights that were changed since are found out too. What else is measured are its suites (`suites/`).
"""

import time
import traceback
from typing import Any

from contract.agent_calls import Go
from training.failures import Ending, answer_of
from training.lifeline import Terminated
from training.preprocess import open_data, prove_data
from training.rank import Rank
from training.reference import compared
from training.rendezvous import Group
from training.runners import START
from training.suites import DEFAULT, SUITES, NotMeasured, Subject

LOAD_S = 120.0
"""of no sign of life while a file is loaded and run for the first time, and while a suite begins"""


def measure(rank: Rank, go: Go) -> Ending:
    """Succeeds whenever it has an answer; `ok` in it says which.

    answer: ok, samples, runtime, file_bytes, cold_start_seconds, parity; what the default suites found (metrics,
    details, latency_ms, throughput, peak_memory_bytes); further suites, and suites that could not run, under their
    own names. Or ok, reason, detail.
    """
    return answer_of(lambda: _measured(rank, go))


def _measured(rank: Rank, go: Go) -> dict[str, Any]:
    wanted = rank.assignment.errand
    needed = (str(wanted["split"]),) if wanted.get("dataset") else ()
    subject = Subject(rank, go, prove_data(rank, open_data(go), Group(0, 1), needed))
    rank.sign.enter("evaluate", LOAD_S)
    began = time.perf_counter()
    subject.answers(subject.first(1))
    facts = {
        "cold_start_seconds": time.perf_counter() - began,
        "samples": len(subject.rows),
        "file_bytes": subject.path.stat().st_size if subject.path.name != START else None,
        "runtime": subject.runner.runtime,
        "parity": _parity(subject),
    }
    for name in wanted.get("suites") or DEFAULT:
        rank.sign.enter("evaluate", LOAD_S)
        found = _found(name, subject)
        facts |= found if name in DEFAULT and "not_measured" not in found else {name: found}
    return facts


def _parity(subject: Subject) -> dict[str, Any] | None:
    """Against the trained model's answers to its own data, which the one that it began with is not meant to equal."""
    if subject.path.name == START or subject.of_other_data:
        return None
    return compared(subject.runner, subject.data, subject.rank.spec["evaluation"]["split"], subject.path)


def _found(name: str, subject: Subject) -> dict[str, Any]:
    """What the suite found, or `not_measured` with the reason: none of them fails the others."""
    if name not in SUITES:
        return {"not_measured": f"this device's version knows no measurement '{name}': run its join command again"}
    try:
        return SUITES[name](subject)
    except NotMeasured as reason:
        return {"not_measured": str(reason)}
    except Terminated:
        raise
    except Exception as error:  # whatever it is, it is the answer of this suite
        traceback.print_exc()
        return {"not_measured": f"{type(error).__name__}: {error}"[:500]}
