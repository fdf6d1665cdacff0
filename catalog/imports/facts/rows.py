"""Columns of a table: range of numbers, most frequent values, what is missing; and the values to be learnt."""

from collections import Counter
from typing import Any

from catalog.imports.facts.numbers import summary
from catalog.imports.items import Made

MOST_TOP = 10


def facts(head: dict[str, Any], made: list[Made]) -> dict[str, Any]:
    columns = [
        {name: value for name, value in column.items() if name != "values"} | _of_column(column, index, made)
        for index, column in enumerate(head["columns"])
    ]
    found: dict[str, Any] = {"columns": columns, "target_name": head["target_name"]}
    if head["task"] == "tabular-regression":
        found["values"] = summary([one.item.target["value"] for one in made])
    return found


def _of_column(column: dict[str, Any], index: int, made: list[Made]) -> dict[str, Any]:
    values = [value for one in made if (value := one.item.data["values"][index]) is not None]
    found: dict[str, Any] = {"missing": len(made) - len(values)}
    if column["type"] == "number":
        found |= summary(values)
        found["mean"] = sum(values) / len(values) if values else None
    else:
        counts = Counter(map(str, values))
        found["distinct"] = len(counts)
        if column["type"] != "text":
            found["top"] = [[value, count] for value, count in counts.most_common(MOST_TOP)]
    return found
