"""Drop columns: what is not there cannot be learned, and not be read."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from contract.problems import Problem, gettext_noop
from recipes.context import Context
from recipes.steps.table import TableStep, absent, check_columns
from recipes.table import Table


@dataclass(frozen=True)
class DropColumns(TableStep):
    name: ClassVar[str] = "drop-columns"
    about: ClassVar[str] = gettext_noop("Leave columns out.")
    sentence: ClassVar[str] = gettext_noop("Leave out the columns %(columns)s.")
    protects: ClassVar[str] = gettext_noop("The values of these columns: they are not in the prepared data.")
    does_not_protect: ClassVar[str] = gettext_noop("What other columns tell about the values that are gone.")
    columns: tuple[str, ...]

    @classmethod
    def check_value(cls, name: str, value: Any) -> str:
        return check_columns(value)

    def words(self) -> tuple[str, dict[str, Any]]:
        return self.sentence, {"columns": ", ".join(self.columns)}

    def problems(self, table: Table, path: str) -> list[Problem]:
        return absent(table, self.columns, path)

    def transform(self, table: Table, learned: Any, context: Context) -> Table:
        kept = tuple(column for column in table.columns if column.name not in self.columns)
        return replace(table, columns=kept)
