"""What steps for tables share: they look at the train split, if there is something to learn, then change columns."""

from dataclasses import dataclass
from typing import Any, ClassVar

from contract.problems import Problem, gettext_noop
from recipes.context import Context
from recipes.steps.base import TABLE, Step, is_list_of, is_name
from recipes.table import Table

WRONG_COLUMNS = gettext_noop("Expected a list of names of columns.")
NO_COLUMN = gettext_noop("There is no column '%(name)s' at this step. There are: %(names)s.")


@dataclass(frozen=True)
class TableStep(Step):
    kinds: ClassVar[tuple[str, ...]] = (TABLE,)

    def start(self) -> Any:
        """What `learn` fills; None for a step that learns nothing."""
        return None

    def learn(self, learned: Any, table: Table) -> None:
        """Look at a piece of the train split, as the steps before leave it."""

    def apply(self, table: Table, learned: Any, context: Context) -> Table:
        """`table` changed. With nothing learned yet, no rows come and the columns have to be right."""
        raise NotImplementedError

    def problems(self, table: Table, path: str) -> list[Problem]:
        """What keeps this step from working on columns like these (there are no rows)."""
        return []


def check_columns(value: Any) -> str:
    """A list of names (one at least), as a sentence of `check_value`."""
    return "" if is_list_of(is_name, value) and value else WRONG_COLUMNS


def absent(table: Table, names: tuple[str, ...], path: str, parameter: str = "columns") -> list[Problem]:
    """A problem for each of `names` that the table has not."""
    known = ", ".join(table.names[:50])
    return [
        Problem(f"{path}.{parameter}", NO_COLUMN, {"name": name, "names": known})
        for name in names
        if name not in table.names
    ]
