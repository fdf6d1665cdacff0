"""Which files of what was handed in make the model, by their names: a directory as `save_pretrained` writes it."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from catalog.base_models.safetensors_header import runs_code
from catalog.imports.bundle import PICKLES, Entry
from contract.problems import gettext_noop
from recipes.sandbox.inside import Refused

CONFIG, INDEX, WEIGHTS = "config.json", "model.safetensors.index.json", "model.safetensors"
TOKENIZER, CARD = "tokenizer.json", "README.md"
TOKENIZER_SETTINGS, CHAT_TEMPLATE = "tokenizer_config.json", "chat_template.jinja"
SETTINGS = frozenset(
    {
        CONFIG,
        INDEX,
        TOKENIZER,
        TOKENIZER_SETTINGS,
        "special_tokens_map.json",
        "added_tokens.json",
        "vocab.json",
        "preprocessor_config.json",
        "processor_config.json",
        "generation_config.json",
    }
)
"""read and checked as JSON"""
TEXTS = frozenset({CARD, "LICENSE", "LICENSE.txt", "LICENSE.md", "vocab.txt", "merges.txt", CHAT_TEMPLATE})
WEIGHTS_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}\.safetensors")
PROGRAMS = (".py", ".pyc", ".pyd", ".ipynb", ".so", ".dll", ".dylib", ".sh", ".exe")


@dataclass(frozen=True)
class Layout:
    kept: dict[str, Entry]
    """by their names in the model's directory"""
    left_out: list[str]
    """files that no model needs, by their names in the archive"""

    @property
    def bytes(self) -> int:
        return sum(entry.bytes for entry in self.kept.values())

    @property
    def weights(self) -> list[str]:
        return sorted(name for name in self.kept if WEIGHTS_NAME.fullmatch(name))


def sort_out(files: list[Entry]) -> Layout:
    """Raises Refused for files that can run code, for none or several models, and for a model without weights."""
    for entry in files:
        _refuse_code(entry)
    root = _root(files)
    inside = [entry for entry in files if entry.parts[:-1] == root]
    kept = {entry.parts[-1]: entry for entry in inside if _is_kept(entry.parts[-1])}
    layout = Layout(kept, sorted(entry.name for entry in files if entry not in kept.values()))
    if not layout.weights:
        sentence = gettext_noop("There are no weights beside config.json. Add model.safetensors, or all of its parts.")
        raise Refused(sentence)
    return layout


def _refuse_code(entry: Entry) -> None:
    suffix = PurePosixPath(entry.parts[-1]).suffix.lower()
    if suffix in PICKLES:
        raise Refused(runs_code(), entry=entry.name)
    if suffix in PROGRAMS:
        sentence = gettext_noop(
            "'%(entry)s' is program code, which is never run here. Take it out; a model that needs it cannot be used."
        )
        raise Refused(sentence, entry=entry.name)


def _root(files: list[Entry]) -> tuple[str, ...]:
    """The folder of the model: where config.json lies, nearest to the top."""
    folders = sorted((entry.parts[:-1] for entry in files if entry.parts[-1] == CONFIG), key=len)
    if not folders:
        raise Refused(
            gettext_noop("There is no config.json. Save the model with save_pretrained and pack that folder.")
        )
    if len(folders) > 1 and len(folders[0]) == len(folders[1]):
        names = {"one": "/".join(folders[0]), "other": "/".join(folders[1])}
        raise Refused(
            gettext_noop("There are two models: '%(one)s' and '%(other)s'. Register each by itself."), **names
        )
    return folders[0]


def _is_kept(name: str) -> bool:
    return name in SETTINGS or name in TEXTS or WEIGHTS_NAME.fullmatch(name) is not None
