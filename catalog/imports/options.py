"""What a user decides about an import; what is left open is detected."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from contract.problems import Invalid, Problem, gettext_noop, unknown
from contract.tasks import TASKS

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
DECIMALS = {"point": ".", "comma": ","}
UNREADABLE = ("drop", "stop")
LONGEST = 200


@dataclass(frozen=True)
class Options:
    """Every field is text; "" means: find out."""

    task: str = ""
    label_column: str = ""
    """what is to be learnt; for causal-lm the answers"""
    text_column: str = ""
    """what it is learnt from; for causal-lm the prompts"""
    group_column: str = ""
    """rows of one group stay in one split"""
    delimiter: str = ""
    decimal: str = ""
    encoding: str = ""
    unreadable: str = ""
    """drop (the default): leave out what cannot be read, and list it. stop: refuse the import"""

    def __post_init__(self) -> None:
        problems = [problem for field in fields(self) if (problem := _problem(field.name, getattr(self, field.name)))]
        if problems:
            raise Invalid(problems)

    @classmethod
    def parse(cls, given: Mapping[str, Any]) -> "Options":
        """Of the fields of a form or a JSON object; others are left alone. Raises Invalid with every problem."""
        return cls(**{name: given[name] for name in NAMES if given.get(name) not in (None, "")})

    @property
    def stops(self) -> bool:
        return self.unreadable == "stop"

    def to_json(self) -> dict[str, str]:
        return {name: value for name, value in asdict(self).items() if value}


NAMES = tuple(field.name for field in fields(Options))
CHOICES: dict[str, Any] = {"task": TASKS, "delimiter": DELIMITERS, "decimal": DECIMALS, "unreadable": UNREADABLE}


def _problem(name: str, value: Any) -> Problem | None:
    if not isinstance(value, str):
        return Problem(name, gettext_noop("Expected text."))
    if len(value) > LONGEST:
        return Problem(name, gettext_noop("At most %(most)s characters."), {"most": LONGEST})
    if value and name in CHOICES and value not in CHOICES[name]:
        return unknown(name, value, CHOICES[name])
    if value and name == "encoding" and not _is_encoding(value):
        sentence = gettext_noop("Unknown encoding '%(name)s'. Known are, for example, utf-8, gb18030 and windows-1252.")
        return Problem(name, sentence, {"name": value})
    return None


def _is_encoding(name: str) -> bool:
    try:
        return isinstance("a".encode(name), bytes)
    except (LookupError, UnicodeError, ValueError):
        return False
