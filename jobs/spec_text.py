"""The job spec as text that people read, edit and paste: YAML or JSON, with the line of every path."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from contract.problems import Invalid, Problem, gettext_noop

TEXT_LIMIT = 256 * 1024


@dataclass(frozen=True)
class SpecText:
    """What was read: the body, and on which line each path of it stands."""

    body: Any
    lines: dict[str, int] = field(default_factory=dict)


def write(spec: dict[str, Any], language: str = "yaml") -> str:
    """`spec` as `yaml` or `json`, in its own order; `read` gives the same spec back."""
    if language == "json":
        return json.dumps(spec, indent=2, ensure_ascii=False) + "\n"
    return yaml.dump(spec, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=100)


def read(text: str) -> SpecText:
    """The spec in `text`, YAML or JSON. Raises `Invalid` with the line of what cannot be read."""
    if len(text.encode("utf-8", "replace")) > TEXT_LIMIT:
        raise Invalid([Problem("", gettext_noop("A spec has at most 256 KiB of text."))])
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            raise Invalid([Problem("", gettext_noop("The text is empty. Paste a job spec, or go back to the form."))])
        lines: dict[str, int] = {}
        _walk(node, "", lines)
        return SpecText(loader.construct_document(node), lines)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        params = {"line": mark.line + 1 if mark else 1, "problem": error.problem or error.context or ""}
        raise Invalid([Problem("", gettext_noop("Line %(line)s cannot be read: %(problem)s."), params)]) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        if isinstance(error, Invalid):
            raise
        raise Invalid([Problem("", gettext_noop("This text is neither YAML nor JSON."))]) from error


def _walk(node: yaml.Node, path: str, lines: dict[str, int]) -> None:
    """Notes the line of every path; refuses a key that stands twice, of which YAML would keep the last."""
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            name = str(key.value)
            where = f"{path}.{name}".strip(".")
            if name in seen:
                params = {"line": key.start_mark.line + 1, "name": name}
                raise Invalid([Problem(where, gettext_noop("Line %(line)s: '%(name)s' stands here twice."), params)])
            seen.add(name)
            lines[where] = key.start_mark.line + 1
            _walk(value, where, lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _walk(value, f"{path}.{index}".strip("."), lines)


class _Loader(yaml.SafeLoader):
    """Plain values only: no aliases (they can grow without bound), and `no`, `on` and dates stay text."""

    yaml_implicit_resolvers: dict = {}

    def compose_node(self, parent, index):
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise yaml.composer.ComposerError(None, None, "aliases (*name) are not allowed", event.start_mark)
        return super().compose_node(parent, index)


class _Dumper(yaml.SafeDumper):
    """Quotes what `_Loader` would otherwise read as another kind of value."""

    yaml_implicit_resolvers: dict = {}

    def ignore_aliases(self, data) -> bool:
        return True

    def represent_sequence(self, tag, sequence, flow_style=None):
        plain = not any(isinstance(item, dict | list) for item in sequence)
        return super().represent_sequence(tag, sequence, flow_style=plain)


def _resolve_plain_values() -> None:
    kinds = (
        ("tag:yaml.org,2002:bool", r"^(?:true|false)$", "tf"),
        ("tag:yaml.org,2002:null", r"^(?:null|~|)$", ["n", "~", ""]),
        ("tag:yaml.org,2002:int", r"^[-+]?(?:0|[1-9][0-9]*)$", "-+0123456789"),
        (
            "tag:yaml.org,2002:float",
            r"^(?:[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan)$",
            "-+0123456789.",
        ),
    )
    for tag, pattern, first in kinds:
        for kind in (_Loader, _Dumper):
            kind.add_implicit_resolver(tag, re.compile(pattern), list(first))


_resolve_plain_values()
