"""The datasets that come with the libraries: brought into the shape of files or tables, imported like anybody's."""

from collections.abc import Callable
from functools import partial

from catalog.imports import builtin_pictures, builtin_tables
from catalog.imports.layouts.table_files import plan_of
from catalog.imports.options import Options
from catalog.imports.plan import Candidate, Plan, class_order
from catalog.imports.tables.table import Table
from contract.problems import gettext_noop

PICTURES = {"mnist-5k": builtin_pictures.mnist_5k, "digits-8x8": builtin_pictures.digits_8x8}
TABLES: dict[str, Callable[[], Table]] = {
    "django-languages": builtin_tables.django_languages,
    "breast-cancer": builtin_tables.breast_cancer,
    "diabetes": builtin_tables.diabetes,
}
WHY = gettext_noop("This set comes with Fleetune.")


def builtin_plan(name: str) -> Plan:
    if name in TABLES:
        table = TABLES[name]()
        plan = plan_of(table, [""] * len(table.rows), Options())
        plan.layout, plan.why, plan.why_params = "builtin", WHY, {}
        return plan
    return _canvases() if name == "digits-canvas" else _classified(name)


def _classified(name: str) -> Plan:
    pictures = list(PICTURES[name]())
    classes = class_order({label for label, _ in pictures})
    candidates = [
        Candidate(f"{label}/{number:05}.png", {"label": classes.index(label)}, read=partial(bytes, data))
        for number, (label, data) in enumerate(pictures)
    ]
    return Plan("builtin", "image-classification", candidates, classes, WHY)


def _canvases() -> Plan:
    candidates = [
        Candidate(f"{number:05}.png", read=partial(bytes, data), boxes=boxes)
        for number, (data, boxes) in enumerate(builtin_pictures.digits_canvas())
    ]
    return Plan("builtin", "object-detection", candidates, [str(digit) for digit in range(10)], WHY)
