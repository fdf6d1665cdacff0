"""A look at what a recipe makes of a few items: the same as what the build writes."""

import numpy as np
from PIL import Image

from recipes.before_after import before_after
from recipes.draw import draw
from recipes.sandbox.inside import Reporter
from recipes.version import file_of, read_items
from tests.recipes.pictures import plain
from tests.recipes.rows import built, chats, column, labelled_texts, table, with_boxes

SILENT = Reporter(lambda line: None)


def looked_at(version, steps, numbers, **request):
    return before_after({"version": str(version), "steps": steps, "numbers": numbers, **request}, SILENT)["rows"]


def test_a_text_is_shown_with_its_words_and_tokens(tmp_path):
    version = labelled_texts(tmp_path / "v", [("train", 0, "mail a@b.org now please")])
    steps = [{"step": "redact"}, {"step": "tokenise", "max_length": 12}]
    (row,) = looked_at(version, steps, [0])
    assert row == {
        "before": "mail a@b.org now please",
        "after": "mail <EMAIL> now please",
        "tokens_before": 23,
        "tokens": 12,
    }


def test_of_a_chat_it_is_shown_how_many_tokens_are_learned(tmp_path):
    version = chats(tmp_path / "v", [[("user", "hi"), ("assistant", "yo")]])
    (row,) = looked_at(version, [{"step": "tokenise"}], [0])
    assert row["before"] == row["after"] == "user: hi\nassistant: yo\n"
    assert (row["tokens"], row["learned"]) == (25, 4)


def test_a_row_is_shown_as_the_build_writes_it(tmp_path):
    rows = [("train", [n, "ab"[n % 2]], n % 2) for n in range(10)]
    version = table(tmp_path / "v", [column("n"), column("c", "category")], rows)
    steps = [{"step": "one-hot"}, {"step": "standardise"}]
    prepared = built(version, steps)
    shown = looked_at(version, steps, [3, 4])
    features = prepared.split("train").column("features")
    for number, row in zip([3, 4], shown, strict=True):
        assert [part["name"] for part in row["after"]] == ["n", "c=a", "c=b"]
        assert np.allclose([part["value"] for part in row["after"]], features[number], atol=1e-6)
        assert row["before"][0] == {"name": "n", "value": list(read_items(version))[number].data["values"][0]}


def test_boxes_are_drawn_where_the_recipe_puts_them(tmp_path):
    version = with_boxes(tmp_path / "v", [("train", plain(0, (40, 20)), [[10, 5, 20, 10, 0]])])
    (item,) = read_items(version)
    picture = {"file": str(file_of(version, item)), "number": 0, "boxes": item.target["boxes"], "size": [40, 20]}
    for name, steps in (("before", None), ("after", [{"step": "resize", "size": [40, 40], "mode": "pad"}])):
        request = {"pictures": [picture | {"into": str(tmp_path / f"{name}.png")}], "steps": steps, "side": 128}
        assert draw(request, SILENT) == {"unreadable": {}}
    before, after = (np.asarray(Image.open(tmp_path / f"{name}.png")).max(2) > 0 for name in ("before", "after"))
    assert (before[5, 10:30].all(), before[14, 10:30].all(), before[5:15, 10].all()) == (True, True, True)
    assert before.sum() == after.sum() == 2 * (20 + 10) - 4
    assert (after[15, 10:30].all(), after[24, 10:30].all()) == (True, True)
