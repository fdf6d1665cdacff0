"""YOLO: a text file of `class x y width height` (in parts of the picture, x and y of the middle) beside each picture.

Class names come from a YAML file with `names`, or from `classes.txt` or `obj.names`. A picture without a text file has
no objects. Polygons (`class x1 y1 x2 y2 …`) become the box around them.
"""

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import yaml

from catalog.imports.bundle import Bundle, Entry
from catalog.imports.layouts import files
from catalog.imports.options import Options
from catalog.imports.plan import BOX, Box, Candidate, Plan, listed
from contract.problems import gettext_noop
from recipes.images import Unreadable
from recipes.sandbox.inside import Refused

NAME_FILES = ("classes.txt", "obj.names", "classes.names")
MOST_YAML_BYTES = 2**20


class Yolo:
    name = "yolo"

    def plan(self, bundle: Bundle, options: Options) -> Plan | None:
        entries = files.kept(bundle)
        pictures = files.pictures(entries)
        texts = {entry.name: entry for entry in entries if files.suffix(entry) == ".txt"}
        named = _names(bundle, entries)
        if named is None or not any(_text_of(picture, texts) for picture in pictures):
            return None
        source, classes = named
        skipped: list[dict[str, Any]] = []
        found = [_candidate(bundle, picture, texts, classes, skipped) for picture in pictures]
        why = gettext_noop("'%(name)s' names %(count)s classes and text files lie with the pictures: YOLO boxes.")
        return Plan(
            self.name,
            "object-detection",
            [candidate for candidate in found if candidate],
            classes,
            why,
            {"name": source.name, "count": len(classes)},
            skipped=skipped,
        )


class _StrictLoader(yaml.SafeLoader):
    """YAML without aliases (they can multiply) and without keys that are given twice."""

    def compose_node(self, parent, index):
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise yaml.MarkedYAMLError(problem="aliases are not read here", problem_mark=event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node, deep=False):
        keys = [key.value for key, _ in node.value]
        twice = next((key for key in keys if isinstance(key, str) and keys.count(key) > 1), None)
        if twice is not None:
            raise yaml.MarkedYAMLError(problem=f"the key '{twice}' is given twice", problem_mark=node.start_mark)
        return super().construct_mapping(node, deep)


def _names(bundle: Bundle, entries: list[Entry]) -> tuple[Entry, list[str]] | None:
    """The file that names the classes, and the names in the order of their numbers."""
    for entry in entries:
        if files.suffix(entry) in (".yaml", ".yml"):
            content = _yaml(bundle, entry)
            names = content.get("names") if isinstance(content, dict) else None
            if isinstance(names, dict) and names and all(re.fullmatch(r"\d{1,4}", str(key)) for key in names):
                numbered = {int(key): name for key, name in names.items()}
                names = [str(numbered.get(number, number)) for number in range(max(numbered) + 1)]
            if isinstance(names, list) and names:
                return entry, [str(name) for name in names]
    for entry in entries:
        if entry.parts[-1].casefold() in NAME_FILES:
            lines = files.read(bundle, entry, MOST_YAML_BYTES).decode("utf-8-sig", "replace").splitlines()
            if names := [line.strip() for line in lines if line.strip()]:
                return entry, names
    return None


def _yaml(bundle: Bundle, entry: Entry) -> Any:
    try:
        return yaml.load(files.read(bundle, entry, MOST_YAML_BYTES), _StrictLoader)  # noqa: S506 - a SafeLoader, and stricter
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        sentence = gettext_noop("'%(name)s', line %(line)s, is not YAML that is read here (%(detail)s).")
        detail = getattr(error, "problem", None) or str(error)
        raise Refused(sentence, name=entry.name, line=mark.line + 1 if mark else 1, detail=detail[:120]) from error


def _candidate(bundle, picture: Entry, texts: dict[str, Entry], classes: list[str], skipped: list) -> Candidate | None:
    """None when its text file cannot be read: nobody knows whether the picture shows something."""
    text = _text_of(picture, texts)
    try:
        boxes = tuple(_boxes(bundle, text, classes, skipped)) if text else ()
    except Unreadable as error:
        sentence = gettext_noop("Its text file cannot be read: %(why)s")
        skipped.append(listed(picture.name, Unreadable(sentence, why=str(error))))
        return None
    return Candidate(
        picture.name,
        split=files.split_in_path(picture.parts[:-1]),
        read=partial(bundle.read, picture),
        position=picture.position,
        boxes=boxes,
    )


def _boxes(bundle: Bundle, text: Entry, classes: list[str], skipped: list[dict[str, Any]]) -> Iterator[Box]:
    lines = bundle.read(text).decode("utf-8-sig", "replace").splitlines()
    for number, line in enumerate(lines, 1):
        shown = f"{text.name}, line {number}"
        try:
            if line.strip():
                yield _box(line, shown, len(classes))
        except Unreadable as error:
            skipped.append(listed(shown, error, BOX))


def _text_of(picture: Entry, texts: dict[str, Entry]) -> Entry | None:
    """`labels/…/a.txt` for `images/…/a.jpg`, or the text file right beside the picture."""
    stem = picture.parts[-1].rpartition(".")[0] + ".txt"
    folders = picture.parts[:-1]
    swapped = tuple("labels" if part.casefold() == "images" else part for part in folders)
    for place in (swapped, folders, (*folders[:-1], "labels")):
        if found := texts.get("/".join((*place, stem))):
            return found
    return None


def _box(line: str, shown: str, classes: int) -> Box:
    try:
        label, *numbers = (float(word) for word in line.split())
    except ValueError as error:
        raise Unreadable(gettext_noop("The line holds something else than numbers.")) from error
    if label not in range(classes):
        raise Unreadable(
            gettext_noop("There is no class %(label)s: they go from 0 to %(last)s."),
            label=f"{label:g}",
            last=classes - 1,
        )
    if len(numbers) >= 6 and len(numbers) % 2 == 0:
        left, top = min(numbers[0::2]), min(numbers[1::2])
        width, height = max(numbers[0::2]) - left, max(numbers[1::2]) - top
    elif len(numbers) in (4, 5):  # a fifth number is the confidence of whoever found the box
        middle_x, middle_y, width, height = numbers[:4]
        left, top = middle_x - width / 2, middle_y - height / 2
    else:
        raise Unreadable(gettext_noop("The line does not have five numbers."))
    return Box(left, top, width, height, int(label), shown, relative=True)
