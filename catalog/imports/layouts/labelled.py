"""What the rows of a list of files say: label, several labels, split."""

from typing import Any

from catalog.imports.bundle import Entry
from catalog.imports.layouts import files
from catalog.imports.options import Options
from catalog.imports.plan import listed
from catalog.imports.tables import values
from catalog.imports.tables.roles import LABEL_NAMES
from catalog.imports.tables.table import Table, is_missing
from contract.problems import gettext_noop
from recipes.images import Unreadable
from recipes.sandbox.inside import Refused


def column(table: Table, file_column: str, options: Options) -> str:
    """The column of labels in a list of files. Raises Refused when it is not clear which one it is."""
    others = [name for name in table.names if name != file_column]
    by_word = {name.casefold(): name for name in others}
    if options.label_column and options.label_column not in others:
        sentence = gettext_noop("There is no column '%(name)s'. The columns are: %(known)s.")
        raise Refused(sentence, name=options.label_column, known=", ".join(others[:30]))
    named = next((by_word[word] for word in LABEL_NAMES if word in by_word), "")
    label = options.label_column or named or (others[0] if len(others) == 1 else "")
    if not label:
        sentence = gettext_noop("It is not clear which column of the list is the label. The columns are: %(known)s.")
        raise Refused(sentence, known=", ".join(others[:30]))
    return label


def labels(value: Any) -> list[str]:
    """All labels that a value names."""
    several = value if isinstance(value, list) else [value]
    return [text for one in several if not is_missing(one) and (text := values.text(one))]


def splits(table: Table) -> list[str]:
    """The split of each row, "" where none is given."""
    by_word = {name.casefold(): name for name in table.names}
    if "split" not in by_word:
        return [""] * len(table.rows)
    return [files.SPLIT_NAMES.get(str(value).strip().casefold(), "") for value in table.column(by_word["split"])]


def unnamed(pictures: list[Entry], named: set[str]) -> list[dict[str, Any]]:
    """Pictures that lie there and stand in no row, as a plan lists what it leaves out."""
    names = {entry.name for entry in pictures} - named
    sentence = gettext_noop("The list does not name this picture.")
    return [listed(name, Unreadable(sentence)) for name in sorted(names)]


def refuse_too_few(classes: list[str], label: str) -> None:
    if len(classes) < 2:
        sentence = gettext_noop("The column '%(name)s' holds only one class. A classification needs at least two.")
        raise Refused(sentence, name=label)
