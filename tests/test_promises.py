"""`docs/promises.md`: each promise names a test that exists and runs, or a figure with its date."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROW = re.compile(r"^\| (?P<promise>[^|]+?) \| (?P<proof>[^|]+?) \|$", re.MULTILINE)
PROOF = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
FIGURE = re.compile(r"\(20\d\d-\d\d-\d\d\)")


def rows() -> list[tuple[str, str]]:
    text = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
    found = [(row["promise"], row["proof"]) for row in ROW.finditer(text)]
    return [row for row in found if row[0] not in {"Promise", "---"}]


def test_there_are_promises():
    assert len(rows()) > 20


@pytest.mark.parametrize(("promise", "proof"), rows())
def test_a_promise_is_held_by_tests_that_run_or_by_a_dated_figure(promise, proof):
    tests = PROOF.findall(proof)
    assert tests or FIGURE.search(proof), f"nothing holds: {promise}"
    for path, name in tests:
        found = _function(ROOT / path, name)
        assert found is not None, f"{path} has no {name}"
        assert not any("skip" in ast.unparse(mark) for mark in found.decorator_list), f"{name} is skipped"


def _function(path: Path, name: str):
    if not path.exists():
        return None
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return next((node for node in functions if node.name == name), None)
