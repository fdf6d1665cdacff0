"""The matrix in `docs/security.md` has every id and names tests that exist, or says that there is none."""

import ast
import re

from tests.test_promises import PROOF, ROOT, _function

ROW = re.compile(r"^\| (?P<id>S\d\d) \| (?P<attack>[^|]+) \| (?P<proof>[^|]+) \|$", re.MULTILINE)
NAMED = re.compile(r"\bS\d\d\b")


def rows() -> dict[str, str]:
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    return {row["id"]: row["proof"] for row in ROW.finditer(text)}


def test_every_attack_has_its_row():
    assert list(rows()) == [f"S{number:02d}" for number in range(1, 72)]


def test_each_row_names_tests_that_exist_or_says_that_there_is_none():
    for number, proof in rows().items():
        tests = PROOF.findall(proof)
        assert tests or "no test yet" in proof, number
        for path, name in tests:
            assert _function(ROOT / path, name) is not None, f"{number}: {path} has no {name}"


def test_a_test_of_each_row_carries_its_id():
    for number, proof in rows().items():
        tests = PROOF.findall(proof)
        assert not tests or any(number in _told(path, name) for path, name in tests), number


def _told(path: str, name: str) -> str:
    """What a test's docstring and that of its file say."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    function = _function(ROOT / path, name)
    return f"{ast.get_docstring(tree)} {function and ast.get_docstring(function)}"


def test_a_test_that_names_an_id_names_one_of_the_matrix():
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for found in NAMED.findall(path.read_text(encoding="utf-8")):
            assert found in rows(), f"{path} names {found}"
