"""From words to numbers: bytes, which are always there, or the tokenizer of a model (`tokenizer.json`)."""

import json
from pathlib import Path
from typing import Any, Protocol

from contract.problems import gettext_noop
from recipes.manifest import file_hash
from recipes.sandbox.inside import Refused

NOT_THERE = gettext_noop(
    "The tokenizer of the model '%(model)s' is not on this server. Choose another model, or bytes."
)
BROKEN = gettext_noop("The tokenizer of the model '%(model)s' cannot be read (%(detail)s).")


class Tokenizer(Protocol):
    vocabulary: int
    """how many numbers there are"""
    pad: int

    @property
    def begin(self) -> int | None:
        """None where a model knows no such thing."""

    @property
    def end(self) -> int | None: ...

    def encode(self, text: str) -> list[int]:
        """Numbers of `text`, nothing in front and nothing behind."""

    def decode(self, tokens: list[int]) -> str:
        """The text of `tokens`, without those that only begin, end or pad one."""

    def to_json(self) -> dict[str, Any]:
        """The `tokenizer` of a manifest: enough to know that two are the same."""


class Bytes:
    """0 = padding, 1 = begin, 2 = end, 3 = unknown (never given), byte b = b + 4."""

    vocabulary, pad, begin, end = 260, 0, 1, 2

    def encode(self, text: str) -> list[int]:
        return [byte + 4 for byte in text.encode("utf-8", "replace")]

    def decode(self, tokens: list[int]) -> str:
        return bytes(token - 4 for token in tokens if token >= 4).decode("utf-8", "replace")

    def to_json(self) -> dict[str, Any]:
        return {"kind": "bytes", "sha256": ""}


class ModelTokenizer:
    """A directory with `tokenizer.json`, and `tokenizer_config.json` that says which tokens begin, end and pad.

    A tokenizer that has no token for padding pads with the one that ends.
    """

    def __init__(self, directory: Path):
        import tokenizers  # slow to import, and not needed for bytes

        self._file = Path(directory) / "tokenizer.json"
        self._tokenizer = tokenizers.Tokenizer.from_file(str(self._file))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._config = _json_of(Path(directory) / "tokenizer_config.json")
        self.vocabulary = self._tokenizer.get_vocab_size(with_added_tokens=True)
        self.begin = self._special("bos_token", "cls_token")
        self.end = self._special("eos_token", "sep_token")
        pad = self._special("pad_token")
        self.pad = pad if pad is not None else self.end if self.end is not None else 0

    def encode(self, text: str) -> list[int]:
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def decode(self, tokens: list[int]) -> str:
        return self._tokenizer.decode(tokens, skip_special_tokens=True)

    def to_json(self) -> dict[str, Any]:
        return {"kind": "model", "sha256": file_hash(self._file)}

    def _special(self, *names: str) -> int | None:
        for name in names:
            token = self._config.get(name)
            text = token.get("content") if isinstance(token, dict) else token
            number = self._tokenizer.token_to_id(text) if isinstance(text, str) else None
            if number is not None:
                return number
        return None


def tokenizer_of(model: str, places: dict[str, str]) -> Tokenizer:
    """The tokenizer of `model` ("" = bytes). `places`: directories by model. Raises Refused."""
    if not model:
        return Bytes()
    if model not in places:
        raise Refused(NOT_THERE, model=model)
    try:
        return ModelTokenizer(Path(places[model]))
    except MemoryError:
        raise
    except Exception as error:  # the library throws plain Exceptions for whatever is wrong with the file
        raise Refused(BROKEN, model=model, detail=str(error)[:200]) from error


def _json_of(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))
    return found if isinstance(found, dict) else {}
