"""Subjects without a device: data of the tests, and a plain function in the place of a file."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from contract.agent_calls import Go
from recipes.prepared import open_prepared
from training.data import Data
from training.suites import Subject
from training.tasks import task_of


def subject_of(
    path: Path,
    spec: dict[str, Any],
    answer: Callable[[torch.Tensor], Any],
    deadline: float = 0,
    others: Path | None = None,
    **errand: Any,
) -> Subject:
    prepared = open_prepared(path)
    data = Data.of(prepared, task_of(spec["task"], prepared.manifest, spec["training"]))
    assignment = SimpleNamespace(errand={"artifact": "model.onnx", "split": "test", **errand}, deadline=deadline)
    rank = SimpleNamespace(spec=spec, assignment=assignment, still_here=lambda: None, device=torch.device("cpu"))
    subject = Subject(rank, Go(0, 1, {}, 0, str(path), str(path), "", more_data_dirs=[str(others)]), data)
    subject.__dict__["runner"] = answer
    return subject
