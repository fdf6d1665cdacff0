"""Tables that come with scikit-learn, and sentences in ten languages from Django's translations."""

import gettext
import importlib.util
import re
from pathlib import Path

from catalog.imports.tables.table import Table

LANGUAGES = ("cs", "de", "es", "fr", "it", "nl", "pl", "pt", "sv", "tr")
LEAST_CHARACTERS, MOST_EACH = 15, 400
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{[\w.]*\}|<[^>]+>|[\u200e\u200f]")


def django_languages() -> Table:
    """(text, language): what Django's catalogues of messages say, without placeholders and without what is English."""
    spec = importlib.util.find_spec("django")
    assert spec and spec.submodule_search_locations  # noqa: S101 - the server runs on it
    package = Path(next(iter(spec.submodule_search_locations)))
    rows: dict[str, list] = {}
    for language in LANGUAGES:
        for text in _sentences(package, language):
            rows.setdefault(" ".join(re.findall(r"\w+", text.casefold())), [text, language])
    return _table(["text", "language"], list(rows.values()))


def breast_cancer() -> Table:
    """569 tumours, 30 measurements each, malignant or benign."""
    from sklearn.datasets import load_breast_cancer  # slow to import, and only needed here

    data = load_breast_cancer()
    rows = [
        [*map(float, row), str(data.target_names[label])] for row, label in zip(data.data, data.target, strict=True)
    ]
    return _table([*map(str, data.feature_names), "diagnosis"], rows)


def diabetes() -> Table:
    """442 patients, 10 measurements each in their own units, and how far the disease went within a year."""
    from sklearn.datasets import load_diabetes

    data = load_diabetes(scaled=False)
    rows = [[*map(float, row), float(value)] for row, value in zip(data.data, data.target, strict=True)]
    return _table([*map(str, data.feature_names), "progression"], rows)


def _sentences(package: Path, language: str) -> list[str]:
    found: dict[str, None] = {}
    for path in sorted(package.glob(f"**/locale/{language}/LC_MESSAGES/django.mo")):
        with open(path, "rb") as file:
            messages = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]  # no public way to list
        for original, translated in messages.items():
            english = original[0] if isinstance(original, tuple) else original
            text = " ".join(PLACEHOLDER.sub(" ", translated).split())
            if english and translated != english and len(text) >= LEAST_CHARACTERS:
                found[text] = None
    return sorted(found)[:MOST_EACH]


def _table(names: list[str], rows: list[list]) -> Table:
    return Table(names, rows, [f"row {number}" for number in range(1, len(rows) + 1)])
