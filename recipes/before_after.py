"""A few texts or rows before and after a recipe, for people to look at. In a child process, like the build."""

from typing import Any

import numpy as np

from recipes.build import source_of
from recipes.builds import MAKERS, Maker
from recipes.builds.batch import Batch
from recipes.builds.table import TableMaker
from recipes.builds.text import TextMaker
from recipes.sandbox.inside import Reporter
from recipes.version import Item

CHARACTERS_SHOWN = 2000
COLUMNS_SHOWN = 60
ROWS_LOOKED_AT = 20_000
"""of the train split, for statistics: a look must not take as long as the build"""


def before_after(request: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    """Work for `sandbox.outside.run`. request: as for `build`, with `numbers` of items in place of parent.

    Returns {"rows": [...]}: of a text {"before", "after", "tokens", "tokens_before"[, "learned"]}; of a table
    {"before", "after"}, lists of {"name", "value"}. Raises Refused when the recipe does not fit.
    """
    with source_of(request) as source:
        maker = MAKERS[source.head["kind"]](source)
        maker.look(reporter, ROWS_LOOKED_AT)
        return {"rows": [_shown(maker, source.index.item(number), number) for number in request["numbers"]]}


def _shown(maker: Maker, item: Item, number: int) -> dict[str, Any]:
    if isinstance(maker, TextMaker):
        return _text(maker, item, number)
    assert isinstance(maker, TableMaker)  # noqa: S101 - pictures are drawn by recipes.draw
    return _row(maker, item, number)


def _text(maker: TextMaker, item: Item, number: int) -> dict[str, Any]:
    batch = Batch(np.empty(0, np.uint8), {})
    context = maker.source.context(number, batch)
    document = maker.document(item, context)
    shown = {
        "before": "".join(text for text, _ in maker.pieces(item))[:CHARACTERS_SHOWN],
        "after": "".join(text for text, _ in maker.changed(item, context))[:CHARACTERS_SHOWN],
        "tokens_before": maker.count_tokens(item, context),
        "tokens": len(document.tokens),
    }
    return shown | ({"learned": int(document.learned.sum())} if maker.speaks else {})


def _row(maker: TableMaker, item: Item, number: int) -> dict[str, Any]:
    batch = maker.make([number], lambda number, name: None)
    values = np.asarray(batch.columns["features"])[0].tolist()
    columns = maker.source.head["columns"]
    before = [
        {"name": column["name"], "value": value} for column, value in zip(columns, item.data["values"], strict=True)
    ]
    after = [{"name": name, "value": round(value, 6)} for name, value in zip(maker.names, values, strict=True)]
    return {"before": before[:COLUMNS_SHOWN], "after": after[:COLUMNS_SHOWN]}
