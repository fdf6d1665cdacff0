"""The header of a safetensors file, read without torch: what its tensors are called, of which type, shape and place.

The file: 8 bytes with the length of the header (little endian), the header as JSON, then the numbers of all tensors
without a gap (https://huggingface.co/docs/safetensors, "Format").
"""

import json
import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.problems import gettext_noop
from recipes.sandbox.inside import Refused

LARGEST_HEADER_BYTES = 32 * 2**20
BITS = {
    **dict.fromkeys(("F4",), 4),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("I16", "U16", "F16", "BF16"), 16),
    **dict.fromkeys(("I32", "U32", "F32"), 32),
    **dict.fromkeys(("I64", "U64", "F64", "C64"), 64),
}
"""of one number of each type"""
PICKLE_STARTS = (b"PK\x03\x04", *(b"\x80" + bytes([protocol]) for protocol in range(2, 6)))
"""of what torch.save and pickle write: only looked for, to say what the file really is"""


@dataclass(frozen=True)
class Tensor:
    name: str
    dtype: str
    """a key of BITS"""
    shape: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class _Place:
    first: int
    behind: int
    tensor: Tensor


def read_header(path: Path) -> list[Tensor]:
    """The tensors of a file, in order of their places. Raises Refused unless header and size fit to the last byte."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        start = file.read(8)
        if start.startswith(PICKLE_STARTS):
            raise Refused(runs_code(), entry=path.name)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if not 2 <= length <= min(size - 8, LARGEST_HEADER_BYTES):
            raise _broken(path, gettext_noop("its header is cut off or too long"))
        header = _parsed(path, file.read(length))
    places = [_place(path, name, facts) for name, facts in header.items() if name != "__metadata__"]
    if not places:
        raise _broken(path, gettext_noop("it holds no tensor"))
    places.sort(key=lambda place: (place.first, place.behind))
    _refuse_gaps(path, places, size - 8 - length)
    return [place.tensor for place in places]


def runs_code() -> str:
    """What to say of a pickle, whatever it is called."""
    return gettext_noop("'%(entry)s' can run code when it is opened. Convert the weights to safetensors.")


def _parsed(path: Path, text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text, object_pairs_hook=_without_twins)
    except (ValueError, RecursionError) as error:
        raise _broken(path, gettext_noop("its header is no JSON, or names a tensor twice")) from error
    if not isinstance(header, dict):
        raise _broken(path, gettext_noop("its header is no JSON object"))
    return header


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key comes twice")
    return found


def _place(path: Path, name: str, facts: Any) -> _Place:
    try:
        dtype, shape, (first, behind) = facts["dtype"], facts["shape"], facts["data_offsets"]
        tensor = Tensor(name, dtype, tuple(shape))
        whole = all(type(number) is int and 0 <= number < 2**53 for number in (*shape, first, behind))
        fits = whole and (behind - first) * 8 == math.prod(shape) * BITS[dtype]
    except (KeyError, TypeError, ValueError) as error:
        raise _broken(path, gettext_noop("a tensor has no known type, shape or place"), name) from error
    if not fits:
        raise _broken(path, gettext_noop("type and shape of a tensor do not fit its size"), name)
    return _Place(first, behind, tensor)


def _refuse_gaps(path: Path, places: list[_Place], data_bytes: int) -> None:
    reached = 0
    for place in places:
        if place.first != reached:
            raise _broken(path, gettext_noop("tensors overlap or leave a gap"), place.tensor.name)
        reached = place.behind
    if reached != data_bytes:
        raise _broken(path, gettext_noop("the file is longer or shorter than its tensors"))


def _broken(path: Path, why: str, tensor: str = "") -> Refused:
    sentence = gettext_noop("'%(file)s' is no whole safetensors file: %(why)s. Save or download it again.")
    if tensor:
        sentence = gettext_noop(
            "'%(file)s' is no whole safetensors file: %(why)s (%(tensor)s). Save or download it again."
        )
    return Refused(sentence, file=path.name, why=why, tensor=tensor[:120])
