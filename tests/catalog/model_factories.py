"""Small models as people pack them: a tiny BERT's files, whole or cut into parts, and archives of them."""

import io
import json
import random
import struct
import tarfile
from typing import Any

from accounts.models import Project, User
from catalog import places
from catalog.base_models import services, tasks, work
from catalog.models import BaseModel
from recipes.sandbox.inside import Reporter
from tests.accounts.factories import make_user
from tests.catalog.factories import upload, zipped

CONFIG = {"model_type": "bert", "architectures": ["BertModel"], "hidden_size": 4, "vocab_size": 8}
CARD = b"---\nlanguage: en\nlicense: apache-2.0\n---\n# Tiny\n\nA model for tests."
TOKENIZER = {"version": "1.0", "model": {"type": "WordLevel", "vocab": {"[UNK]": 0, "hello": 1}, "unk_token": "[UNK]"}}


def safetensors(tensors: dict[str, list[int]], seed: int = 0, **changes: Any) -> bytes:
    """A file of float32 noise with these shapes. `changes` replace entries of the header."""
    header: dict[str, Any] = {}
    behind = 0
    for name, shape in tensors.items():
        first, behind = behind, behind + 4 * _product(shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [first, behind]}
    text = json.dumps(header | changes).encode()
    return struct.pack("<Q", len(text)) + text + random.Random(seed).randbytes(behind)


def tiny_model(**files: bytes | None) -> dict[str, bytes]:
    """Files by name. `files` replace or, as None, take away; `__` in a name stands for a dot."""
    found = {
        "config.json": json.dumps(CONFIG).encode(),
        "model.safetensors": safetensors({"embeddings.weight": [8, 4], "pooler.bias": [4]}),
        "tokenizer.json": json.dumps(TOKENIZER).encode(),
        "README.md": CARD,
    }
    for name, data in files.items():
        found.pop(name.replace("__", "."), None)
        if data is not None:
            found[name.replace("__", ".")] = data
    return found


def sharded_model() -> dict[str, bytes]:
    parts = {"model-00001-of-00002.safetensors": {"a": [2, 2]}, "model-00002-of-00002.safetensors": {"b": [3]}}
    index = {"metadata": {}, "weight_map": {tensor: name for name, held in parts.items() for tensor in held}}
    weights = {name: safetensors(held) for name, held in parts.items()}
    return tiny_model(model__safetensors=None) | weights | {"model.safetensors.index.json": json.dumps(index).encode()}


def tarred(files: dict[str, bytes], mode: str = "w:gz") -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode=mode) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return content.getvalue()


def registered(files: dict[str, bytes] | bytes, owner: User | None = None, name: str = "tiny") -> BaseModel:
    """A model whose import has run, as the server worker runs it."""
    data = files if isinstance(files, bytes) else zipped(files)
    owner = owner or User.objects.filter(username="maria").first() or make_user()
    model = services.add_upload(owner, Project.default(), name, upload(data, "model.zip"))
    tasks.import_model(model.pk)
    model.refresh_from_db()
    return model


def placed(files: dict[str, bytes], owner: User | None = None, name: str = "tiny") -> BaseModel:
    """A ready model for tests of what comes after the import: the same work, without a child process."""
    owner = owner or User.objects.filter(username="maria").first() or make_user()
    model = services.add_upload(owner, Project.default(), name, upload(zipped(files), "model.zip"))
    source = {"path": str(places.model_upload(model.pk)), "name": "model.zip"}
    result = work.register({"source": source, "parent": str(places.models())}, Reporter(lambda _line: None))
    assert services.finish(model, result)
    model.refresh_from_db()
    return model


def _product(shape: list[int]) -> int:
    product = 1
    for size in shape:
        product *= size
    return product
