"""The samples behind the rows of a measurement: what was shown to the model, what is true, what it answered."""

from typing import Any

from django.urls import reverse

from catalog.queries import items_at
from catalog.queries.row_items import items_of_rows
from contract.tasks import TASKS
from results.answers import ROWS_A_PAGE, Answers, Wanted
from results.models import Measurement

NUMBERS = ("loss", "confidence")
LONGEST_TEXT = 2000


def page_of(measurement: Measurement, wanted: Wanted) -> dict[str, Any]:
    """{"items", "page", "pages", "count"}; a page that is not there gives the nearest one."""
    answers = Answers(measurement)
    rows = answers.wanted(wanted)
    pages = max(1, -(-len(rows) // ROWS_A_PAGE))
    page = min(max(1, wanted.page), pages)
    shown = rows[(page - 1) * ROWS_A_PAGE : page * ROWS_A_PAGE]
    return {"items": samples(measurement, answers, shown), "page": page, "pages": pages, "count": len(rows)}


def samples(measurement: Measurement, answers: Answers, rows: list[int]) -> list[dict[str, Any]]:
    """row, true, said, loss, confidence; and, by kind of data, image (its address), its size and boxes (of the
    worst pictures), text, or values."""
    manifest, pictures = measurement.prepared.manifest, TASKS[measurement.job.task].kind == "image"
    content = {} if pictures else _contents(measurement, rows)
    return [
        {
            "row": row,
            "true": _named(manifest, answers.value("true", row)),
            "said": _named(manifest, answers.value("answer", row) if "true" in answers.columns else None),
            **{name: answers.value(name, row) for name in NUMBERS},
            **(_picture(measurement, answers, row) if pictures else content.get(row, {})),
        }
        for row in rows
    ]


def _named(manifest: dict[str, Any], value: Any) -> Any:
    """A class by its name; a number as it is."""
    classes = manifest.get("classes") or []
    return classes[value] if isinstance(value, int) and 0 <= value < len(classes) else value


def _picture(measurement: Measurement, answers: Answers, row: int) -> dict[str, Any]:
    manifest, found = measurement.prepared.manifest, answers.pictures.get(str(row))
    _channels, height, width = manifest["input"]["shape"]
    picture: dict[str, Any] = {
        "image": reverse("measured_row_image", args=(measurement.pk, row)),
        "width": width,
        "height": height,
    }
    if found:
        picture["boxes"] = {kind: [_box(manifest, *box) for box in found[kind]] for kind in ("true", "said")}
    return picture


def _box(manifest: dict[str, Any], label: int, *rest: Any) -> dict[str, Any]:
    """In pixels of the picture; of a said one also its score, and whether it hits a true one."""
    left, top, right, bottom, *said = rest
    where = {"x": left, "y": top, "width": round(right - left, 1), "height": round(bottom - top, 1)}
    return {"class": _named(manifest, label), **where} | dict(zip(("score", "hit"), said, strict=False))


def _contents(measurement: Measurement, rows: list[int]) -> dict[int, dict[str, Any]]:
    """Texts and values of the items that these rows are; nothing where rows are made of several items."""
    prepared = measurement.prepared
    numbers = items_of_rows(prepared, measurement.split)
    if not numbers:
        return {}
    items = items_at(prepared.version, [numbers[row] for row in rows])
    return {row: _content(items[numbers[row]]) for row in rows if numbers[row] in items}


def _content(item: Any) -> dict[str, Any]:
    said = item.data.get("text") or "\n".join(
        f"{message['role']}: {message['content']}" for message in item.data.get("messages", [])
    )
    if said:
        return {"name": item.name, "text": said[:LONGEST_TEXT]}
    return {"name": item.name, "values": item.data.get("values", [])}
