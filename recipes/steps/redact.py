"""Redact: personal data in words is replaced by what kind it was."""

from dataclasses import dataclass
from typing import Any, ClassVar

from contract.problems import Problem, gettext_noop
from recipes.context import Context
from recipes.personal_data import KINDS, MOST_NAMES, find, replaced
from recipes.steps.base import TABLE, TEXT, TextStep, is_list_of, is_name
from recipes.steps.table import TableStep, absent, check_columns, each_word
from recipes.table import Table

ALL_KINDS = (*KINDS, "name")
TAG, MASK = "tag", "mask"
SEARCHED, CHANGED, NOTHING_IN = "searched ", "changed ", "nothing_found_in"
FOUND_NOTHING = gettext_noop(
    "Nothing was found in %(columns)s: whatever stands there is still there, names of people too. If it is personal, "
    "drop the column ('drop-columns'), make pseudonyms of it ('pseudonymise'), or give the names ('names')."
)
WRONG_KINDS = gettext_noop("Expected a list of these: email, phone, ip, iban, card, chinese-id, url, token, name.")
WRONG_NAMES = gettext_noop("Expected a list of at most 1000 names.")


def with_names(what: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    """The kinds that are looked for: whoever gives names wants them found."""
    return (*what, "name") if names and "name" not in what else what


def check_personal(name: str, value: Any) -> str:
    """What is wrong with a parameter that `redact` and `pseudonymise` share."""
    if name == "what":
        return "" if is_list_of(lambda kind: kind in ALL_KINDS, value) and value else WRONG_KINDS
    if name == "names":
        return "" if is_list_of(is_name, value) and len(value) <= MOST_NAMES else WRONG_NAMES
    return "" if value in ((), []) else check_columns(value)


@dataclass(frozen=True)
class Redact(TextStep, TableStep):
    """In texts everywhere; in tables in `columns` of words, or in all of them when none is named."""

    name: ClassVar[str] = "redact"
    about: ClassVar[str] = gettext_noop(
        "Replace e-mail addresses, phone numbers, names and the like by a tag or by asterisks."
    )
    choices: ClassVar[dict[str, tuple[str, ...]]] = {"by": (TAG, MASK)}
    kinds: ClassVar[tuple[str, ...]] = (TEXT, TABLE)
    private: ClassVar[tuple[str, ...]] = ("names",)
    sentence: ClassVar[str] = gettext_noop("Replace personal data (%(what)s) by its kind.")
    protects: ClassVar[str] = gettext_noop("Plain identifiers: whoever reads the data does not see them.")
    does_not_protect: ClassVar[str] = gettext_noop(
        "Style of writing, rare facts, misspelt identifiers, names that are not in your list."
    )
    what: tuple[str, ...] = ("email", "phone", "ip", "iban", "card", "chinese-id", "url", "token")
    names: tuple[str, ...] = ()
    """of people and places, which put "name" into `what`; they stay on the server"""
    columns: tuple[str, ...] = ()
    by: str = TAG
    """tag: <EMAIL>; mask: as many * as there were characters"""

    def __post_init__(self) -> None:
        object.__setattr__(self, "what", with_names(self.what, self.names))

    @classmethod
    def check_value(cls, name: str, value: Any) -> str:
        if name == "by":
            return "" if value in (TAG, MASK) else gettext_noop("Expected 'tag' or 'mask'.")
        return check_personal(name, value)

    def words(self) -> tuple[str, dict[str, Any]]:
        return self.sentence, {"what": ", ".join(self.what)}

    def problems(self, table: Table, path: str) -> list[Problem]:
        numbers = [column.name for column in table.columns if column.name in self.columns and not column.is_words]
        sentence = gettext_noop("Column '%(name)s' holds numbers: drop it, or make pseudonyms of it.")
        wrong = [Problem(f"{path}.columns", sentence, {"name": name}) for name in numbers]
        return absent(table, self.columns, path) or wrong

    def rewrite(self, text: str, context: Context) -> str:
        found = find(text, self.what, self.names)
        for item in found:
            context.count(item.kind)
        return replaced(
            text, found, lambda item, words: f"<{item.kind.upper()}>" if self.by == TAG else "*" * len(words)
        )

    def transform(self, table: Table, learned: Any, context: Context) -> Table:
        def changed(column: str, text: str) -> str:
            new = self.rewrite(text, context)
            context.count(f"{SEARCHED}{column}")
            context.count(f"{CHANGED}{column}", int(new != text))
            return new

        return each_word(table, self.columns, changed)

    def account(self, counts: dict[str, int], classes: list[str]) -> dict[str, Any]:
        """How often each kind was found, and under NOTHING_IN the columns in which none was."""
        kinds = {name: count for name, count in counts.items() if not name.startswith((SEARCHED, CHANGED))}
        searched = [name.removeprefix(SEARCHED) for name in counts if name.startswith(SEARCHED)]
        nothing = sorted(name for name in searched if f"{CHANGED}{name}" not in counts)
        return kinds | ({NOTHING_IN: nothing} if nothing else {})

    @classmethod
    def caution(cls, report: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        nothing = report.get(NOTHING_IN)
        return (FOUND_NOTHING, {"columns": ", ".join(nothing)}) if nothing else ("", {})
