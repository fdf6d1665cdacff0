"""What deserves a look in a version before anybody trains on it."""

import unicodedata
from collections import defaultdict
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from catalog.models import DatasetVersion

IMBALANCED_FROM = 4
"""times more examples in the largest class than in the smallest: worth a warning"""


def warnings(version: DatasetVersion) -> list[dict[str, str]]:
    """Each {"kind", "text"}."""
    schema = version.schema
    found = [*_unreadable(schema), _duplicates(schema), _contradictions(schema), *_leaks(schema), _boxes(schema)]
    found += [_alike(schema["classes"]), _untrained(version), _imbalance(version), *_missing(schema)]
    return [warning for warning in found if warning]


def _unreadable(schema: dict[str, Any]) -> list[dict[str, str]]:
    """One for each of files, rows and boxes; older versions do not tell these apart."""
    of = schema.get(
        "unreadable_of", {"file" if schema["kind"] == "image" else "row": schema.get("unreadable_count", 0)}
    )
    texts = {
        "file": lambda n: ngettext("%(count)s file could not be used.", "%(count)s files could not be used.", n),
        "row": lambda n: ngettext("%(count)s row could not be used.", "%(count)s rows could not be used.", n),
        "box": lambda n: ngettext("%(count)s box could not be used.", "%(count)s boxes could not be used.", n),
    }
    return [
        {"kind": "unreadable", "text": text(of[what]) % {"count": of[what]}}
        for what, text in texts.items()
        if of.get(what)
    ]


def _duplicates(schema: dict[str, Any]) -> dict[str, str] | None:
    if not (count := schema.get("duplicates", 0)):
        return None
    if schema["kind"] == "image":
        text = ngettext(
            "%(count)s picture is an exact copy of another.", "%(count)s pictures are exact copies of others.", count
        )
    else:
        text = ngettext("%(count)s row is a copy of another.", "%(count)s rows are copies of others.", count)
    return {"kind": "duplicates", "text": text % {"count": count}}


def _contradictions(schema: dict[str, Any]) -> dict[str, str] | None:
    if not (count := schema.get("contradictions", 0)):
        return None
    text = ngettext(
        "%(count)s example comes with different labels.", "%(count)s examples come with different labels.", count
    )
    return {"kind": "contradictions", "text": text % {"count": count}}


def _leaks(schema: dict[str, Any]) -> list[dict[str, str]]:
    leaks = schema.get("leaks", {})
    found = []
    if count := leaks.get("exact", 0):
        text = ngettext(
            "%(count)s example of validation or test is also in another split: its measurement tells nothing.",
            "%(count)s examples of validation or test are also in another split: their measurement tells nothing.",
            count,
        )
        found.append({"kind": "leak", "text": text % {"count": count}})
    if count := leaks.get("near", 0):
        text = ngettext(
            "%(count)s example of validation or test is nearly the same as one in another split.",
            "%(count)s examples of validation or test are nearly the same as some in another split.",
            count,
        )
        next_step = _(
            "What is measured on such examples is too good. The tab Checks names them: make a clean version without "
            "them there, or bring them into one split (folders or a column of splits; for tables a group column) and "
            "import again."
        )
        found.append({"kind": "near-leak", "text": f"{text % {'count': count}} {next_step}"})
    return found


def _boxes(schema: dict[str, Any]) -> dict[str, str] | None:
    if not (count := schema.get("boxes", {}).get("cut", 0)):
        return None
    text = ngettext(
        "%(count)s box stuck out of its picture and was cut.",
        "%(count)s boxes stuck out of their pictures and were cut.",
        count,
    )
    return {"kind": "boxes", "text": text % {"count": count}}


def _alike(classes: list[str]) -> dict[str, str] | None:
    """Names that people would read as one."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in classes:
        groups["".join(unicodedata.normalize("NFKC", name).casefold().split())].append(name)
    pairs = [" / ".join(f"'{name}'" for name in names) for names in groups.values() if len(names) > 1]
    if not pairs:
        return None
    text = _("Classes differ in capitals or blanks only: %(pairs)s. If they are one, name them alike and import again.")
    return {"kind": "alike", "text": text % {"pairs": ", ".join(pairs[:5])}}


def _untrained(version: DatasetVersion) -> dict[str, str] | None:
    """Where items hold several labels or boxes; where they hold one, such a class is refused."""
    never = [name for name, count in version.splits.get("train", {}).get("classes", {}).items() if not count]
    if not never:
        return None
    text = ngettext(
        "%(count)s class has no example in the train split: %(names)s.",
        "%(count)s classes have no example in the train split: %(names)s.",
        len(never),
    )
    return {"kind": "untrained", "text": text % {"count": len(never), "names": ", ".join(never[:5])}}


def _imbalance(version: DatasetVersion) -> dict[str, str] | None:
    counts = version.splits.get("train", {}).get("classes", {})
    classes = {name: count for name, count in counts.items() if count}
    if not classes or min(classes.values()) * IMBALANCED_FROM > max(classes.values()):
        return None
    most, least = max(classes, key=classes.__getitem__), min(classes, key=classes.__getitem__)
    params = {"most": most, "least": least, "a": classes[most], "b": classes[least]}
    text = _("Classes are uneven: %(most)s : %(least)s = %(a)s : %(b)s. Watch f1_macro beside accuracy.")
    return {"kind": "imbalance", "text": text % params}


def _missing(schema: dict[str, Any]) -> list[dict[str, str]]:
    with_gaps = [column["name"] for column in schema.get("columns", []) if column["missing"]]
    if not with_gaps:
        return []
    text = ngettext(
        "Values are missing in %(count)s column: %(names)s.",
        "Values are missing in %(count)s columns: %(names)s.",
        len(with_gaps),
    )
    return [{"kind": "missing", "text": text % {"count": len(with_gaps), "names": ", ".join(with_gaps[:5])}}]
