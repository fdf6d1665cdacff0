"""A table, or several of one shape (train.csv, test.csv): texts with classes, prompts with answers, or columns."""

from typing import Any

from catalog.imports.bundle import Bundle
from catalog.imports.layouts import files
from catalog.imports.options import Options
from catalog.imports.plan import Plan
from catalog.imports.tables.columns import decimal_of, describe
from catalog.imports.tables.items import Items
from catalog.imports.tables.reading import joined, read_table, table_files
from catalog.imports.tables.roles import decide
from catalog.imports.tables.table import Table


class TableFiles:
    name = "table"

    def plan(self, bundle: Bundle, options: Options) -> Plan | None:
        entries = files.kept(bundle)
        if files.pictures(entries):
            return None
        found = table_files(entries) or (entries if len(entries) == 1 and len(entries[0].parts) == 1 else [])
        if not found:
            return None
        found.sort(key=lambda entry: entry.parts)
        table, splits = joined([(entry, read_table(bundle, entry, options)) for entry in found])
        return plan_of(table, splits, options)


def plan_of(table: Table, splits: list[str], options: Options) -> Plan:
    decimal = decimal_of(table, options.decimal)
    columns = describe(table, decimal)
    roles = decide(table, columns, options)
    items = Items(table, columns, roles, decimal)
    candidates = items.candidates(splits)
    head: dict[str, Any] = {}
    if roles.task.startswith("tabular"):
        head = {"columns": items.head(), "target_name": roles.label}
    detected = table.detected | roles.to_json() | {"decimal": "comma" if decimal == "," else "point"}
    detected["columns"] = [
        {"name": column.name, "type": column.type, "missing": column.missing, "distinct": column.distinct}
        for column in columns.values()
    ]
    return Plan(
        "table",
        roles.task,
        candidates,
        items.classes,
        roles.why,
        roles.why_params,
        skipped=table.skipped + items.skipped,
        head=head,
        detected=detected,
    )
