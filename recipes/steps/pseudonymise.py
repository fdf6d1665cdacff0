"""Pseudonymise: the same identifier becomes the same pseudonym, which nobody without the project's key can make."""

import hmac
from dataclasses import dataclass
from typing import Any, ClassVar

from contract.problems import Problem, gettext_noop
from recipes.context import Context
from recipes.personal_data import find, replaced
from recipes.steps.base import TABLE, TEXT, TextStep
from recipes.steps.redact import check_personal, with_names
from recipes.steps.table import TableStep, absent, whole_values
from recipes.table import Table

PSEUDONYM_BYTES = 16
IN_COLUMNS = gettext_noop("Replace every value of %(columns)s by a pseudonym (with the project's key).")
IN_TEXT = gettext_noop("Replace personal data (%(what)s) by pseudonyms (with the project's key).")


@dataclass(frozen=True)
class Pseudonymise(TextStep, TableStep):
    """HMAC-SHA-256 with the project's key, 128 bits: in texts of whatever is found, in tables of whole values."""

    name: ClassVar[str] = "pseudonymise"
    about: ClassVar[str] = gettext_noop("Replace what is personal by codes that are the same wherever the same stood.")
    kinds: ClassVar[tuple[str, ...]] = (TEXT, TABLE)
    private: ClassVar[tuple[str, ...]] = ("names",)
    sentence: ClassVar[str] = IN_TEXT
    protects: ClassVar[str] = gettext_noop("Who is who; joins inside the project still work.")
    does_not_protect: ClassVar[str] = gettext_noop(
        "Links by other columns, how often a pseudonym comes; and whoever holds the key can try values until one fits."
    )
    what: tuple[str, ...] = ("email", "phone", "ip", "iban", "card", "chinese-id", "url", "token")
    names: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "what", with_names(self.what, self.names))

    @property
    def keyed(self) -> bool:
        return True

    @classmethod
    def check_value(cls, name: str, value: Any) -> str:
        return check_personal(name, value)

    def words(self) -> tuple[str, dict[str, Any]]:
        if self.columns:
            return IN_COLUMNS, {"columns": ", ".join(self.columns)}
        return IN_TEXT, {"what": ", ".join(self.what)}

    def problems(self, table: Table, path: str) -> list[Problem]:
        if not self.columns:
            return [Problem(f"{path}.columns", gettext_noop("Name the columns whose values become pseudonyms."))]
        return absent(table, self.columns, path)

    def rewrite(self, text: str, context: Context) -> str:
        found = find(text, self.what, self.names)
        for item in found:
            context.count(item.kind)
        return replaced(text, found, lambda item, words: f"<{item.kind.upper()}:{_pseudonym(words, context)}>")

    def transform(self, table: Table, learned: Any, context: Context) -> Table:
        def changed(value: str) -> str:
            context.count("values")
            return _pseudonym(value, context)

        return whole_values(table, self.columns, changed)


def _pseudonym(text: str, context: Context) -> str:
    return hmac.digest(context.key, b"pseudonym:" + text.encode("utf-8", "replace"), "sha256")[:PSEUDONYM_BYTES].hex()
