"""Texts: changed as words, then rows of tokens of one length. A language model also gets which of them it learns."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from recipes.builds.batch import Batch, ragged
from recipes.builds.maker import At, Maker, Source, split_number
from recipes.builds.packing import Document, Packing, filled
from recipes.chat_templates import ChatProgram
from recipes.context import Context
from recipes.prepared import Column, Ragged
from recipes.sandbox.inside import Refused
from recipes.steps import ChatTemplate, Pack, TextStep, Tokenise, Truncate
from recipes.steps.chat_template import MODEL
from recipes.tokens import NOT_THERE, tokenizer_of
from recipes.version import Item

TEXTS_A_PIECE = 256
PACKED_COLUMNS = ("tokens", "targets", "segment")


class TextMaker(Maker):
    """Column `tokens` int32 [L] with `label`; of a language model with `targets` and `segment` int32 [L]."""

    input_column = "tokens"
    items_a_piece = TEXTS_A_PIECE

    def __init__(self, source: Source):
        super().__init__(source)
        tokenise = _step(source, Tokenise())
        self._length = tokenise.max_length
        self._cut = _step(source, Truncate()).cut
        self._template = _template(source, tokenise.model)
        self._packing = Packing(self._length, several=any(source.recipe.of(Pack)))
        self._tokenizer = tokenizer_of(tokenise.model, source.tokenizers)
        self._counts = {"texts": 0, "too_long": 0}
        self.speaks = source.task == "causal-lm"
        row = Column("int32", (self._length,))
        self.columns = dict.fromkeys(PACKED_COLUMNS, row)
        if not self.speaks:
            self.columns = {"tokens": row, self.target.name: self.target.column}

    @property
    def target_column(self) -> str:
        return "targets" if self.speaks else self.target.name

    def make(self, numbers: Sequence[int], at: At) -> Batch:
        """Documents of different length; `settle` puts them into rows."""
        batch = Batch(np.empty(0, np.uint8), {}, items=len(numbers))
        documents, targets, splits = [], [], []
        for number in numbers:
            item = self.source.index.item(number)
            documents.append(self.document(item, self.source.context(number, batch)))
            splits.append(split_number(item))
            if not self.speaks:
                targets.append(self.target.value(self.target_row(item, number, batch)))
        batch.splits = np.array(splits, np.uint8)
        batch.columns = {
            "tokens": ragged([document.tokens for document in documents], np.empty(0, np.int32)),
            "learned": ragged([document.learned for document in documents], np.empty(0, np.uint8)),
        }
        if not self.speaks:
            column = self.target.column
            batch.columns[self.target.name] = np.array(targets, column.dtype).reshape(-1, *column.shape)
        return batch

    def settle(self, batch: Batch) -> Batch:
        for name in self._counts:
            self._counts[name] += batch.counts.pop(f"texts {name}", 0)
        documents = _documents(batch)
        if self.speaks:
            self._pack(batch, documents)
        else:
            rows = filled([[document] for document in documents], self._length, self._tokenizer.pad)
            batch.columns = {"tokens": rows["tokens"], self.target.name: batch.columns[self.target.name]}
        return batch

    def rest(self) -> Batch | None:
        rows = self._packing.rest()
        splits = np.array([split for split, _ in rows], np.uint8)
        return Batch(splits, self._filled([row for _, row in rows])) if rows else None

    def manifest(self) -> dict[str, Any]:
        text = {
            "tokenizer": self._tokenizer.to_json(),
            "vocabulary": self._tokenizer.vocabulary,
            "pad": self._tokenizer.pad,
            "max_length": self._length,
        }
        return {"text": text | self._counts}

    def document(self, item: Item, context: Context) -> Document:
        """The tokens of an item, cut to the length of a row."""
        pieces = self.changed(item, context)
        begin, end = self._bounds(item)
        tokens: list[int] = []
        learned: list[bool] = []
        for text, corrected in pieces:
            more = self._tokenizer.encode(text)
            tokens += more
            learned += [corrected] * len(more)
        space = self._length - (begin is not None) - (end is not None)
        context.counts["texts texts"] += 1
        context.counts["texts too_long"] += len(tokens) > space
        tokens, learned = self._cut(tokens, space), self._cut(learned, space)
        if begin is not None:
            tokens, learned = [begin, *tokens], [False, *learned]
        if end is not None:
            tokens, learned = [*tokens, end], [*learned, bool(pieces) and pieces[-1][1]]
        return Document(np.array(tokens, np.int32), np.array(learned, np.uint8))

    def pieces(self, item: Item) -> list[tuple[str, bool]]:
        """The text of an item as it came, in pieces; each with whether a language model learns it."""
        if "messages" in item.data:
            return self._template.pieces(item.data["messages"])
        return [(item.data["text"], True)]

    def changed(self, item: Item, context: Context) -> list[tuple[str, bool]]:
        """The pieces after every step that changes words."""
        return self._rewritten(self.pieces(item), context)

    def prompt(self, item: Item, context: Context) -> list[int]:
        """The tokens after which a language model's answer begins, however many they are."""
        asked = self._template.asked(item.data["messages"]) if "messages" in item.data else item.data["text"]
        begin, _end = self._bounds(item)
        tokens = [] if begin is None else [begin]
        for text, _learned in self._rewritten([(asked, False)], context):
            tokens += self._tokenizer.encode(text)
        return tokens

    @property
    def end(self) -> int | None:
        """The token with which a text ends, if its tokenizer knows one."""
        return self._tokenizer.end

    def _bounds(self, item: Item) -> tuple[int | None, int | None]:
        """The tokens that begin and end the item; a model's own template writes them itself."""
        if "messages" in item.data and isinstance(self._template, ChatProgram):
            return None, None
        return self._tokenizer.begin, self._tokenizer.end

    def _rewritten(self, pieces: list[tuple[str, bool]], context: Context) -> list[tuple[str, bool]]:
        for place, step in self.source.recipe.of(TextStep):
            pieces = [(step.rewrite(text, context.at(place)), learned) for text, learned in pieces]
        return pieces

    def count_tokens(self, item: Item, context: Context) -> int:
        """How many tokens the changed text has before it is cut, without those that begin and end it."""
        return sum(len(self._tokenizer.encode(text)) for text, _ in self.changed(item, context))

    def _pack(self, batch: Batch, documents: list[Document]) -> None:
        splits, rows = [], []
        for split, document in zip(batch.splits.tolist(), documents, strict=True):
            if row := self._packing.add(split, document):
                splits.append(split)
                rows.append(row)
        batch.splits, batch.columns = np.array(splits, np.uint8), self._filled(rows)

    def _filled(self, rows: list[list[Document]]) -> dict[str, np.ndarray | Ragged]:
        return dict(filled(rows, self._length, self._tokenizer.pad))


def _template(source: Source, model: str) -> ChatTemplate | ChatProgram:
    """How messages are written: in lines, or by the program that comes with the model."""
    step = _step(source, ChatTemplate())
    if step.template != MODEL:
        return step
    if model not in source.tokenizers:
        raise Refused(NOT_THERE, model=model)
    return ChatProgram(Path(source.tokenizers[model]), model, step.loss_on)


def _step(source: Source, default):
    """The recipe's step of this class, or the default."""
    return next((step for _, step in source.recipe.of(type(default))), default)


def _documents(batch: Batch) -> list[Document]:
    tokens, learned = batch.columns["tokens"], batch.columns["learned"]
    assert isinstance(tokens, Ragged)  # noqa: S101 - `make` made them so
    assert isinstance(learned, Ragged)  # noqa: S101
    return [Document(tokens.row(number), learned.row(number)) for number in range(len(batch))]
