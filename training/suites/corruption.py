"""How much worse answers get when inputs are spoilt: the leading metric at five severities of each kind."""

from functools import partial
from typing import Any

import torch

from contract.tasks import TASKS
from training.corruptions import KINDS, SEVERITIES, Corruption
from training.suites.quality import examined
from training.suites.subject import NotMeasured, Subject

MOST_ROWS = 500
"""drawn from the split, the same for every kind"""


def corruption(subject: Subject) -> dict[str, Any]:
    """metric, rows, seed, clean (value, low, high, n), kinds (name → the same by severity), mean over all of them"""
    rows = _drawn(subject)
    clean = examined(subject, rows).headline()
    kinds = {
        name: [{"severity": severity, **_spoilt(subject, rows, change, severity)} for severity in SEVERITIES]
        for name, change in _fitting(subject).items()
    }
    values = [one["value"] for severities in kinds.values() for one in severities]
    return {
        "metric": TASKS[subject.rank.spec["task"]].headline,
        "rows": len(rows),
        "seed": subject.seed,
        "clean": clean,
        "kinds": kinds,
        "mean": sum(values) / len(values),
    }


def _fitting(subject: Subject) -> dict[str, Corruption]:
    """What can be done to this data. Raises NotMeasured."""
    manifest, one = subject.data.manifest, subject.first(1)
    if manifest["kind"] == "image" and one.dtype != torch.uint8:
        raise NotMeasured("these pictures are prepared as other numbers than bytes")
    if manifest["kind"] == "text" and one.ndim != 2:
        raise NotMeasured("rows of these texts hold several documents each")
    return KINDS[manifest["kind"]]


def _spoilt(subject: Subject, rows: torch.Tensor, change: Corruption, severity: int) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(subject.seed + severity)
    changed = partial(change, severity=severity, manifest=subject.data.manifest, generator=generator)
    return examined(subject, rows, changed).headline()


def _drawn(subject: Subject) -> torch.Tensor:
    order = torch.randperm(len(subject.rows), generator=torch.Generator().manual_seed(subject.seed))
    return order[:MOST_ROWS].sort().values
