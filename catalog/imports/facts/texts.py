"""Lengths of texts, in characters."""

from typing import Any

from catalog.imports.copies import text_of
from catalog.imports.facts.numbers import summary
from catalog.imports.items import Made


def facts(head: dict[str, Any], made: list[Made]) -> dict[str, Any]:
    found: dict[str, Any] = {"lengths": summary([len(text_of(one.item.data)) for one in made])}
    if head["task"] == "causal-lm":
        found["turns"] = summary([len(one.item.data["messages"]) for one in made])
    return found
