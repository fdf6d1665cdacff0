"""Why a way to train is proposed, in sentences; and a plan as page and REST show it."""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.formats import duration, percent, size
from jobs.planning.choices import WORTH, Choice, Proposal
from jobs.planning.costs import Way, Work, fitting_batch
from jobs.planning.plan import Plan, rows

NAMED = 3
"""device names in a sentence, from which they are counted"""


def sentences(plan: Plan) -> list[str]:
    """What is proposed and why, the most important first."""
    if plan.proposal is None or plan.work is None:
        return [_("Nothing like it was measured on these devices yet: run preflight to know how long it takes.")]
    found = [*_of_memory(plan.proposal, plan.work), *_of_the_best(plan.proposal), *_of_burdens(plan.proposal)]
    if plan.proposal.batch:
        found.append(_of_the_batch(plan.proposal, plan))
    return [*(found or [_("It is well as it is set: no other way would be much faster.")]), _basis(plan)]


def way_words(way: Way) -> str:
    """The way in a few words."""
    if len(way.machines) == 1:
        return _("%(device)s alone") % {"device": way.slugs[0]}
    names = {
        "ddp": _("Data parallel on %(devices)s"),
        "fsdp": _("Weights cut (fsdp) over %(devices)s"),
        "tensor": _("Tensor parallel on %(devices)s"),
        "pipeline": _("Pipeline over %(devices)s"),
        "local-sgd": _("Local SGD on %(devices)s"),
    }
    named = names[way.strategy]
    if way.shares == "measured":
        named = _("Data parallel, shares by speed, on %(devices)s")
    return named % {"devices": _devices(way)}


def to_json(plan: Plan) -> dict[str, Any]:
    """The forecast in the answer of a preflight and on the new-job page."""
    asked = plan.proposal.asked if plan.proposal else None
    return {
        "seconds": asked.cost.seconds if asked else None,
        "shortest_seconds": plan.shortest if asked else None,
        "longest_seconds": plan.longest if asked else None,
        "parts": asked.cost.parts if asked else {},
        "basis": plan.known.basis,
        "reasons": sentences(plan),
        "choices": [_choice_json(each, plan.proposal) for each in rows(plan)],
        "batch_size": plan.proposal.batch or None if plan.proposal else None,
    }


def _choice_json(choice: Choice, proposal: Proposal | None) -> dict[str, Any]:
    return {
        "text": way_words(choice.way),
        "strategy": choice.way.strategy,
        "shares": choice.way.shares,
        "devices": choice.way.slugs,
        "seconds": choice.cost.seconds,
        "samples_per_second": choice.cost.samples_per_second,
        "memory_bytes": choice.cost.memory or None,
        "fits": choice.cost.fits,
        "proposed": proposal is not None and choice is proposal.best,
        "asked": proposal is not None and choice is proposal.asked,
    }


def _of_memory(proposal: Proposal, work: Work) -> Iterator[str]:
    asked = proposal.asked
    if asked.cost.fits:
        return
    tight = min(asked.way.machines, key=lambda machine: machine.memory_bytes or asked.cost.memory)
    facts = {"device": tight.slug, "needed": size(asked.cost.memory), "has": size(tight.memory_bytes)}
    yield _("It needs about %(needed)s on each device, and %(device)s has %(has)s.") % facts
    if proposal.best.way.strategy == "fsdp" and proposal.best.cost.fits:
        yield _("Cut the weights over all devices (fsdp): then each holds only a part.")
    batch = fitting_batch(work, tight.memory_bytes)
    if 0 < batch < work.batch:
        yield _("A batch of %(n)s per device would fit.") % {"n": batch}


def _of_the_best(proposal: Proposal) -> Iterator[str]:
    best, asked = proposal.best, proposal.asked
    if best is asked or not asked.cost.fits:
        return
    saved = 1 - best.sample_cost / asked.sample_cost
    if saved < WORTH:
        if len(best.way.machines) < len(asked.way.machines):
            facts = {"way": way_words(best.way)}
            yield _("%(way)s is as fast: the other devices would add next to nothing.") % facts
        return
    facts = {"way": way_words(best.way), "share": percent(saved), "time": duration(best.cost.seconds)}
    yield _("%(way)s takes %(share)s less time: about %(time)s.") % facts
    if best.way.shares == "measured":
        paces = [machine.sample_seconds for machine in best.way.machines]
        text = _("The fastest device is %(factor)s × as fast as the slowest, so it should get more of each batch.")
        yield text % {"factor": f"{max(paces) / min(paces):.1f}"}
    if best.way.strategy == "local-sgd":
        share = asked.cost.exchange_seconds / asked.cost.step_seconds
        text = _("%(share)s of each step goes into the exchange, so meet more seldom, at some cost in quality.")
        yield text % {"share": percent(share)}


def _of_burdens(proposal: Proposal) -> Iterator[str]:
    text = _("Leave %(device)s out, it costs you %(share)s: with it the job takes so much longer than without.")
    for burden in proposal.burdens:
        yield text % {"device": burden.slug, "share": percent(burden.costs)}


def _of_the_batch(proposal: Proposal, plan: Plan) -> str:
    paces, now = plan.known.batches, plan.work.batch if plan.work else 0
    slow, fast = (max(paces[batch][slug] for slug in proposal.asked.way.slugs) for batch in (now, proposal.batch))
    facts = {"n": proposal.batch, "share": percent(1 - fast / slow)}
    text = _("A batch of %(n)s per device takes %(share)s less time a sample; it changes what is learnt in a step.")
    return text % facts


def _basis(plan: Plan) -> str:
    known = plan.known
    if known.basis == "jobs":
        n = known.jobs
        text = ngettext(
            "The times rest on %(n)s earlier job like it.", "The times rest on %(n)s earlier jobs like it.", n
        )
        return text % {"n": n}
    if known.basis == "preflight":
        return _("The times rest on what preflight measured.")
    return _("The times are a guess from jobs of the same model and data with other settings: preflight knows better.")


def _devices(way: Way) -> str:
    if len(way.machines) <= NAMED:
        return ", ".join(way.slugs)
    return ngettext("%(n)s device", "%(n)s devices", len(way.machines)) % {"n": len(way.machines)}
