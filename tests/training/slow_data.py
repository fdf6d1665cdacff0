"""A rank whose data comes slowly: as many milliseconds a sample as SLOW_MS says."""

import os
import time

from training import run
from training.tasks.task import Task

MILLISECONDS = "SLOW_MS"


def main(run_dir: str) -> None:
    collate = Task.collate

    def slowly(self, split, indices):
        if split is not None and len(indices) <= 64:
            time.sleep(len(indices) * float(os.environ[MILLISECONDS]) / 1000)
        return collate(self, split, indices)

    Task.collate = slowly
    run.main(run_dir)
