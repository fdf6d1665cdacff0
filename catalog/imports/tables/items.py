"""Rows of a table as candidates, by the task of the table. A row without its label is left out and listed."""

import json
from collections.abc import Callable
from typing import Any

from catalog.imports.layouts.files import SPLIT_NAMES
from catalog.imports.plan import ROW, Candidate, class_order, listed
from catalog.imports.tables import values
from catalog.imports.tables.columns import MOST_CATEGORIES, Column
from catalog.imports.tables.roles import MOST_CLASSES, Roles
from catalog.imports.tables.table import Table
from contract.problems import gettext_noop
from recipes.images import Unreadable
from recipes.sandbox.inside import Refused

ROLES_OF_SPEAKERS = {"user": "user", "human": "user", "system": "system", "assistant": "assistant", "gpt": "assistant"}
NO_LABEL = gettext_noop("The row has no label.")
Row = dict[str, Any]


class Items:
    """`classes`, and `candidates()`; `skipped` grows while they are made."""

    def __init__(self, table: Table, columns: dict[str, Column], roles: Roles, decimal: str):
        self._table, self._columns, self._roles, self._decimal = table, columns, roles, decimal
        self.skipped: list[dict[str, Any]] = []
        self.features = [name for name in table.names if name not in _set_apart(roles)]
        self.classes = self._class_names() if roles.task.endswith("classification") else []
        self._numbers = {name: number for number, name in enumerate(self.classes)}

    def candidates(self, splits: list[str]) -> list[Candidate]:
        made = []
        make = self._maker()
        for name, values_of_row, split in zip(self._table.row_names, self._table.rows, splits, strict=True):
            row = dict(zip(self._table.names, values_of_row, strict=True))
            try:
                data, target = make(row)
            except Unreadable as error:
                self.skipped.append(listed(name, error, ROW))
                continue
            group = values.text(row[self._roles.group]) or "" if self._roles.group else ""
            made.append(Candidate(name, target, self._split(row) or split, group, data=data))
        return made

    def head(self) -> list[dict[str, Any]]:
        """The columns that are learnt from, as version.json tells them."""
        return [self._column_head(name) for name in self.features]

    def _maker(self) -> Callable[[Row], tuple[dict[str, Any], dict[str, Any]]]:
        return {
            "text-classification": self._text,
            "causal-lm": self._dialogue,
            "tabular-classification": self._classified,
            "tabular-regression": self._measured,
        }[self._roles.task]

    def _text(self, row: Row):
        return {"text": _some_text(row[self._roles.text])}, self._label(row)

    def _dialogue(self, row: Row):
        if self._roles.messages:
            return {"messages": _messages(row[self._roles.messages])}, {}
        prompt = _some_text(row[self._roles.text])
        if not self._roles.label:
            return {"messages": [{"role": "assistant", "content": prompt}]}, {}
        context = values.text(row[self._roles.context]) if self._roles.context else None
        asked = f"{prompt}\n{context}" if context else prompt
        answer = _some_text(row[self._roles.label])
        return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]}, {}

    def _classified(self, row: Row):
        return {"values": [self._value(name, row[name]) for name in self.features]}, self._label(row)

    def _measured(self, row: Row):
        if values.text(row[self._roles.label]) is None:
            raise Unreadable(NO_LABEL)
        measured = values.number(row[self._roles.label], self._decimal)
        if measured is None:
            raise Unreadable(gettext_noop("'%(column)s' is no number here."), column=self._roles.label)
        return {"values": [self._value(name, row[name]) for name in self.features]}, {"value": float(measured)}

    def _label(self, row: Row) -> dict[str, int]:
        label = values.text(row[self._roles.label])
        if label is None:
            raise Unreadable(NO_LABEL)
        return {"label": self._numbers[label]}

    def _value(self, name: str, value: Any) -> Any:
        kind = self._columns[name].type
        if kind == "number":
            return values.number(value, self._decimal)
        if kind == "boolean":
            return values.yes_or_no(value)
        return json.dumps(value, sort_keys=True, default=str) if isinstance(value, list | dict) else values.text(value)

    def _split(self, row: Row) -> str:
        return SPLIT_NAMES[str(row[self._roles.split]).strip().casefold()] if self._roles.split else ""

    def _class_names(self) -> list[str]:
        found = {label for value in self._table.column(self._roles.label) if (label := values.text(value)) is not None}
        if len(found) > MOST_CLASSES:
            sentence = gettext_noop("The column '%(name)s' holds %(count)s different values: too many to be classes.")
            raise Refused(sentence, name=self._roles.label, count=len(found))
        if len(found) < 2:
            sentence = gettext_noop("The column '%(name)s' holds only one class. A classification needs at least two.")
            raise Refused(sentence, name=self._roles.label)
        return class_order(found)

    def _column_head(self, name: str) -> dict[str, Any]:
        column = self._columns[name]
        kind = "text" if column.type == "list" else column.type
        head: dict[str, Any] = {"name": name, "type": kind, "missing": column.missing}
        if kind == "category":
            found = {text for value in self._table.column(name) if (text := values.text(value)) is not None}
            head["values"] = sorted(found)[:MOST_CATEGORIES]
        return head


def _set_apart(roles: Roles) -> set[str]:
    return {roles.label, roles.split, roles.group, *roles.left_out}


def _some_text(value: Any) -> str:
    text = values.text(value)
    if not text:
        raise Unreadable(gettext_noop("The text is empty."))
    return text


def _messages(value: Any) -> list[dict[str, str]]:
    """Of {"role", "content"}, or {"from", "value"} as some tools write them."""
    found = []
    for message in value if isinstance(value, list) else []:
        said = message if isinstance(message, dict) else {}
        role = ROLES_OF_SPEAKERS.get(str(said.get("role", said.get("from", ""))))
        content = said.get("content", said.get("value"))
        if role is None or not isinstance(content, str):
            raise Unreadable(gettext_noop("A message needs a role (user, system or assistant) and a content."))
        found.append({"role": role, "content": content})
    if not any(message["role"] == "assistant" for message in found):
        raise Unreadable(gettext_noop("The conversation holds no answer of the assistant."))
    return found
