"""One item that somebody tries a model on, through the very steps of the data it learned from. In a child process.

The item becomes a version of its own, so the makers that built the data make its row too.
"""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from contract.problems import gettext_noop
from recipes import version as versions
from recipes.build import source_of, taught
from recipes.builds import Source
from recipes.builds.batch import Batch
from recipes.builds.text import TextMaker
from recipes.images import Unreadable
from recipes.recipe import Recipe
from recipes.sandbox.inside import Refused, Reporter
from recipes.steps import Shape
from recipes.tokens import tokenizer_of
from recipes.version import Item, VersionWriter

NO_ROOM = gettext_noop("The prompt has %(tokens)s tokens, and the model reads %(length)s. Shorten it.")
OTHER_SIZE = gettext_noop(
    "The model looks at pictures of %(width)s × %(height)s pixels and its recipe resizes none: this one becomes "
    "%(its_width)s × %(its_height)s. Send a picture of that size."
)
BLANK: dict[str, dict[str, Any]] = {"label": {"label": 0}, "labels": {"labels": []}, "boxes": {"boxes": []}}
"""what an item is said to be of, by the target's column: nobody reads it"""


def prepare_one(request: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    """Work for `sandbox.outside.run`. request: version (directory), steps, place (an empty directory), target (the
    column), shape (of a prepared input), given (image: base64, or data as in an `Item`); key and tokenizers as for
    `build`.

    Returns {"row": base64, "dtype", "shape"}, of pictures with "picture" (PNG in base64, as the model sees it), of
    prompts with "length" and "end". Raises Refused.
    """
    head, shape = versions.read_head(Path(request["version"])), list(request["shape"])
    place = _alone(request, head, _item(request, head, shape))
    alone = request | {"version": str(place)}
    with source_of(alone) as source, taught(source, reporter, teacher=request) as maker:
        if isinstance(maker, TextMaker) and maker.speaks:
            return _prompt(maker, source, shape[-1])
        batch = maker.make([0], lambda number, name: None)
        if batch.dropped:
            raise Refused(batch.dropped[0]["reason"], **batch.dropped[0]["params"])
        row = np.asarray(maker.settle(batch).columns[maker.input_column])[0]
    if list(row.shape) != shape:
        _refuse_size(row.shape, shape)
    return _answer(row) | ({"picture": _png(row)} if head["kind"] == "image" else {})


def words_of(request: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    """Work for `sandbox.outside.run`: the text of `tokens`. request: tokens, model, tokenizers. Returns {"text"}."""
    return {"text": tokenizer_of(request["model"], request["tokenizers"]).decode(request["tokens"])}


def _item(request: dict[str, Any], head: dict[str, Any], shape: list[int]) -> dict[str, Any]:
    """What is known of the item: its bytes, or its content."""
    if head["kind"] != "image":
        return {"data": request["given"]}
    try:
        recipe = Recipe.parse(request["steps"], kind="image")
        picture = _as_coloured_as(recipe.decode(base64.b64decode(request["given"]["image"])), recipe, shape[0])
    except Unreadable as error:
        raise Refused(error.sentence, **error.params) from error
    file = io.BytesIO()
    picture.save(file, "PNG")
    size = {"width": picture.width, "height": picture.height, "channels": len(picture.getbands())}
    return {"content": file.getvalue(), **size}


def _as_coloured_as(picture: Image.Image, recipe: Recipe, channels: int) -> Image.Image:
    """Grey where the data were grey, coloured where they were coloured, unless the recipe sees to it."""
    after = recipe.shape_of(Shape(len(picture.getbands()), picture.height, picture.width))
    return picture if after.channels == channels else picture.convert("L" if channels == 1 else "RGB")


def _alone(request: dict[str, Any], head: dict[str, Any], known: dict[str, Any]) -> Path:
    """A version that holds this item only."""
    target = BLANK.get(request["target"], {"value": 0.0} if request["target"] == "value" else {})
    with VersionWriter(Path(request["place"])) as writer:
        content = known.pop("content", None)
        stored = writer.store(content, ".png") if content is not None else None
        file, sha256, size = (stored.file, stored.sha256, stored.bytes) if stored else ("", "", 0)
        item = Item(sha256=sha256, bytes=size, split="test", name="", file=file, target=target, **known)
        return writer.finish({name: head[name] for name in head if name not in ("items", "items_sha256")}, [item], [])


def _prompt(maker: TextMaker, source: Source, length: int) -> dict[str, Any]:
    context = source.context(0, Batch(np.empty(0, np.uint8), {}))
    tokens = maker.prompt(source.index.item(0), context)
    if len(tokens) >= length:
        raise Refused(NO_ROOM, tokens=len(tokens), length=length)
    return _answer(np.array(tokens, np.int32)) | {"length": length, "end": maker.end}


def _refuse_size(found: tuple[int, ...], wanted: list[int]) -> None:
    if len(found) == 3 and len(wanted) == 3:
        known = {"width": wanted[2], "height": wanted[1], "its_width": found[2], "its_height": found[1]}
        raise Refused(OTHER_SIZE, **known)
    sentence = gettext_noop("The recipe makes another kind of input of this than the model takes. Train it again.")
    raise Refused(sentence)


def _answer(row: np.ndarray) -> dict[str, Any]:
    row = np.ascontiguousarray(row)
    return {"row": base64.b64encode(row.tobytes()).decode(), "dtype": row.dtype.name, "shape": list(row.shape)}


def _png(pixels: np.ndarray) -> str:
    """uint8 [channels, height, width] as a picture."""
    file = io.BytesIO()
    Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()
