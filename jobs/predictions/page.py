"""What the card and the page of *Try it* show: a form that fits the data, and an answer in words and shapes."""

from typing import Any

from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import may
from catalog.models import DatasetVersion
from catalog.queries import samples
from config.formats import percent
from contract.problems import Problem
from devices.queries import online
from jobs.models import Job
from jobs.predictions.answers import KEPT_S, Told
from jobs.predictions.given import MOST_CHARACTERS, MOST_IMAGE_BYTES
from jobs.predictions.subject import Nothing, newest

SHOWN_SAMPLES = 8
FEW_ITEMS = 20_000
"""items are stored by split: to find those of the test split, all before them are read"""


def form(job: Job, actor: User, asked: dict[str, Any]) -> dict[str, Any]:
    """What there is to fill in, as it was `asked` before, and which weights answer."""
    version = job.version
    shown = _samples(version) if may(actor, "see_raw", version.dataset) else []
    first = shown[0]["data"]["values"] if version.schema["kind"] == "table" and shown else []
    return {
        "job": job,
        "kind": version.schema["kind"],
        "speaks": version.schema["task"] == "causal-lm",
        "samples": [_named(sample) for sample in shown],
        "columns": _columns(version, first, asked.get("row", {})),
        "asked": asked,
        "devices": online(),
        "limits": {"characters": MOST_CHARACTERS, "megabytes": MOST_IMAGE_BYTES // 2**20, "minutes": KEPT_S // 60},
        **_who_answers(job),
    }


def answer(job: Job, told: Told) -> dict[str, Any]:
    """How far it is, and every part of the answer with its words."""
    said = told.prediction
    classes = [{**one, "share": percent(one["probability"])} for one in said.get("classes", [])]
    boxes = [{**one, "share": percent(one["score"]), **_corners(one["box"])} for one in said.get("boxes", [])]
    height, width = job.prepared.manifest["input"]["shape"][-2:] if told.picture else (0, 0)
    total = sum(told.seconds.values())
    return {
        "job": job,
        "told": told,
        "classes": classes,
        "boxes": boxes,
        "size": {"width": width, "height": height},
        "target": job.version.schema.get("target_name", ""),
        "milliseconds": {name: f"{1000 * seconds:.0f}" for name, seconds in (told.seconds | {"all": total}).items()},
    }


def problem(told: Problem) -> str:
    sentence = _(told.sentence) % told.params
    return f"{told.path.removeprefix('row.')}: {sentence}" if told.path.startswith("row.") else sentence


def _who_answers(job: Job) -> dict[str, Any]:
    try:
        return {"subject": newest(job), "nothing": ""}
    except Nothing as nothing:
        return {"subject": None, "nothing": str(nothing)}


def _samples(version: DatasetVersion) -> list[dict[str, Any]]:
    split = "test" if version.items <= FEW_ITEMS and version.splits.get("test", {}).get("count") else ""
    return samples(version, split)["items"][:SHOWN_SAMPLES]


def _named(sample: dict[str, Any]) -> dict[str, Any]:
    """A sample with the words by which it is clicked."""
    data = sample.get("data", {})
    asked = [message["content"] for message in data.get("messages", ()) if message["role"] != "assistant"]
    words = data.get("text") or next(iter(asked), "") or sample["name"]
    return sample | {"words": words}


def _columns(version: DatasetVersion, first: list[Any], asked: dict[str, str]) -> list[dict[str, Any]]:
    """Fields of a row: as filled in before, at first with a sample's values, so that one can begin by changing one."""
    columns = version.schema.get("columns", []) if version.schema["kind"] == "table" else []
    values = first or [""] * len(columns)
    return [
        {**column, "id": number, "value": asked.get(column["name"], "" if value is None else str(value))}
        for number, (column, value) in enumerate(zip(columns, values, strict=True))
    ]


def _corners(box: list[float]) -> dict[str, float]:
    left, top, right, bottom = box
    return {"x": left, "y": top, "width": right - left, "height": bottom - top}
