"""What a model's files could do to whoever opens them: read byte by byte here, never loaded.

Standard library only, so that a file is judged by other code than the one that would load it.
"""

import json
import pickletools
import zipfile
from dataclasses import dataclass
from pathlib import Path

PICKLED = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".h5")
"""formats that run code when they are loaded as usual"""
PICKLE_BEGINS = tuple(bytes((0x80, protocol)) for protocol in range(2, 6))
LARGEST_MEMBER = 64 << 20
EXTERNAL = b"location"
OWN_DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft", "pkg.onnxscript.torch_lib")


@dataclass(frozen=True)
class Found:
    """`verdict`: pass, warn or fail; `why` says what is in the file."""

    name: str
    verdict: str
    why: str


def scan(path: Path) -> Found:
    """The verdict on one file."""
    head = _head(path)
    if zipfile.is_zipfile(path):
        return _archive(path)
    if head.startswith(PICKLE_BEGINS) and _is_pickle(path.read_bytes()):
        return Found(path.name, "fail", "it is a pickle: loading it can run code")
    if path.suffix in PICKLED:
        return Found(path.name, "fail", f"{path.suffix} files are loaded by code that can run what is in them")
    check = {".safetensors": _safetensors, ".json": _json, ".onnx": _onnx}.get(path.suffix)
    return check(path) if check else Found(path.name, "pass", "holds no code that a reader would run")


def _head(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file.read(2)


def _archive(path: Path) -> Found:
    """A zip: named are the members that are pickles. In a `.pt2` they are not read by torch.export.load with
    weights only, so they are a warning there and a failure elsewhere."""
    with zipfile.ZipFile(path) as archive:
        pickles = sorted(member.filename for member in archive.infolist() if _holds_pickle(archive, member))
    if not pickles:
        return Found(path.name, "pass", "an archive without a pickle")
    named = ", ".join(pickles[:5])
    return Found(path.name, "warn" if path.suffix == ".pt2" else "fail", f"a pickle is inside: {named}")


def _holds_pickle(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bool:
    if member.filename.endswith((".pkl", ".pickle")):
        return True
    with archive.open(member) as file:
        if file.read(2) not in PICKLE_BEGINS:
            return False
    if member.file_size > LARGEST_MEMBER:
        return True  # begins like one, and is too large to be told apart here
    return _is_pickle(archive.read(member))


def _is_pickle(data: bytes) -> bool:
    """Whether the bytes are the instructions of a pickle up to its end. They are listed, not run."""
    try:
        return any(opcode.name == "STOP" for opcode, _argument, _place in pickletools.genops(data))
    except (ValueError, IndexError, KeyError, OverflowError, UnicodeDecodeError):
        return False


def _safetensors(path: Path) -> Found:
    """Eight bytes of length, a JSON of that length, then tensors that fill the rest without a gap."""
    size = path.stat().st_size
    try:
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length)) if length <= size - 8 else {}
        ends = sorted(tuple(entry["data_offsets"]) for name, entry in header.items() if name != "__metadata__")
    except (ValueError, KeyError, TypeError) as error:
        return Found(path.name, "fail", f"no safetensors file: {error}")
    at = 0
    for start, end in ends:
        if start != at or end < start:
            return Found(path.name, "fail", "its tensors leave gaps or lie over each other")
        at = end
    if 8 + length + at != size:
        return Found(path.name, "fail", "it holds bytes that belong to no tensor")
    return Found(path.name, "pass", "tensors and their names, nothing else")


def _json(path: Path) -> Found:
    try:
        json.loads(path.read_bytes())
    except ValueError as error:
        return Found(path.name, "fail", f"no JSON: {error}")
    return Found(path.name, "pass", "plain JSON")


def _onnx(path: Path) -> Found:
    """Operators of known domains only, and no data in other files."""
    try:
        import onnx  # half a second, and only this needs it
    except ImportError:
        return Found(path.name, "warn", "not looked into: the package onnx is not installed here")
    try:
        model = onnx.load(path, load_external_data=False)
    except Exception as error:  # whatever the parser meets in bytes of a stranger
        return Found(path.name, "fail", f"no ONNX file: {str(error).splitlines()[0] if str(error) else error!r}")
    foreign = sorted({entry.domain for entry in model.opset_import} - set(OWN_DOMAINS))
    outside = [tensor.name for tensor in model.graph.initializer if tensor.external_data]
    if foreign:
        return Found(path.name, "fail", f"needs operators of {', '.join(foreign)}, which are code from elsewhere")
    if outside:
        return Found(path.name, "fail", f"reads weights from other files: {', '.join(outside[:3])}")
    return Found(path.name, "pass", "standard operators, all weights inside")
