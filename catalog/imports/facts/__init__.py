"""What a version consists of, counted once at import: pages, checks and the default recipe read it from the row."""

from collections import Counter
from typing import Any

from catalog.imports.copies import find_copies
from catalog.imports.facts import pictures, rows, texts
from catalog.imports.items import Made
from catalog.imports.plan import Plan
from recipes.version import SPLITS, Item

MOST_LISTED = 1000
KINDS = {"image": pictures.facts, "text": texts.facts, "table": rows.facts}


def describe(plan: Plan, head: dict[str, Any], made: list[Made], skipped: list[dict[str, Any]]) -> dict[str, Any]:
    """{"schema": …, "splits": …} as `catalog.models.DatasetVersion` keeps them."""
    items = [one.item for one in made]
    schema = {
        "kind": head["kind"],
        "task": head["task"],
        "classes": head["classes"],
        "items": len(items),
        "split_rule": head["split_rule"],
        "layout": plan.layout,
        "why": plan.why,
        "why_params": plan.why_params,
        "detected": plan.detected,
        "unreadable": skipped[:MOST_LISTED],
        "unreadable_count": len(skipped),
        "unreadable_of": dict(sorted(Counter(one["of"] for one in skipped).items())),
        "ignored": plan.ignored,
        **find_copies(head["kind"], made),
        **KINDS[head["kind"]](head, made),
    }
    if plan.multi:
        schema["multi"] = True
    return {"schema": schema, "splits": {split: _counted(split, head["classes"], items) for split in SPLITS}}


def _counted(split: str, classes: list[str], items: list[Item]) -> dict[str, Any]:
    """Items of a split, and how often each class occurs in it (boxes, where items hold boxes)."""
    inside = [item for item in items if item.split == split]
    labels = Counter(label for item in inside for label in labels_of(item.target))
    return {"count": len(inside), "classes": {name: labels[index] for index, name in enumerate(classes)}}


def labels_of(target: dict[str, Any]) -> list[int]:
    """The numbers of the classes that a target names."""
    if "label" in target:
        return [target["label"]]
    return target.get("labels") or [box[4] for box in target.get("boxes", ())]
