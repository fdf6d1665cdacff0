"""An import, in a child process: open what came, see how it lies, read each item, list the rest, make the version."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from catalog.imports import facts
from catalog.imports.builtin import builtin_plan
from catalog.imports.bundle import open_bundle, refuse_code
from catalog.imports.cleaning import clean, version_plan
from catalog.imports.items import Made, make
from catalog.imports.layouts import plan_for
from catalog.imports.options import Options
from catalog.imports.plan import FILE, ROW, Candidate, Plan, listed
from catalog.imports.space import refuse_without_space
from catalog.imports.splitting import with_splits
from catalog.web.fetched_plan import fetched_plan
from contract.problems import gettext_noop
from contract.tasks import TASKS
from recipes.images import Unreadable
from recipes.sandbox.inside import Refused, Reporter
from recipes.version import VersionWriter, read_head

Settle = Callable[[list[Made]], tuple[list[Made], str]]
"""which items stay, each with its split, and how splits came about"""


def import_dataset(request: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    """Work for `sandbox.outside.run`. request: options, parent, skip, and source: {"builtin"}, {"fetched": directory},
    {"cleaned": number, "version": directory, "without"}, or as `open_bundle` takes it.

    Returns {"hash", "task", "schema", "splits", "items", "bytes"}. Raises Refused with what the user can do about it.
    """
    parent, options = Path(request["parent"]), Options(**request.get("options", {}))
    skip = request.get("skip", {})
    if "builtin" in request["source"]:
        return _import(parent, builtin_plan(request["source"]["builtin"]), options, skip, reporter)
    if "fetched" in request["source"]:
        return _import(parent, fetched_plan(Path(request["source"]["fetched"])), options, skip, reporter)
    if "cleaned" in request["source"]:
        return _cleaned(parent, request["source"], options, skip, reporter)
    refuse_code(request["source"])
    with open_bundle(request["source"]) as bundle:
        refuse_without_space(parent, bundle.unpacked_bytes)
        return _import(parent, plan_for(bundle, options), options, skip, reporter)


def _cleaned(parent: Path, source: dict[str, Any], options: Options, skip: dict[str, str], reporter: Reporter):
    directory = Path(source["version"])
    plan, head = version_plan(directory, source["cleaned"]), read_head(directory)
    settle = partial(clean, kind=head["kind"], without=source["without"], split_rule=head["split_rule"])
    return _import(parent, plan, options, skip, reporter, settle)


def _import(
    parent: Path, plan: Plan, options: Options, skip: dict[str, str], reporter: Reporter, settle: Settle = with_splits
) -> dict[str, Any]:
    with VersionWriter(parent) as writer:
        made, skipped = _read_all(writer, plan, skip, reporter)
        if options.stops and skipped:
            raise _first_reason(gettext_noop("Stopped, as you asked, at '%(name)s': %(reason)s"), skipped)
        _refuse_nothing(made, skipped)
        made, rule = settle(made)
        if TASKS[plan.task].target == "label" and not plan.multi:
            _refuse_untrained_classes(plan.classes, made)
        if TASKS[plan.task].target == "boxes":
            _refuse_no_boxes(made)
        head = _head(plan, rule)
        path = writer.finish(head, [one.item for one in made], skipped)
    described = facts.describe(plan, head, made, skipped)
    total = sum(one.item.bytes for one in made)
    return {"hash": path.name, "task": plan.task, "items": len(made), "bytes": total, **described}


def _read_all(writer: VersionWriter, plan: Plan, skip: dict[str, str], reporter: Reporter):
    """(what was made, what was left out with its reason), read in the order in which it lies."""
    made: list[Made] = []
    skipped = list(plan.skipped)
    for number, candidate in enumerate(sorted(plan.candidates, key=lambda one: one.position)):
        reporter.at(candidate.name)
        try:
            made.append(_made(writer, candidate, skip))
            skipped += made[-1].skipped
        except Unreadable as error:
            skipped.append(listed(candidate.name, error, FILE if candidate.read else ROW))
        reporter.progress((number + 1) / len(plan.candidates))
    return made, skipped


def _made(writer: VersionWriter, candidate: Candidate, skip: dict[str, str]) -> Made:
    if candidate.name in skip:
        raise Unreadable(skip[candidate.name])
    return make(writer, candidate)


def _head(plan: Plan, split_rule: str) -> dict[str, Any]:
    kind = TASKS[plan.task].kind
    head = {"task": plan.task, "kind": kind, "classes": plan.classes, "split_rule": split_rule, **plan.head}
    return head | ({"multi": True} if plan.multi else {})


def _refuse_nothing(made: list[Made], skipped: list[dict]) -> None:
    if not made and skipped:
        raise _first_reason(gettext_noop("None of it can be read. The first is '%(name)s': %(reason)s"), skipped)
    if not made:
        raise Refused(gettext_noop("There is nothing in it that could be learnt from."))


def _refuse_untrained_classes(classes: list[str], made: list[Made]) -> None:
    """Every class must be there to be learnt. (Several labels or boxes an item cannot be held to that.)"""
    filled = {one.item.target["label"] for one in made}
    trained = {one.item.target["label"] for one in made if one.item.split == "train"}
    for index, name in enumerate(classes):
        if index not in filled:
            sentence = gettext_noop("The class '%(label)s' has no example that can be read. Add some or leave it out.")
            raise Refused(sentence, label=name)
        if index not in trained:
            raise Refused(gettext_noop("The class '%(label)s' has no example in the train split."), label=name)


def _refuse_no_boxes(made: list[Made]) -> None:
    if not any(one.item.target["boxes"] for one in made if one.item.split == "train"):
        sentence = gettext_noop("No picture of the train split has a box that can be used: there is nothing to learn.")
        raise Refused(sentence)


def _first_reason(sentence: str, skipped: list[dict]) -> Refused:
    first = skipped[0]
    return Refused(sentence, name=first["name"], reason=first["reason"] % first["params"])
