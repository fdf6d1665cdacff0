"""Problems in what a user gave us: all of them at once, each with its path and a sentence that can be acted on."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


def gettext_noop(text: str) -> str:
    """Marks a sentence for the catalogue of translations; the server translates it when it is shown."""
    return text


@dataclass(frozen=True)
class Problem:
    """`sentence` holds named placeholders for `params`, so that it can be translated before they are filled in."""

    path: str
    sentence: str
    params: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.sentence % self.params if self.params else self.sentence


class Invalid(ValueError):
    """Raised with every problem found, never only the first."""

    def __init__(self, problems: Iterable[Problem]):
        self.problems = list(problems)
        super().__init__("; ".join(f"{problem.path}: {problem}" for problem in self.problems))


def unknown(path: str, name: str, known: Iterable[str]) -> Problem:
    """An unknown name, with the nearest known one, or all of them when none is near."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return Problem(
            path, gettext_noop("Unknown: '%(name)s'. Did you mean '%(near)s'?"), {"name": name, "near": near[0]}
        )
    return Problem(
        path, gettext_noop("Unknown: '%(name)s'. Known are: %(known)s."), {"name": name, "known": ", ".join(known)}
    )


def choice(path: str, value: str, known: Iterable[str], built: Iterable[str]) -> list[Problem]:
    """Nothing when `value` is built; else that it is unknown, or not built yet."""
    if value not in known:
        return [unknown(path, value, known)]
    if value not in built:
        sentence = gettext_noop("'%(value)s' is not built yet. This version has: %(built)s.")
        return [Problem(path, sentence, {"value": value, "built": ", ".join(built)})]
    return []
