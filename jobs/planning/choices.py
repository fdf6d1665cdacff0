"""The sensible ways to do a job, what each costs, and which to propose. Plain arithmetic, no database."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jobs.planning.costs import Cost, Machine, Way, Work, cost

WORTH = 0.05
"""of the time: less is not worth another device or another strategy"""
UNEQUAL = 0.10
"""gain from which shares by measured speed are proposed: they cost the repeatability of the last bits"""
SLOW_LINK = 0.3
"""of each step spent in the exchange, from which ranks should meet more seldom"""
TIGHT = 0.5
"""of a device's memory, from which cutting the model is worth a line"""
MOST_DEVICES = 64


@dataclass(frozen=True)
class Choice:
    way: Way
    cost: Cost
    """of the whole job"""
    sample_cost: float
    """seconds a sample of training: what ways with unlike numbers of devices are compared by"""


@dataclass(frozen=True)
class Burden:
    """A device without which the job would be faster."""

    slug: str
    costs: float
    """part of the time that it adds: 0.4 = the job takes 40 % longer with it"""


@dataclass(frozen=True)
class Proposal:
    asked: Choice
    """as the job spec has it"""
    best: Choice
    choices: list[Choice]
    """`best`, `asked` and what else is sensible, the fastest first"""
    burdens: list[Burden]
    batch: int = 0
    """per device, when another than asked for is better; 0 = leave it"""


def propose(work: Work, asked: Way, machines: Sequence[Machine], paces: dict[int, dict[str, float]]) -> Proposal:
    """`machines`: all that could be had, those of `asked` among them. `paces`: batch size → device → seconds a
    sample, where more than one size was measured."""
    choices = [_choice(work, way) for way in _ways(work, asked, machines)]
    own = _choice(work, asked)
    best = own if not any(each.cost.fits for each in choices) else _best([own, *choices])
    shown = {(each.way.strategy, each.way.shares, *sorted(each.way.slugs)): each for each in [*choices, own, best]}
    ranked = sorted(shown.values(), key=lambda each: (not each.cost.fits, each.sample_cost))
    return Proposal(own, best, ranked, _burdens(work, asked), _batch(work, asked, paces))


def _ways(work: Work, asked: Way, machines: Sequence[Machine]) -> Iterator[Way]:
    """The fastest device alone, the fastest two, …; all of them, and those asked for, also in other ways."""
    fastest = sorted(machines, key=lambda machine: machine.sample_seconds)[:MOST_DEVICES]
    for number in range(1, len(fastest) + 1):
        yield Way("ddp", tuple(fastest[:number]))
    for group in {tuple(fastest), asked.machines if asked.strategy == "ddp" else tuple(fastest)}:
        if len(group) > 1:
            yield from _other_ways(work, group)


def _other_ways(work: Work, group: tuple[Machine, ...]) -> Iterator[Way]:
    """Shares by speed where speeds differ, seldom met where meeting is dear, cut where memory is tight."""
    paces = [machine.sample_seconds for machine in group]
    plain = cost(work, Way("ddp", group))
    if min(paces) < (1 - UNEQUAL) * max(paces):
        yield Way("ddp", group, "measured")
    if plain.exchange_seconds > SLOW_LINK / 3 * plain.step_seconds:
        yield Way("local-sgd", group)
    if any(machine.memory_bytes and plain.memory > TIGHT * machine.memory_bytes for machine in group):
        yield Way("fsdp", group)


def _choice(work: Work, way: Way) -> Choice:
    found = cost(work, way)
    around = found.seconds - found.parts["train"] if found.parts else 0.0
    trained = found.steps * work.batch * len(way.machines)
    each = found.step_seconds / (work.batch * len(way.machines)) + (around / trained if trained else 0.0)
    return Choice(way, found, each)


def _best(choices: list[Choice]) -> Choice:
    """The simplest way that nothing beats by much: plain ways first, fewer devices first."""
    fitting = [each for each in choices if each.cost.fits]
    plain = [each for each in fitting if each.way.strategy == "ddp" and each.way.shares == "even"]
    best = _simplest(plain) if plain else min(fitting, key=lambda each: each.sample_cost)
    for each in fitting:
        if _is_worth_it(each, best):
            best = each
    return best


def _simplest(plain: list[Choice]) -> Choice:
    """Fewer devices unless more of them save WORTH of the time."""
    ordered = sorted(plain, key=lambda each: (len(each.way.machines), each.sample_cost))
    best = ordered[0]
    for each in ordered[1:]:
        if each.sample_cost < best.sample_cost * (1 - WORTH):
            best = each
    return best


def _is_worth_it(other: Choice, best: Choice) -> bool:
    gain = 1 - other.sample_cost / best.sample_cost
    if other.way.shares == "measured":
        return gain > UNEQUAL
    if other.way.strategy == "local-sgd":
        waits = best.cost.exchange_seconds > SLOW_LINK * best.cost.step_seconds
        return waits and gain > SLOW_LINK / 2
    return other.way.strategy == "ddp" and gain > WORTH


def _burdens(work: Work, asked: Way) -> list[Burden]:
    """Devices of the asked way that hold the others up so much that they add nothing."""
    if len(asked.machines) < 2:
        return []
    whole, found = _choice(work, asked).sample_cost, []
    for machine in asked.machines:
        rest = tuple(each for each in asked.machines if each is not machine)
        without = _choice(work, Way(asked.strategy, rest, asked.shares)).sample_cost
        if without < whole * (1 - WORTH):
            found.append(Burden(machine.slug, whole / without - 1))
    return sorted(found, key=lambda burden: -burden.costs)


def _batch(work: Work, asked: Way, paces: dict[int, dict[str, float]]) -> int:
    """The smallest measured batch size that is nearly as fast as the fastest, if it beats the one asked for."""
    slowest = {size: max(of.get(slug, 0.0) for slug in asked.slugs) for size, of in paces.items()}
    known = {size: pace for size, pace in slowest.items() if pace}
    now = known.get(work.batch)
    if not now:
        return 0
    fastest = min(known.values())
    if fastest > now * (1 - 2 * WORTH):
        return 0
    return min(size for size, pace in known.items() if pace <= fastest * (1 + WORTH))
