"""The story of a rank, from its assignment to its exit report.

python -m training.run RUN_DIR        in a fresh interpreter (CUDA, Windows); elsewhere the starter forks it
"""

import logging
import os
import sys

from contract.agent_calls import Go
from contract.events import EventType
from contract.faults import fault
from contract.reasons import EndReason
from contract.tasks import TASKS
from training.assembly import begin_model, put_together, sampler_and_plan
from training.compile_proof import prove_model
from training.evaluate import evaluate_result
from training.export import Result, export_result
from training.failures import SUCCEEDED, Ending, Failure, ending_of
from training.fine_tune import FineTuning
from training.fleet_speed import fleet_speed
from training.fleet_test import fleet_test
from training.measure import measure
from training.predict import predict
from training.preflight import preflight
from training.preprocess import open_data, prove_data
from training.rank import Rank
from training.rendezvous import Door, join
from training.step import point_keys
from training.tasks import eval_keys

ERRANDS = {"preflight": preflight, "evaluate": measure, "predict": predict}

GANGS = {"fleet-test": fleet_test, "fleet-speed": fleet_speed}
"""errands whose devices meet"""
log = logging.getLogger(__name__)


def main(run_dir: str) -> None:
    """Live as the rank whose run directory this is. Never returns: the process ends with its exit report."""
    rank = Rank.begin(run_dir)
    try:
        ending = live(rank)
    except BaseException as error:  # every end is reported, whatever it was
        log.error("the rank ends: %r", error)
        rank.failed_with = error  # keeps the frames, and with them every tensor, until the process is gone
        wanted = rank.orders.latest()
        ending = ending_of(error, rank=rank.assignment.rank, world_size=rank.assignment.world_size, wanted=wanted)
    rank.leave(ending)


def live(rank: Rank) -> Ending:
    """Bind what others need, wait to be let go, and do what the assignment says."""
    fault("rank.start")
    door = Door(rank.assignment.rank)
    rank.lifeline.tell({"port": door.port, "address": door.address})
    go = rank.wait_for_go()
    if isinstance(go, Ending):
        return go
    if not rank.assignment.errand:
        with door.reach.naming_the_cut(rank.sign):
            return train(rank, go, door)
    kind = rank.assignment.errand["kind"]
    if kind in GANGS:
        return GANGS[kind](rank, go, door)
    if kind not in ERRANDS:
        raise Failure(EndReason.CODE_ERROR, f"this version knows no errand '{kind}'")
    return ERRANDS[kind](rank, go)


def train(rank: Rank, go: Go, door: Door) -> Ending:
    """Meet the other ranks, pass the four stages, leave the result."""
    prepared = open_data(go)
    sampler, plan = sampler_and_plan(rank, prepared.manifest, go.world_size)
    keys = point_keys(TASKS[rank.spec["task"]].train_keys)
    rank.reporter.event(
        EventType.STARTED,
        pid=os.getpid(),
        cadences=plan.cadences(keys, eval_keys(rank.spec["task"])),
        total_steps=plan.total_steps,
        steps_per_epoch=plan.steps_per_epoch,
    )
    rank.reporter.log(f"{plan.total_steps} steps of {sampler.global_batch} samples on {go.world_size} devices")
    group = join(go, door, rank.device, rank.still_waiting)

    data = prove_data(rank, prepared, group)
    begun = begin_model(rank, data, go, group)
    prove_model(rank, begun.model, data.manifest, group)
    parts = put_together(rank, data, begun, group, sampler, plan)
    training = FineTuning(rank, parts)
    if begun.contents:
        training.go_on_from(begun.contents)
    ended_early = training.run()
    if ended_early:
        return ended_early

    with parts.method.whole(training.kept.result):
        step = training.state.step
        samples = len(data.splits[rank.spec["evaluation"]["split"]])
        metrics = evaluate_result(rank, parts.evaluator, samples, step)
        rank.reporter.log(
            ", ".join(f"{name} {value:.4f}" for name, value in metrics.items()) + " on the evaluated split"
        )
        group.meet(rank.still_here)
        parts.checkpoints.prune()
        group.barrier()  # the last time that ranks need each other: rank 0 serves the meeting until all have left it
        if group.rank == 0:
            export_result(Result(rank, parts, metrics, step))
    return Ending("succeeded", EndReason.LIMIT_REACHED) if training.limit_reached else SUCCEEDED


if __name__ == "__main__":
    main(sys.argv[1])
