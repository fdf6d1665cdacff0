"""The same bytes wherever they are built, by however many processes; with other libraries another hash."""

import shutil

import pytest

from recipes import build as building
from recipes.prepared import open_prepared, verify
from recipes.sandbox import outside
from tests.recipes.pictures import noise
from tests.recipes.rows import built, chats, column, labelled_texts, table, with_boxes

KEY = "5a" * 32
SPLITS = ("train", "validation", "test")


def boxes(parent):
    pictures = [(SPLITS[n % 3], noise(n, (30 + n, 24)), [[2 + n, 3, 9, 8, n % 3]]) for n in range(12)]
    return with_boxes(parent, pictures)


def people(parent):
    columns = [column("age", missing=3), column("town", "category"), column("name", "text")]
    rows = [
        (SPLITS[n % 3], [None if n % 9 == 0 else n / 7, "NSWE"[n % 4], f"person {n}"], float(n % 5)) for n in range(60)
    ]
    return table(parent, columns, rows, "tabular-regression")


def mails(parent):
    return labelled_texts(parent, [(SPLITS[n % 3], n % 2, f"mail no{n}@x.org or 10.0.0.{n}") for n in range(30)])


def talks(parent):
    return chats(parent, [[("user", f"{n}?"), ("assistant", "yes " * (n % 9))] for n in range(40)])


CASES = {
    "boxes": (
        boxes,
        [
            {"step": "blur", "boxes": ["cat"]},
            {"step": "rgb"},
            {"step": "resize", "size": [16, 16]},
            {"step": "normalise"},
        ],
    ),
    "people": (
        people,
        [
            {"step": "pseudonymise", "columns": ["name"]},
            {"step": "add-noise", "columns": ["age"], "epsilon": 2, "clip": [0, 9]},
            {"step": "impute"},
            {"step": "one-hot", "most": 9},
            {"step": "standardise"},
        ],
    ),
    "mails": (
        mails,
        [{"step": "pseudonymise"}, {"step": "randomise-labels", "epsilon": 1}, {"step": "tokenise"}],
    ),
    "talks": (talks, [{"step": "shuffle", "seed": 3}, {"step": "tokenise"}, {"step": "pack"}]),
}


@pytest.mark.parametrize("case", CASES)
def test_two_homes_build_the_same_bytes(tmp_path, case):
    make, steps = CASES[case]
    version = make(tmp_path / "one" / "datasets")
    shutil.copytree(version, tmp_path / "two" / "datasets" / version.name)
    found = []
    for home, processes in (("one", 1), ("two", 3)):
        place = tmp_path / home
        request = {"version": str(place / "datasets" / version.name), "steps": steps, "parent": str(place / "prepared")}
        answer = outside.run("recipes.build:build", request | {"key": KEY, "processes": processes})
        assert answer.result, answer
        found.append(place / "prepared" / answer.result["hash"])
    assert verify(found[0]) == verify(found[1]) == found[0].name == found[1].name
    names = sorted(path.name for path in found[0].iterdir())
    assert names == sorted(path.name for path in found[1].iterdir())
    for name in names:
        assert (found[0] / name).read_bytes() == (found[1] / name).read_bytes()


@pytest.mark.parametrize(("case", "library"), [("boxes", "pillow"), ("people", "numpy"), ("mails", "tokenizers")])
def test_another_version_of_a_library_is_another_hash(tmp_path, monkeypatch, case, library):
    make, steps = CASES[case]
    version = make(tmp_path / "datasets")
    before = built(version, steps, key=KEY)
    versions = building.library_versions
    monkeypatch.setattr(building, "library_versions", lambda kind: versions(kind) | {library: "0.1"})
    after = built(version, steps, key=KEY)
    assert before.hash != after.hash
    assert library in before.manifest["versions"]
    for name in ("train", "test"):
        assert len(open_prepared(before.directory).split(name)) == len(after.split(name))
