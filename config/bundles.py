"""One file for each module and its imports, and for each style sheet: what a page asks for in few requests.

Sources stay small ES modules that browsers load as they are; only collected files are joined. A module keeps a scope of
its own and runs once a page, also when several bundles of the page hold it.
"""

import posixpath
import re
from pathlib import PurePosixPath
from typing import Protocol

IMPORT = re.compile(r'^import (?:\{ (?P<names>[^}]+) \} from )?"\./(?P<file>[\w-]+\.js)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async function|function|class|const) (?P<name>\w+))", re.MULTILINE)
STYLE = re.compile(r'^@import url\("(?P<file>[^"]+)"\)(?: layer\((?P<layer>\w+)\))?;', re.MULTILINE)
CHARSET = re.compile(r'^@charset "[^"]+";')


class Read(Protocol):
    def __call__(self, name: str) -> str: ...


def module(name: str, read: Read) -> str:
    """The module `name` after all that it imports, each once. Raises ValueError for a circle or an unknown form."""
    folder = PurePosixPath(name).parent
    order: list[str] = []
    parts: dict[str, str] = {}

    def add(file: str, path: tuple[str, ...]) -> None:
        if file in path:
            raise ValueError(f"{' → '.join([*path, file])}: modules import one another in a circle")
        if file in parts:
            return
        source = read(str(folder / file))
        for found in IMPORT.finditer(source):
            add(found["file"], (*path, file))
        parts[file] = _wrapped(file, source)
        order.append(file)

    add(PurePosixPath(name).name, ())
    return "globalThis.ftModules ??= {};\n" + "\n".join(parts[file] for file in order)


def style(name: str, read: Read) -> str:
    """The style sheet `name` with what it imports in place, in its layer where one is named."""

    def inner(found: re.Match[str]) -> str:
        imported = style(posixpath.join(posixpath.dirname(name), found["file"]), read)
        return f"@layer {found['layer']} {{{imported}}}" if found["layer"] else imported

    return STYLE.sub(inner, CHARSET.sub("", read(posixpath.normpath(name))))


def _wrapped(file: str, source: str) -> str:
    names = EXPORT.findall(source)
    body = EXPORT.sub("", IMPORT.sub(_taken, source))
    if re.search(r"^(?:import|export)\b", body, re.MULTILINE):
        raise ValueError(f"{file} has an import or export of a form that cannot be joined")
    return f'ftModules["{file}"] ??= (() => {{\n{body}\nreturn {{ {", ".join(names)} }};\n}})();\n'


def _taken(found: re.Match[str]) -> str:
    """Of a module that is only run, nothing."""
    if not found["names"]:
        return ""
    names = re.sub(r"(\w+) as (\w+)", r"\1: \2", found["names"])
    return f'const {{ {names} }} = ftModules["{found["file"]}"];\n'
