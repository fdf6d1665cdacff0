"""How what was found gets its label: from the path, from the nearest heading, or from what a CSS selector finds.

{"by": "path", "pattern": regular expression with a group named label, "of": "page" | "image"}
{"by": "section"}
{"by": "selector", "selector": CSS}
"""

import re
import unicodedata
from typing import Any
from urllib.parse import unquote

import httpx
import regex

from contract.problems import Problem, gettext_noop, unknown

WAYS = {"path": {"pattern", "of"}, "section": set(), "selector": {"selector"}}
PATH_OF = ("page", "image")
FIRST_FOLDER = "^/(?P<label>[^/]+)/"
LONGEST = 200
LONGEST_LABEL = 80
MOST_REPEATS = 99
REGEX_S = 1.0
"""a pattern may be slow on purpose; this engine stops it"""


def complete(asked: Any, path: str) -> tuple[dict[str, str], list[Problem]]:
    """The rule with its defaults written out, and every problem of it."""
    if asked is None:
        asked = {}
    if not isinstance(asked, dict):
        return {}, [Problem(path, gettext_noop("Expected an object such as {'by': 'path'}."))]
    way = asked.get("by", "path")
    if not isinstance(way, str) or way not in WAYS:
        return {}, [unknown(f"{path}.by", str(way), WAYS)]
    problems = [unknown(f"{path}.{name}", str(name), {"by", *WAYS[way]}) for name in asked if name not in _fields(way)]
    rule = {"by": way}
    for name in sorted(WAYS[way]):
        value = asked.get(name) or {"pattern": FIRST_FOLDER, "of": "page", "selector": ""}[name]
        if not isinstance(value, str) or len(value) > LONGEST:
            sentence = gettext_noop("Expected text of at most %(most)s characters.")
            problems.append(Problem(f"{path}.{name}", sentence, {"most": LONGEST}))
        else:
            rule[name] = value
            problems += _CHECKS[name](value, f"{path}.{name}")
    return rule, problems


def from_path(rule: dict[str, str], url: str) -> str:
    """What the pattern finds in the path of `url`; "" when it finds nothing or takes too long."""
    try:
        found = regex.search(rule["pattern"], unquote(httpx.URL(url).path), timeout=REGEX_S)
    except TimeoutError:
        return ""
    return cleaned(found["label"] or "") if found else ""


def cleaned(text: str) -> str:
    """A label that can be the name of a folder: one line, no slashes, no controls."""
    text = "".join(" " if char in "/\\" or unicodedata.category(char).startswith("C") else char for char in text)
    return unicodedata.normalize("NFC", re.sub(r"\s+", " ", text)).strip(" .")[:LONGEST_LABEL].strip()


def _fields(way: str) -> set[str]:
    return {"by", *WAYS[way]}


def _check_pattern(value: str, path: str) -> list[Problem]:
    if _is_vast(value):
        sentence = gettext_noop("At most two counted repeats such as {4}, each up to %(most)s.")
        return [Problem(path, sentence, {"most": MOST_REPEATS})]
    try:
        pattern = regex.compile(value)
    except (regex.error, ValueError, OverflowError, RecursionError) as error:
        sentence = gettext_noop("This is not a regular expression: %(why)s.")
        return [Problem(path, sentence, {"why": str(error)[:100]})]
    if "label" not in pattern.groupindex:
        sentence = gettext_noop("Name the part that is the label: (?P<label>…).")
        return [Problem(path, sentence)]
    return []


def _is_vast(pattern: str) -> bool:
    """The engine writes counted repeats out: three of 1,000 inside each other take 12 s and 2 GiB (measured)."""
    counts = re.findall(r"\{(\d*),?(\d*)", pattern)
    return len(counts) > 2 or any(len(digits) > len(str(MOST_REPEATS)) for count in counts for digits in count)


def _check_selector(value: str, path: str) -> list[Problem]:
    if not value.strip():
        return [Problem(path, gettext_noop("Give a CSS selector, such as h1 or .category."))]
    import soupsieve  # slow to import, and every process of the server would

    try:
        soupsieve.compile(value)
    except (soupsieve.SelectorSyntaxError, NotImplementedError, RecursionError) as error:
        why = (str(error).splitlines() or [""])[0][:100]
        return [Problem(path, gettext_noop("This is not a CSS selector: %(why)s."), {"why": why})]
    return []


def _check_of(value: str, path: str) -> list[Problem]:
    return [] if value in PATH_OF else [unknown(path, value, PATH_OF)]


_CHECKS = {"pattern": _check_pattern, "selector": _check_selector, "of": _check_of}
