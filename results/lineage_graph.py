"""What a version was made from, as a graph: boxes with places, and the arrows between them. Pure."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

WIDTH, HEIGHT = 880, 204
BOX_WIDTH, BOX_HEIGHT = 190, 56
COLUMN, ROW = 230, 74
LONGEST = 20
"""characters that fit into a box"""


@dataclass(frozen=True)
class Box:
    """`x`, `y`: of its upper left corner."""

    key: str
    caption: str
    text: str
    x: int
    y: int
    url: str = ""


@dataclass(frozen=True)
class Arrow:
    """From the right side of one box to the left side of another."""

    x1: int
    y1: int
    x2: int
    y2: int


ARROWS = (("data", "recipe"), ("recipe", "job"), ("model", "job"), ("code", "job"), ("job", "version"))


def graph(facts: dict[str, Any]) -> dict[str, Any]:
    """Of `queries.version_json`: boxes, arrows and the size of the drawing."""
    boxes = {box.key: box for box in _boxes(facts)}
    arrows = [_arrow(boxes[tail], boxes[head]) for tail, head in ARROWS]
    return {"boxes": list(boxes.values()), "arrows": arrows, "width": WIDTH, "height": HEIGHT}


def _boxes(facts: dict[str, Any]) -> list[Box]:
    made, job = facts["lineage"], facts["job"]
    data, source = made["dataset"], made["source_job"]
    steps = " → ".join(step["step"] for step in made["recipe"]) or _("none")
    model = _("result of job #%(number)s") % {"number": source} if source else _named(made["model"])
    code = f"{made['code'].get('version', '—')} {made['code'].get('commit', '')}".strip()
    data_url = f"/datasets/{data['slug']}/v/{data['version']}/"
    return [
        _box("data", _("Data"), f"{data['slug']} v{data['version']}", 0, 0, data_url),
        _box("recipe", _("Recipe"), steps, 1, 0),
        _box("model", _("Base model"), model, 1, 1, f"/jobs/{source}/" if source else ""),
        _box("code", _("Code"), code, 1, 2),
        _box("job", _("Job"), f"#{job}", 2, 1, f"/jobs/{job}/"),
        _box("version", _("Version"), f"{facts['name']} v{facts['version']}", 3, 1),
    ]


def _named(model: dict[str, Any]) -> str:
    return str(model.get("slug") or model["source"])


def _box(key: str, caption: str, text: str, column: int, row: int, url: str = "") -> Box:
    shown = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    return Box(key, caption, shown, column * COLUMN, row * ROW, url)


def _arrow(tail: Box, head: Box) -> Arrow:
    middle = BOX_HEIGHT // 2
    return Arrow(tail.x + BOX_WIDTH, tail.y + middle, head.x, head.y + middle)
