"""The errand `preflight`: real batches on the device, before a job is started."""

import math
from typing import Any

from contract.agent_calls import Go
from contract.reasons import EndReason
from training.assembly import begin_model, put_together, sampler_and_plan
from training.batch_times import batch_times, steps_of
from training.compile_proof import BATCH, graph_hash
from training.failures import Ending, Failure, answer_of
from training.fitting_batch import within_memory
from training.inputs import example
from training.parallel.cut import check_cut
from training.preprocess import open_data, prove_data
from training.rank import Rank
from training.rendezvous import Group

COMPILE_S = 120


def preflight(rank: Rank, go: Go) -> Ending:
    """Load, preprocess, forward, backward, update. Succeeds whenever it has an answer; `ok` in it says which.

    answer: ok, step_seconds, peak_memory_bytes, data_hash, graph_hash, parameters, evaluated_sample_seconds, and
    `batches`: {size: {seconds, peak_memory_bytes}} of a batch; or ok, reason, detail.
    """
    return within_memory(rank, lambda: answer_of(lambda: _measured(rank, go)))


def _measured(rank: Rank, go: Go) -> dict[str, Any]:
    group, prepared = Group(0, 1), open_data(go)
    data = prove_data(rank, prepared, group)
    begun = begin_model(rank, data, go, group, resumes=False)
    devices = rank.spec["devices"]
    one = begun.model.steps(example(data.manifest, 1, rank.device))
    check_cut(rank.spec["parallel"]["strategy"], begun.model.model, len(devices["ids"]) or devices["count"], one)
    parts = put_together(rank, data, begun, group, *sampler_and_plan(rank, prepared.manifest, 1))
    rank.sign.enter("compile", COMPILE_S)
    graph = graph_hash(parts.model, example(data.manifest, BATCH, rank.device))
    parts.model.train()
    steps = steps_of(parts, rank)
    if not math.isfinite(steps[-1].loss):
        raise Failure(EndReason.NAN_LOSS, f"the loss is {steps[-1].loss} after {len(steps)} steps", step=len(steps))
    return {
        **batch_times(parts, rank, steps),
        "data_hash": data.hash,
        "graph_hash": graph,
        "parameters": sum(parameter.numel() for parameter in parts.model.parameters()),
    }
