"""Whether the model shows which samples it was trained on: the strongest of three attacks counts."""

from typing import Any

import numpy as np
import torch
from torch import nn

from training.data import MappedSplit
from training.inputs import from_prepared
from training.membership.likelihood import Pool, TooSlow, ratios
from training.membership.revealed import FEWEST, RATES, auc, found_at
from training.membership.scores import losses
from training.models.source import net_of
from training.suites.subject import NotMeasured, Subject

MOST = 10_000
"""members, and non-members, that are looked at"""
POOL_MOST = 2_000
"""of each in the attack with shadow models"""


def membership(subject: Subject) -> dict[str, Any]:
    """rows (by key: value, low, high, n, seed; or not_measured), scores (AUC of each attack), base (AUC of the model
    before it was trained), not_run (attack → why), members, non_members, left_out (held-out rows that are in train)"""
    members, others, left_out = _sides(subject)
    ours = {"loss": _losses(subject, subject.model, members, others)}
    not_run: dict[str, str] = {}
    base = None
    try:
        untrained = _losses(subject, _fresh(subject, subject.seed), members, others)
        ours["difference"] = ours["loss"][0] - untrained[0], ours["loss"][1] - untrained[1]
        base = auc(*untrained)
    except NotMeasured as reason:
        not_run["difference"] = str(reason)
    try:
        ours["likelihood"] = _likelihood(subject, members, others, ours["loss"])
    except (NotMeasured, TooSlow) as reason:
        not_run["likelihood"] = str(reason)
    return _told(subject, ours) | {
        "base": base,
        "not_run": not_run,
        "members": len(members),
        "non_members": len(others),
        "left_out": left_out,
    }


Sides = tuple[np.ndarray, np.ndarray]
"""scores of members and of non-members: the higher, the rather a member"""


def _told(subject: Subject, ours: dict[str, Sides]) -> dict[str, Any]:
    areas = {name: auc(*sides) for name, sides in ours.items()}
    strongest = max(areas, key=lambda name: areas[name]["value"])
    rows = {"safety/mia_auc": areas[strongest] | {"seed": subject.seed, "attack": strongest}}
    for rate in RATES:
        found = {name: found_at(rate, *sides) for name, sides in ours.items()}
        best = max(found, key=lambda name: found[name].get("value", -1.0))
        rows[f"safety/mia_tpr_at_fpr_{rate:g}"] = found[best] | {"seed": subject.seed, "attack": best}
    return {"rows": rows, "scores": areas}


def _sides(subject: Subject) -> tuple[torch.Tensor, torch.Tensor, int]:
    """Rows of train, and rows of the held-out split that are in train nowhere, drawn by the seed."""
    if subject.of_other_data:
        raise NotMeasured("members are samples of the model's own data: leave the other dataset out")
    if subject.split == "train":
        raise NotMeasured("non-members are needed: choose a split that the model was not trained on")
    chance = torch.Generator().manual_seed(subject.seed)
    members = torch.randperm(len(subject.train), generator=chance)[:MOST]
    known = {row.tobytes() for row in _inputs(subject, "train")}
    fresh = [place for place, row in enumerate(_inputs(subject, subject.split)) if row.tobytes() not in known]
    others = torch.tensor(fresh, dtype=torch.int64)[torch.randperm(len(fresh), generator=chance)[:MOST]]
    fewest = min(len(members), len(others))
    if fewest < FEWEST:
        raise NotMeasured(f"too few samples: {fewest} on one side, {FEWEST} are needed")
    return members, others, len(subject.rows) - len(fresh)


def _inputs(subject: Subject, split: str) -> np.ndarray:
    column = subject.data.splits[split].column(subject.data.manifest["input"]["column"])
    if not isinstance(column, np.ndarray):
        raise NotMeasured("samples of this kind of data are not compared yet")
    return column


def _losses(subject: Subject, model: nn.Module, members: torch.Tensor, others: torch.Tensor) -> Sides:
    """The negative loss: what is learnt has a small one."""
    if subject.rank.spec["task"] == "object-detection":
        raise NotMeasured("the loss of single pictures with boxes is not taken apart yet")

    def of(split: MappedSplit, rows: torch.Tensor) -> np.ndarray:
        return -losses(model, subject.data.task, split, rows, subject.batch_size, subject.still_here)

    return of(subject.train, members), of(subject.rows, others)


def _fresh(subject: Subject, seed: int) -> nn.Module:
    """The model before its first step. Raises NotMeasured where its weights came from elsewhere."""
    model = subject.rank.spec["model"]
    if model["source"] in ("job", "registered") or (model["source"] == "transformers" and "config" not in model):
        raise NotMeasured("the weights that training began with do not come to the device that measures")
    net = net_of(dict(model), subject.rank.spec["task"], subject.data.manifest, subject.data.task.outputs, seed)
    return from_prepared(subject.data.manifest, net).to(subject.rank.device).eval()


def _likelihood(subject: Subject, members: torch.Tensor, others: torch.Tensor, loss: Sides) -> Sides:
    if subject.rank.spec["method"]["kind"] != "full":
        raise NotMeasured("shadow models would have to begin where training began")
    members, others = members[:POOL_MOST], others[:POOL_MOST]
    pool = Pool.of(subject.data.task, [(subject.train, members), (subject.rows, others)], subject.rank.device)
    training = subject.rank.spec["training"] | {"epochs": _epochs(subject)}
    target = -np.concatenate([loss[0][:POOL_MOST], loss[1][:POOL_MOST]])
    found = ratios(pool, target, lambda number: _fresh(subject, number + 1), training, subject.still_here)
    return found[: len(members)], found[len(members) :]


def _epochs(subject: Subject) -> float:
    """Looks at each sample that the job's plan takes."""
    spec = subject.rank.spec
    training, devices = spec["training"], spec["devices"]
    if training["max_steps"] <= 0:
        return float(training["num_train_epochs"])
    together = len(devices["ids"]) or devices["count"]
    batch = training["per_device_train_batch_size"] * training["gradient_accumulation_steps"] * together
    return float(training["max_steps"] * batch / max(len(subject.train), 1))
