"""How often the model still answers rightly when inputs are changed to mislead it, by how far they may be changed."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from training.attacks import Attacker
from training.shares import share
from training.suites.subject import NotMeasured, Subject

PIXELS = (1.0, 2.0, 4.0, 8.0)
"""of 255"""
SIGMAS = (0.05, 0.1, 0.2, 0.4)
"""standard deviations of each feature in the train split"""
LARGE = {"image": 128.0, "table": 100.0}
"""so far that any model that can be attacked at all has nothing right"""
ROWS, BATCH, SANITY_ROWS = 512, 64, 64
SECONDS = 240.0
"""after which no further batch is begun: n says how many there were"""
SLACK = 0.02
"""of accuracy by which a stronger attack may do worse before it means something"""
NOTHING = 0.1
"""of accuracy that may be left where nothing should be"""
LABELS = ("image-classification", "text-classification", "tabular-classification")


@dataclass
class _Counts:
    """Rows that were answered rightly, by what was done to them."""

    n: int = 0
    clean: int = 0
    by: dict[tuple[str, float], int] = field(default_factory=dict)

    def add(self, name: str, size: float, right: torch.Tensor) -> None:
        self.by[name, size] = self.by.get((name, size), 0) + int(right.sum())


def attacks(subject: Subject) -> dict[str, Any]:
    """rows (by key: value, low, high, n, seed), curve (per size: clean, noise, fgsm, pgd), unit, masked (sentences)"""
    kind = subject.data.manifest["kind"]
    _must_fit(subject, kind)
    sizes, unit = (PIXELS, _one(subject)) if kind == "image" else (SIGMAS, _deviations(subject))
    attacker = Attacker(subject.model, (0.0, 255.0) if kind == "image" else None)
    order = torch.randperm(len(subject.rows), generator=torch.Generator().manual_seed(subject.seed))[:ROWS]
    chance = torch.Generator().manual_seed(subject.seed)
    counts, began = _Counts(), time.monotonic()
    for batch in order.split(BATCH):
        inputs, labels = subject.data.task.collate(subject.rows, batch)
        inputs, labels = inputs.float().to(unit.device), labels.long().to(unit.device)
        _count(counts, attacker, inputs, labels, [(size, size * unit) for size in sizes], chance, subject.still_here)
        if time.monotonic() - began > SECONDS:
            break
    first = order[:SANITY_ROWS]
    inputs, labels = subject.data.task.collate(subject.rows, first)
    inputs, labels = inputs.float().to(unit.device), labels.long().to(unit.device)
    far = attacker.right(attacker.pgd(inputs, labels, LARGE[kind] * unit, chance), labels).double().mean()
    return _told(counts, sizes, kind, subject, float(far))


def _must_fit(subject: Subject, kind: str) -> None:
    if kind == "text":
        raise NotMeasured("tokens cannot be changed by small amounts; attacks by changed words are not built")
    if subject.data.manifest["target"].get("multi") or subject.rank.spec["task"] not in LABELS:
        raise NotMeasured("these attacks mislead models that name one class for each sample")


def _one(subject: Subject) -> torch.Tensor:
    return torch.ones(1, device=next(subject.model.parameters()).device)


def _deviations(subject: Subject) -> torch.Tensor:
    """σ of each feature [features]; of one that never changes 0, so that nobody changes it."""
    values = np.asarray(subject.train.column(subject.data.manifest["input"]["column"]), dtype=np.float64)
    return torch.from_numpy(values.std(0)).float().to(next(subject.model.parameters()).device)


def _count(
    counts: _Counts,
    attacker: Attacker,
    inputs: torch.Tensor,
    labels: torch.Tensor,
    sizes: list[tuple[float, torch.Tensor]],
    chance: torch.Generator,
    still_here: Callable[[], None],
) -> None:
    counts.n += len(labels)
    counts.clean += int(attacker.right(inputs, labels).sum())
    for size, amount in sizes:
        counts.add("noise", size, attacker.right(attacker.noise(inputs, amount, chance), labels))
        counts.add("fgsm", size, attacker.right(attacker.fgsm(inputs, labels, amount), labels))
        counts.add("pgd", size, attacker.right(attacker.pgd(inputs, labels, amount, chance), labels))
        still_here()


def _told(counts: _Counts, sizes: tuple[float, ...], kind: str, subject: Subject, far: float) -> dict[str, Any]:
    values = {(name, size): right / counts.n for (name, size), right in counts.by.items()}
    rows = {
        f"safety/{name}_accuracy@{size:g}": share(counts.by[name, size], counts.n) | {"seed": subject.seed}
        for name in ("fgsm", "pgd")
        for size in sizes
    }
    curve = [{"size": size, **{name: values[name, size] for name in ("noise", "fgsm", "pgd")}} for size in sizes]
    return {
        "rows": rows,
        "clean": share(counts.clean, counts.n),
        "curve": curve,
        "unit": "1/255" if kind == "image" else "standard deviation",
        "masked": doubts(curve, far, LARGE[kind]),
    }


def doubts(curve: list[dict[str, float]], far: float, large: float) -> list[str]:
    """Why these figures may flatter the model: its gradients point nowhere. `far`: accuracy under PGD of size
    `large`."""
    found = []
    for point in curve:
        if point["pgd"] > point["fgsm"] + SLACK:
            found.append(f"at {point['size']:g} many steps mislead less often than one")
        if point["fgsm"] > point["noise"] + SLACK:
            found.append(f"at {point['size']:g} the gradient misleads less often than noise")
    if any(later["pgd"] > earlier["pgd"] + SLACK for earlier, later in pairwise(curve)):
        found.append("a larger change misleads less often")
    if far > NOTHING:
        found.append(f"{far:.0%} are right however large the change ({large:g})")
    return found
