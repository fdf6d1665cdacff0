"""The documents stay true: what they link to is there."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    broken = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()]
    assert broken == []


def test_every_document_that_the_code_names_is_there():
    named = set()
    for path in ROOT.rglob("*.py"):
        if not {".venv", "var", "node_modules"} & set(path.relative_to(ROOT).parts):
            named |= set(re.findall(r"docs/[\w/-]+\.(?:md|csv)", path.read_text(encoding="utf-8")))
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_every_verb_of_the_makefile_finds_what_it_runs():
    for name in set(re.findall(r"-m ((?:tests|benchmarks)\.[\w.]*\w)", (ROOT / "Makefile").read_text())):
        assert callable(importlib.import_module(name).main), name
