"""What keeps the budget of a private training: chosen once on rank 0, kept in every checkpoint, spent step by step."""

import importlib
import json
from typing import Any

import torch

from contract.reasons import EndReason
from contract.spec_security import default_delta
from training.checkpoint_files import Contents
from training.failures import Failure
from training.plan import Plan
from training.privacy import accounting
from training.privacy.poisson import PoissonSampler
from training.privacy.secret import Secret
from training.rank import Rank
from training.rendezvous import Group
from training.sampler import Sampler

DOCUMENT = "privacy.json"
KEY = "privacy/epsilon"
UNIT = "one sample, added or removed"
SEARCH_S = 240.0
"""of no sign of life while Opacus loads and the noise is searched for"""


class NoPrivacy:
    """A training without a budget: nothing is changed, nothing is told."""

    samples = 0.0
    """what a sum of gradients is divided by, where that may not depend on the data"""
    limit_reached = False

    def follow(self, step: int) -> None:
        """Step `step` is done."""

    def is_spent(self, step: int) -> bool:
        """Whether one step more would spend more than the budget."""
        return False

    def documents(self) -> dict[str, Any]:
        """What a checkpoint has to hold."""
        return {}

    def facts(self, step: int) -> dict[str, Any]:
        """What was spent after `step` steps and how, for whoever reads the result."""
        return {}


class Privacy(NoPrivacy):
    """`document`: as `documents` gives it, from a checkpoint or new."""

    def __init__(self, rank: Rank, document: dict[str, Any], plan: Plan):
        self._document = document
        self._secret = Secret(bytes.fromhex(document["key"]))
        self._milestones = dict(document["milestones"])
        self._ends_early = document["last_step"] < plan.total_steps
        self._series = rank.reporter.series(KEY) if rank.assignment.rank == 0 else None
        self.samples = document["samples"]
        self.clip_norm = document["clip_norm"]

    @property
    def secret(self) -> Secret:
        return self._secret

    def noise(self, step: int, count: int) -> torch.Tensor:
        """What is added to a sum of clipped gradients of `count` numbers at `step`, float64."""
        return self._secret.normal("noise", step, count) * (self._document["noise_multiplier"] * self.clip_norm)

    def follow(self, step: int) -> None:
        if self._series and step in self._milestones:
            self._series.add(step, self._milestones[step])

    def is_spent(self, step: int) -> bool:
        self.limit_reached = self._ends_early and step >= self._document["last_step"]
        return self.limit_reached

    def documents(self) -> dict[str, Any]:
        return {DOCUMENT: self._document}

    def facts(self, step: int) -> dict[str, Any]:
        told = ("budget", "delta", "noise_multiplier", "clip_norm", "sampling_rate")
        return {
            "epsilon": self._epsilon(step),
            **{name: self._document[name] for name in told},
            "steps": step,
            "accountant": accounting.ACCOUNTANT,
            "unit": UNIT,
            "random_source": Secret.source,
        }

    def _epsilon(self, step: int) -> float:
        if step in self._milestones:
            return float(self._milestones[step])
        noise, rate = self._document["noise_multiplier"], self._document["sampling_rate"]
        return accounting.epsilon_after(step, noise=noise, rate=rate, delta=self._document["delta"])


def guard_of(rank: Rank, group: Group, sampler: Sampler, plan: Plan, contents: Contents | None) -> NoPrivacy:
    """The budget of the job, as it was when `contents` were saved, and its secret for the sampler. Collective."""
    wanted = rank.spec["security"].get("dp")
    if not wanted or not isinstance(sampler, PoissonSampler):
        return NoPrivacy()
    rank.sign.enter("compile", SEARCH_S)
    importlib.import_module("opacus.grad_sample")  # takes seconds, so on all ranks before they wait for each other
    document = contents.documents[DOCUMENT] if contents else {}
    if not document and group.rank == 0:
        document = _begun(wanted, sampler, plan)
    group.meet(rank.still_waiting)
    document = json.loads(group.gather(json.dumps(document).encode())[0])
    privacy = Privacy(rank, document, plan)
    sampler.secret = privacy.secret
    noise = f"noise of {document['noise_multiplier']:.3g} clip norms"
    reason = f"epsilon {document['budget']:g} at delta {document['delta']:.2g} for {document['last_step']} steps"
    rank.reporter.choice("private training", noise, reason)
    return privacy


def _begun(wanted: dict[str, Any], sampler: PoissonSampler, plan: Plan) -> dict[str, Any]:
    """A new budget. Raises Failure (impossible) where not one step fits into it."""
    budget, steps = wanted["epsilon"], plan.total_steps
    delta = wanted["delta"] or default_delta(sampler.samples)
    spending: dict[str, Any] = {"rate": sampler.rate, "delta": delta}
    noise = wanted["noise_multiplier"] or accounting.noise_within(budget, steps=steps, **spending)
    last = steps
    if wanted["noise_multiplier"]:
        last = accounting.last_step_within(budget, steps=steps, noise=noise, **spending)
    if last == 0:
        sentence = f"one step with noise {noise:g} spends more than epsilon {budget:g}: raise one of the two"
        raise Failure(EndReason.IMPOSSIBLE, sentence)
    return {
        "key": Secret.new().key.hex(),
        "budget": budget,
        "delta": delta,
        "clip_norm": wanted["max_grad_norm"],
        "noise_multiplier": noise,
        "sampling_rate": sampler.rate,
        "samples": sampler.rate * sampler.samples,
        "last_step": last,
        "milestones": accounting.milestones(last, noise=noise, **spending),
    }
