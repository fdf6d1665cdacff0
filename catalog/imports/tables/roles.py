"""Which column is what: the task of a table, what is learnt from and what is to be learnt."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from catalog.imports.layouts.files import SPLIT_NAMES
from catalog.imports.options import Options
from catalog.imports.tables.columns import Column
from catalog.imports.tables.table import Table, is_missing
from contract.problems import gettext_noop
from recipes.sandbox.inside import Refused

LABEL_NAMES = ("label", "labels", "class", "target", "category", "y", "sentiment", "species", "outcome", "language")
TEXT_NAMES = ("text", "sentence", "content", "review", "comment", "message", "document", "body", "tweet")
MESSAGE_NAMES = ("messages", "conversations", "conversation")
PROMPT_NAMES = ("prompt", "instruction", "question", "query", "input")
ANSWER_NAMES = ("completion", "response", "answer", "output", "reply")
SPLIT_COLUMNS = ("split", "subset", "partition")
ROW_NUMBERS = ("id", "index", "unnamed: 0", "column 1")
MOST_WHOLE_CLASSES = 20
MOST_CLASSES = 10_000


@dataclass
class Roles:
    """Names of columns, "" for none. `why` is a sentence with placeholders for `why_params`."""

    task: str = ""
    messages: str = ""
    text: str = ""
    context: str = ""
    """the second half of a prompt (`input` beside `instruction`)"""
    label: str = ""
    split: str = ""
    group: str = ""
    left_out: list[str] = field(default_factory=list)
    why: str = ""
    why_params: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        named = {"text": self.text, "label": self.label, "messages": self.messages, "context": self.context}
        found: dict[str, Any] = {f"{role}_column": name for role, name in named.items() if name}
        found |= {f"{role}_column": name for role, name in (("split", self.split), ("group", self.group)) if name}
        return found | ({"left_out": self.left_out} if self.left_out else {})


def decide(table: Table, columns: dict[str, Column], options: Options) -> Roles:
    """Raises Refused when a column that was asked for is not there, or nothing is there to learn."""
    for asked in (options.label_column, options.text_column, options.group_column):
        if asked and asked not in columns:
            sentence = gettext_noop("There is no column '%(name)s'. The columns are: %(known)s.")
            raise Refused(sentence, name=asked, known=", ".join(list(columns)[:30]))
    split = _split_column(table, columns)
    left_out = [name for name in columns if _numbers_rows(columns[name], options) or columns[name].type == "empty"]
    used = [name for name in columns if name not in (*left_out, split, options.group_column)]
    roles = _dialogue(columns, used, options) or _texts(columns, used, options) or _features(columns, used, options)
    roles.split, roles.group, roles.left_out = split, options.group_column, left_out
    return roles


def _dialogue(columns: dict[str, Column], used: list[str], options: Options) -> Roles | None:
    """Conversations, prompts with answers, or nothing but text."""
    if options.task not in ("", "causal-lm"):
        return None
    messages = _named(used, MESSAGE_NAMES)
    if messages and columns[messages].type == "list":
        why = gettext_noop("The column '%(name)s' holds conversations.")
        return Roles("causal-lm", messages=messages, why=why, why_params={"name": messages})
    words = [name for name in used if columns[name].type in ("text", "category")]
    answer = options.label_column or _named(words, ANSWER_NAMES)
    prompt = options.text_column or _named([name for name in words if name != answer], PROMPT_NAMES)
    if prompt and answer and (options.task or answer.casefold() in ANSWER_NAMES):
        others = [name for name in used if name not in (prompt, answer)]
        context = _named(others, ("input", "context")) if prompt.casefold() == "instruction" else ""
        why = gettext_noop("The columns '%(prompt)s' and '%(answer)s' are prompts and answers.")
        params = {"prompt": prompt, "answer": answer}
        return Roles("causal-lm", text=prompt, context=context, label=answer, why=why, why_params=params)
    text = options.text_column or _named(used, TEXT_NAMES) or (used[0] if len(used) == 1 else "")
    if text and (options.task or (used == [text] and columns[text].type == "text")):
        why = gettext_noop("The column '%(name)s' is text to go on with.")
        return Roles("causal-lm", text=text, why=why, why_params={"name": text})
    if options.task:
        raise Refused(gettext_noop("No column looks like a prompt and its answer. Say which columns they are."))
    return None


def _texts(columns: dict[str, Column], used: list[str], options: Options) -> Roles | None:
    """A text and its class."""
    if options.task not in ("", "text-classification"):
        return None
    label = options.label_column or _named(used, LABEL_NAMES)
    text = options.text_column or _named([name for name in used if name != label], TEXT_NAMES)
    if len(used) == 2 and not (text and label):
        texts = [name for name in used if columns[name].type == "text" and name != label]
        text = text or (texts[0] if texts else "")
        label = label or next((name for name in used if name != text), "")
    if options.task and not (text and label):
        raise Refused(gettext_noop("It is not clear which column is the text and which its label. Say both columns."))
    if not (text and label) or columns[text].type not in ("text", "category") or not _names_classes(columns[label]):
        return None
    why = gettext_noop("The column '%(text)s' is text and '%(label)s' its class.")
    return Roles("text-classification", text=text, label=label, why=why, why_params={"text": text, "label": label})


def _features(columns: dict[str, Column], used: list[str], options: Options) -> Roles:
    """Everything else: columns, and one of them to be learnt."""
    if options.task not in ("", "tabular-classification", "tabular-regression"):
        sentence = gettext_noop("A table is not data for %(task)s.")
        raise Refused(sentence, task=options.task)
    if len(used) < 2:
        raise Refused(gettext_noop("The table needs at least two columns: one to learn from, and one to learn."))
    label = options.label_column or _named(used, LABEL_NAMES) or used[-1]
    if columns[label].type == "list":
        sentence = gettext_noop("The column '%(name)s' holds lists. A row has one label here: choose another column.")
        raise Refused(sentence, name=label)
    classes = _names_classes(columns[label])
    task = options.task or ("tabular-classification" if classes else "tabular-regression")
    if task == "tabular-classification":
        why = gettext_noop("The column '%(label)s' holds %(count)s classes; the other columns tell them apart.")
    else:
        why = gettext_noop("The column '%(label)s' holds numbers (%(count)s different ones); the others predict it.")
    return Roles(task, label=label, why=why, why_params={"label": label, "count": columns[label].distinct})


def _named(names: Iterable[str], known: tuple[str, ...]) -> str:
    """The first known name that is there, in any capitals."""
    by_word = {name.casefold().strip(): name for name in names}
    return next((by_word[word] for word in known if word in by_word), "")


def _names_classes(column: Column) -> bool:
    if column.type == "number":
        few = column.distinct <= max(2, column.count // 5)
        return column.is_whole and few and column.distinct <= MOST_WHOLE_CLASSES
    return column.type in ("category", "boolean", "text")


def _split_column(table: Table, columns: dict[str, Column]) -> str:
    """A column that names a split in every row."""
    name = _named(columns, SPLIT_COLUMNS)
    if not name or columns[name].type != "category" or columns[name].missing:
        return ""
    words = {str(value).strip().casefold() for value in table.column(name) if not is_missing(value)}
    return name if words <= SPLIT_NAMES.keys() else ""


def _numbers_rows(column: Column, options: Options) -> bool:
    """A running number says nothing about its row."""
    asked = column.name in (options.label_column, options.text_column, options.group_column)
    return column.name.casefold() in ROW_NUMBERS and column.is_whole and column.is_unique and not asked
