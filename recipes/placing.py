"""Where a new step goes among others: as late as the rules of order let it."""

from typing import Any

from recipes.context import Context
from recipes.fitting import Facts, text_order_problems
from recipes.recipe import order_problems
from recipes.steps import STEPS, TableStep
from recipes.steps.base import TABLE, TEXT, Step
from recipes.table import Table, table_of


def last_place(name: str, steps: list[dict[str, Any]], facts: Facts) -> int:
    """The last place among `steps` (of known names, maybe not finished) where the step `name` breaks no rule of order
    that holds without it; the end where there is none."""
    new, kinds = STEPS[name], [STEPS[part["step"]] for part in steps]
    latest = _last_with_columns(new, steps, facts) if facts.kind == TABLE and issubclass(new, TableStep) else len(steps)
    before = _wrong(kinds, facts.kind)
    for place in range(latest, -1, -1):
        if _wrong([*kinds[:place], new, *kinds[place:]], facts.kind) <= before:
            return place
    return len(steps)


def _wrong(kinds: list[type[Step]], kind: str) -> int:
    return len(order_problems(kinds, "")) + (len(text_order_problems(kinds)) if kind == TEXT else 0)


def _last_with_columns(new: type[TableStep], steps: list[dict[str, Any]], facts: Facts) -> int:
    """The last place where it can work on as many columns of the data as anywhere."""
    table = table_of(facts.columns, [])
    names, takes = table.names, []
    for part in steps:
        takes.append(_taken(new, table, names))
        parameters = {name: value for name, value in part.items() if name != "step"}
        if STEPS[part["step"]].check(parameters, ""):
            break
        step = STEPS[part["step"]].from_json(parameters)
        if isinstance(step, TableStep):
            if step.problems(table, ""):
                break
            table = step.transform(table, step.start(), Context())
    else:
        takes.append(_taken(new, table, names))
    return max(place for place, taken in enumerate(takes) if taken == max(takes))


def _taken(new: type[TableStep], table: Table, names: list[str]) -> int:
    """How many of the columns `names` it can be told to work on; 0 for a step that is told none."""
    by = next((parameter for parameter in ("columns", "column") if parameter in new.parameters()), "")
    tried = (new(**{by: (name,) if by == "columns" else name}) for name in names if by)
    return sum(not step.problems(table, "") for step in tried)
