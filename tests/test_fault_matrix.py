"""The table of faults in `docs/reliability.md` has every row and names tests that exist, or says what was not run."""

import re

from tests.test_promises import PROOF, ROOT, _function

ROW = re.compile(r"^\| (?P<number>F\d\d) \| (?P<fault>[^|]+) \| (?P<proof>[^|]+) \|$", re.MULTILINE)


def rows() -> dict[str, str]:
    text = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    return {row["number"]: row["proof"] for row in ROW.finditer(text)}


def test_every_fault_has_its_row():
    assert list(rows()) == [f"F{number:02d}" for number in range(1, 51)]


def test_each_row_names_tests_that_exist_or_says_that_it_is_not_yet_run():
    for number, proof in rows().items():
        tests = PROOF.findall(proof)
        assert tests or "not yet run" in proof, number
        for path, name in tests:
            assert _function(ROOT / path, name) is not None, f"{number}: {path} has no {name}"
