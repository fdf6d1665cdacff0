"""A rank that trains many small jobs one after the other in one group: their first losses, without what comes around
a training. The jobs lie in jobs.json above the devices' homes: [name, spec, directory of the data] each."""

import json
import sys
from dataclasses import replace

from contract.run_dir import write_json
from tests.training.meeting import meet
from training.assembly import WISHES, begin_model, put_together, sampler_and_plan
from training.data import Data
from training.preprocess import open_data
from training.step import take_step
from training.tasks import task_of

JOBS = "jobs.json"
LOSSES = "losses.json"


def main(run_dir: str) -> None:
    rank, go, group = meet(run_dir)
    losses = {}
    for name, spec, data_dir in json.loads((rank.paths.path.parent.parent / JOBS).read_text()):
        rank.spec, here = spec, replace(go, data_dir=data_dir)
        prepared = open_data(here)
        data = Data.of(prepared, task_of(spec["task"], prepared.manifest, spec["training"]))
        plan = sampler_and_plan(rank, prepared.manifest, group.world_size)
        parts = put_together(rank, data, begin_model(rank, data, here, group, resumes=False), group, *plan)
        parts.method.module.train()
        steps = range(1, spec["training"]["max_steps"] + 1)
        losses[name] = [take_step(parts, step, (0.0,) * len(WISHES), rank.device).loss for step in steps]
        parts.method.close()
    write_json(rank.paths.path / LOSSES, losses)
    write_json(rank.paths.exit, {"outcome": "succeeded"})
    group.barrier()
    sys.exit(0)
