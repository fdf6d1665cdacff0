"""How an attempt gets going: claimed → starting when all devices acknowledged, starting → running when they agree."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from contract import timing
from contract.reasons import EndReason
from jobs import checkpoints, ending, transitions, withdrawal
from jobs.models import Attempt, Checkpoint, Job, Rank
from jobs.states import Actor, AttemptState, JobState
from jobs.verdicts import End

START_S = 5 * timing.START_STALL_S
"""The supervisors' watchdogs act after START_STALL_S; this is for when all of them are silent about it."""
RUN_STALL_S = 15 * timing.START_STALL_S


def start_when_acknowledged(job: Job, attempt: Attempt, now: datetime) -> bool:
    """T5: the last device has acknowledged, so the step to go on from is chosen. The job's row is locked."""
    ranks = list(attempt.ranks.all())
    if job.state != JobState.CLAIMED or any(rank.acknowledged_at is None for rank in ranks):
        return False
    step = newest_common_step(
        [rank.checkpoints for rank in ranks],
        job.checkpoints.filter(state__in=checkpoints.USABLE),
        stored=checkpoints.steps_on_server(job),
    )
    moved = transitions.move(
        job.pk,
        JobState.STARTING,
        actor=Actor.ATTEMPT,
        attempt=attempt,
        params={"resume_step": step},
        deadline_at=now + timedelta(seconds=START_S),
        wait_reason="",
        reason_params={},
    )
    if moved:
        Attempt.objects.filter(pk=attempt.pk).update(state=AttemptState.STARTING, resumed_from_step=step)
    return moved


def newest_common_step(
    listed: Sequence[list[dict[str, Any]]], reported: Iterable[Checkpoint], *, stored: Iterable[int] = ()
) -> int:
    """The newest step that every device can go on from (R8), 0 for the beginning.

    `listed`: what each device found whole on its disk. Only a *reported* checkpoint counts: its report came behind
    the points up to its step, so none of those can be missing. Copies of one step must be the same bytes or come from
    the same attempt. `stored`: steps of which the server has every file.
    """
    rows, stored = list(reported), set(stored)
    attempt_of = {(row.step, row.manifest_hash): row.attempt_id for row in rows}
    for step in sorted({row.step for row in rows}, reverse=True):
        held = [{item["manifest_sha256"] for item in device if item["step"] == step} for device in listed]
        known = [{hash_ for hash_ in hashes if (step, hash_) in attempt_of} for hashes in held]
        if step in stored or (all(known) and _one_origin(step, known, attempt_of)):
            return step
    return 0


def _one_origin(step: int, known: list[set[str]], attempt_of: dict[tuple[int, str], int]) -> bool:
    if set.intersection(*known):
        return True
    origins = [{attempt_of[step, hash_] for hash_ in hashes} for hashes in known]
    return bool(set.intersection(*origins))


def choose_rendezvous(attempt: Attempt, rank: Rank) -> None:
    """Where the ranks meet: at rank 0's bound socket, once it has told its port and everybody has acknowledged."""
    if attempt.rendezvous is None and rank.rank == 0 and rank.port and attempt.state == AttemptState.STARTING:
        host = rank.address or rank.device.address or "127.0.0.1"
        rendezvous = {"host": host, "port": rank.port, "id": f"{attempt.pk}-{rank.fence}"}
        if Attempt.objects.filter(pk=attempt.pk, rendezvous__isnull=True, ended_at=None).update(rendezvous=rendezvous):
            attempt.rendezvous = rendezvous


def run_when_compiled(job: Job, attempt: Attempt, now: datetime) -> None:
    """T7: every rank has built the model. They begin if all hold the same data and model, else the attempt ends."""
    ranks = list(attempt.ranks.select_related("device__host"))
    if job.state != JobState.STARTING or any("compile" not in rank.proofs for rank in ranks):
        return
    difference = first_difference(ranks)
    if difference is not None:
        ending.end(job, attempt, difference, actor=Actor.ATTEMPT, now=now)
        return
    if transitions.move(
        job.pk,
        JobState.RUNNING,
        actor=Actor.ATTEMPT,
        attempt=attempt,
        params={"resume_step": attempt.resumed_from_step or 0},
        deadline_at=now + timedelta(seconds=RUN_STALL_S),
        wait_reason="",
        reason_params={},
        started_at=job.started_at or now,
    ):
        Attempt.objects.filter(pk=attempt.pk).update(state=AttemptState.RUNNING, started_at=now)
        attempt.state, attempt.started_at = AttemptState.RUNNING, now
        _take_back_what_comes_again(job, attempt)


def _take_back_what_comes_again(job: Job, attempt: Attempt) -> None:
    """R8: points and checkpoints of earlier attempts past the step from which this one goes on."""
    if attempt.number > 1:
        step = attempt.resumed_from_step or 0
        withdrawal.withdraw(job, step, attempt)
        checkpoints.take_back(job, after_step=step)


def first_difference(ranks: Sequence[Rank]) -> End | None:
    """How the ranks' proofs differ, as the end of the attempt; None when they train the same model on the same data.

    (One forward pass is compared by the ranks themselves: unlike processors may differ in the last bits.)
    """
    for stage, fact, reason in (
        ("preprocess", "data_hash", EndReason.RECIPE_MISMATCH),
        ("compile", "graph_hash", EndReason.VERSION_MISMATCH),
        ("compile", "weights_hash", EndReason.VERSION_MISMATCH),
    ):
        for rank in ranks[1:]:
            if _fact(rank, stage, fact) != _fact(ranks[0], stage, fact):
                return _mismatch(reason, ranks[0], rank, stage, fact)
    return None


def _mismatch(reason: EndReason, first: Rank, other: Rank, stage: str, fact: str) -> End:
    params = {
        "device": other.device.slug,
        "other": first.device.slug,
        "what": fact,
        "hash": _fact(other, stage, fact)[:8],
        "other_hash": _fact(first, stage, fact)[:8],
    }
    return End("failed", reason, params, other.rank)


def _fact(rank: Rank, stage: str, fact: str) -> str:
    return str(rank.proofs.get(stage, {}).get(fact, ""))
