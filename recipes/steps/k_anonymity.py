"""k-anonymity: how many rows are at least alike in the columns by which somebody could be picked out."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, ClassVar

from contract.problems import Problem, gettext_noop
from recipes.context import Context
from recipes.sandbox.inside import Refused
from recipes.steps.base import is_whole
from recipes.steps.table import TableStep, absent, check_columns
from recipes.table import Table

TOO_FEW = gettext_noop(
    "Only %(found)s rows are alike in %(columns)s; %(least)s are wanted. Generalise further, or drop a column."
)


@dataclass(frozen=True)
class KAnonymity(TableStep):
    """Counts over all splits, as the steps before leave the columns (Sweeney 2002). Changes nothing."""

    name: ClassVar[str] = "k-anonymity"
    about: ClassVar[str] = gettext_noop("Count how few rows share the same values in these columns. Changes nothing.")
    looks_at_all: ClassVar[bool] = True
    sentence: ClassVar[str] = gettext_noop("Count how many rows are alike in %(columns)s; refuse fewer than %(least)s.")
    protects: ClassVar[str] = gettext_noop(
        "Nobody stands out by these columns in a group smaller than the one counted."
    )
    does_not_protect: ClassVar[str] = gettext_noop(
        "People who can be picked out by other columns, and what all rows of a group have in common."
    )
    columns: tuple[str, ...]
    least: int = 1

    @classmethod
    def check_value(cls, name: str, value: Any) -> str:
        if name == "columns":
            return check_columns(value)
        return "" if is_whole(value, 1, 1_000_000) else gettext_noop("Expected a whole number from 1 to 1000000.")

    def words(self) -> tuple[str, dict[str, Any]]:
        return self.sentence, {"columns": ", ".join(self.columns), "least": self.least}

    def problems(self, table: Table, path: str) -> list[Problem]:
        return absent(table, self.columns, path)

    def start(self) -> Counter:
        return Counter()

    def learn(self, learned: Counter, table: Table) -> None:
        of = {column.name: column.values.tolist() for column in table.columns}
        rows = zip(*(map(str, of[name]) for name in self.columns), strict=True)  # str: a missing number equals another
        learned.update(rows)

    def report(self, learned: Counter) -> dict[str, int]:
        smallest = min(learned.values())
        if smallest < self.least:
            raise Refused(TOO_FEW, found=smallest, columns=", ".join(self.columns), least=self.least)
        return {"smallest_group": smallest, "groups": len(learned)}

    def transform(self, table: Table, learned: Any, context: Context) -> Table:
        return table
