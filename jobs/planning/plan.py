"""The plan of a job spec: what it would take, what is proposed instead, and why. For page, REST and `forecasts`."""

import math
from dataclasses import dataclass, field
from typing import Any

from catalog.models import DatasetVersion
from catalog.services import preparing
from contract.spec import JobSpec
from devices.models import Device
from jobs import clock
from jobs.fleet import Fleet, best_free
from jobs.planning import knowledge
from jobs.planning.choices import Choice, Proposal, propose
from jobs.planning.costs import NETWORK_BYTES_PER_S, Machine, Way, Work
from jobs.planning.knowledge import Knowledge
from jobs.wishes import Wish

SURE = {"jobs": (0.85, 1.25), "preflight": (0.75, 1.5), "kin": (0.5, 2.0)}
"""how far the true time may lie from the estimate, by what that rests on"""


@dataclass(frozen=True)
class Plan:
    """Empty parts are not known yet."""

    version: DatasetVersion | None = None
    samples: int = 0
    world: int = 0
    global_batch: int = 0
    steps: int = 0
    names: list[str] = field(default_factory=list)
    """of the chosen devices, when they are chosen by name"""
    known: Knowledge = field(default_factory=Knowledge)
    work: Work | None = None
    proposal: Proposal | None = None

    @property
    def shortest(self) -> float:
        """Seconds of the whole job at the least; 0 = not known."""
        return self.proposal.asked.cost.seconds * SURE[self.known.basis][0] if self.proposal else 0.0

    @property
    def longest(self) -> float:
        return self.proposal.asked.cost.seconds * SURE[self.known.basis][1] if self.proposal else 0.0

    @property
    def memory(self) -> int:
        """Bytes on the device that needs most."""
        return self.proposal.asked.cost.memory if self.proposal else self.known.peak_bytes


def of(spec: JobSpec, version: DatasetVersion | None, steps: list[dict[str, Any]] | None = None) -> Plan:
    """The plan of `spec` with the recipe `steps` (None: they could not be found out)."""
    world = spec.devices.wanted
    samples = int((version.splits.get("train") or {}).get("count", 0)) if version else 0
    batch = spec.training.per_device_train_batch_size * spec.training.gradient_accumulation_steps
    work = Work(samples, batch, spec.training.num_train_epochs, max(0, spec.training.max_steps))
    facts = (version, samples, world, batch * world, work.steps(world), spec.devices.ids)
    if version is None or steps is None:
        return Plan(*facts)
    known = knowledge.of(spec.to_json(), steps, version)
    asked, others = _machines(spec, known)
    if not asked:
        return Plan(*facts, known)
    work = _filled(work, spec, version, steps, known, world)
    way = Way(spec.parallel.strategy if world > 1 else "ddp", tuple(asked), spec.parallel.shares)
    return Plan(*facts, known, work, propose(work, way, others, known.batches))


def _machines(spec: JobSpec, known: Knowledge) -> tuple[list[Machine], list[Machine]]:
    """Devices that the spec would get, as far as they can be told now, and all that could work with them. Both are
    empty while nothing is known of their speed."""
    fleet = Fleet.load(clock.now())
    everyone = list(fleet.devices.values())
    wish = Wish.of(spec.to_json()["devices"], spec.to_json()["schedule"])
    if wish.ids:
        asked = [fleet.devices[slug] for slug in wish.ids if slug in fleet.devices]
        group = next((each for each in fleet.groups if any(one in each for one in asked)), asked)
    else:
        fitting = [wish.fitting(group) for group in fleet.groups]
        group = max(fitting, key=len, default=[])
        asked = best_free(group, wish.count, set())
    machines = {each.slug: _machine(each, known, everyone) for each in [*asked, *group]}
    if len(asked) < wish.count or not all(machines[each.slug].sample_seconds for each in asked):
        return [], []
    others = [machine for machine in machines.values() if machine.sample_seconds]
    return [machines[each.slug] for each in asked], others


def _machine(device: Device, known: Knowledge, everyone: list[Device]) -> Machine:
    pace = known.pace_of(device, everyone)
    return Machine(device.slug, device.host.name, pace, device.memory_bytes, device.kind)


def _filled(
    work: Work, spec: JobSpec, version: DatasetVersion, steps: list[dict[str, Any]], known: Knowledge, world: int
) -> Work:
    total = work.steps(world)
    epoch = math.ceil(work.samples / (work.batch * world)) if work.samples else 0
    every = min(spec.training.eval_steps or epoch, total)
    start, export = knowledge.around(spec.export.formats)
    prepared = preparing.prepared_of(version, steps)
    splits = {name: int(facts.get("count", 0)) for name, facts in version.splits.items()}
    return Work(
        samples=work.samples,
        batch=work.batch,
        epochs=work.epochs,
        max_steps=work.max_steps,
        parameters=known.parameters,
        peak_bytes=known.peak_bytes,
        batch_bytes=known.batch_bytes,
        sync_every=spec.parallel.sync_every,
        evaluations_per_step=total // every / total if every and total and splits.get("validation") else 0.0,
        validation_samples=splits.get("validation", 0),
        test_samples=splits.get(spec.evaluation.split, 0),
        evaluated_sample_seconds=known.evaluated_sample_seconds,
        start_seconds=start,
        export_seconds=export,
        prepare_seconds=knowledge.preparing(version, prepared),
        link_bytes_per_s=known.link_bytes_per_s or NETWORK_BYTES_PER_S,
    )


def rows(plan: Plan, most: int = 5) -> list[Choice]:
    """The choices that are worth showing: the proposed one, the one asked for, and the next best."""
    if plan.proposal is None:
        return []
    first = [plan.proposal.best, plan.proposal.asked]
    rest = [each for each in plan.proposal.choices if each not in first]
    shown = list({id(each): each for each in [*first, *rest]}.values())[:most]
    return sorted(shown, key=lambda each: (not each.cost.fits, each.sample_cost))
