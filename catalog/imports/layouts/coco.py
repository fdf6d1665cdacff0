"""COCO: JSON files of images, annotations and categories. https://cocodataset.org/#format-data

Ids may have gaps. Crowd regions are no single objects and are left out; an annotation without a box gets the one
around its polygons.
"""

import itertools
from collections import defaultdict
from functools import partial
from typing import Any

from catalog.imports.bundle import Bundle, Entry
from catalog.imports.layouts import files
from catalog.imports.options import Options
from catalog.imports.plan import BOX, FILE, Box, Candidate, Plan, listed
from catalog.imports.tables.values import number
from contract.problems import gettext_noop
from recipes.images import Unreadable
from recipes.sandbox.inside import Refused

PARTS = ("images", "annotations", "categories")


class Coco:
    name = "coco"

    def plan(self, bundle: Bundle, options: Options) -> Plan | None:
        entries = files.kept(bundle)
        lists = [entry for entry in entries if files.suffix(entry) == ".json"]
        found = [(entry, content) for entry in lists if _is_coco(content := files.read_json(bundle, entry))]
        if not found:
            return None
        pictures = files.pictures(entries)
        if not pictures:
            sentence = gettext_noop("'%(name)s' lists boxes, but there are no pictures beside it. Pack both together.")
            raise Refused(sentence, name=found[0][0].name)
        reading = _Reading(bundle, pictures, _class_names(content for _, content in found))
        for entry, content in found:
            reading.read(entry, content)
        return reading.plan(self.name, found[0][0].name)


class _Reading:
    def __init__(self, bundle: Bundle, pictures: list[Entry], classes: list[str]):
        self._bundle = bundle
        self._pictures = pictures
        self._names = files.PictureNames(pictures)
        self._classes = classes
        self._candidates: dict[str, Candidate] = {}
        self._skipped: list[dict[str, Any]] = []
        self._crowds = 0

    def read(self, source: Entry, content: dict[str, Any]) -> None:
        names = _categories(content)
        annotations: dict[Any, list[dict]] = defaultdict(list)
        for annotation in filter(_is_object, content["annotations"]):
            annotations[_id(annotation, "image_id")].append(annotation)
        for image in filter(_is_object, content["images"]):
            name = str(image.get("file_name", ""))
            entry = self._names.find(name, source.parts[:-1])
            of_image = annotations.pop(_id(image, "id"), [])
            if entry is None:
                self._skip(name, gettext_noop("The list names this picture, but it is not there."))
                continue
            if entry.name in self._candidates:
                self._skip(name, gettext_noop("The list names this picture twice."))
                continue
            boxes = [box for one in of_image if (box := self._box(name, one, names))]
            self._candidates[entry.name] = Candidate(
                entry.name,
                split=files.split_in_path(source.parts) or files.split_in_path(entry.parts[:-1]),
                read=partial(self._bundle.read, entry),
                position=entry.position,
                boxes=tuple(boxes),
                size=_size(image),
            )
        for annotation in itertools.chain.from_iterable(annotations.values()):
            self._skip(_shown(annotation), gettext_noop("Its image is not in the list of images."), BOX)

    def plan(self, layout: str, name: str) -> Plan:
        for entry in self._pictures:
            if entry.name not in self._candidates:
                self._skip(entry.name, gettext_noop("No list names this picture."))
        return Plan(
            layout,
            "object-detection",
            list(self._candidates.values()),
            self._classes,
            gettext_noop("'%(name)s' lists images, annotations and categories: boxes in the COCO format."),
            {"name": name},
            skipped=self._skipped,
            detected={"crowds": self._crowds},
        )

    def _box(self, picture: str, annotation: dict[str, Any], names: dict[Any, str]) -> Box | None:
        shown = f"{picture}, {_shown(annotation)}"
        if annotation.get("iscrowd"):
            self._crowds += 1
            return None
        category = _id(annotation, "category_id")
        if category not in names:
            self._skip(shown, gettext_noop("Its category is not in the list of categories."), BOX)
            return None
        corners = _numbers(annotation.get("bbox"), 4) or _around(annotation.get("segmentation"))
        if corners is None:
            self._skip(shown, gettext_noop("It has neither a box nor a polygon of numbers."), BOX)
            return None
        left, top, width, height = corners
        return Box(left, top, width, height, self._classes.index(names[category]), shown)

    def _skip(self, name: str, sentence: str, of: str = FILE) -> None:
        self._skipped.append(listed(name, Unreadable(sentence), of))


def _id(described: dict[str, Any], name: str) -> int | str | None:
    """None for what is neither a number nor text."""
    value = described.get(name)
    return value if isinstance(value, int | str) else None


def _shown(annotation: dict[str, Any]) -> str:
    return f"annotation {annotation.get('id', '?')}"


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_coco(content: Any) -> bool:
    return _is_object(content) and all(isinstance(content.get(part), list) for part in PARTS)


def _categories(content: dict[str, Any]) -> dict[Any, str]:
    """id → name, in the order of ids."""
    named = [one for one in content["categories"] if _is_object(one) and isinstance(one.get("id"), int)]
    return {one["id"]: str(one.get("name") or one["id"]) for one in sorted(named, key=lambda one: one["id"])}


def _class_names(contents) -> list[str]:
    """Categories with an annotation in any list, in the order of their ids; the others would never be learnt."""
    classes: dict[str, None] = {}
    for content in contents:
        used = {_id(one, "category_id") for one in filter(_is_object, content["annotations"])}
        classes |= {name: None for number, name in _categories(content).items() if number in used}
    if not classes:
        raise Refused(gettext_noop("The COCO list has no annotation with a category: there is nothing to learn."))
    return list(classes)


def _numbers(values: Any, count: int) -> list[float] | None:
    if not isinstance(values, list) or len(values) != count:
        return None
    numbers = all(not isinstance(value, str) and number(value) is not None for value in values)
    return [float(value) for value in values] if numbers else None


def _around(polygons: Any) -> list[float] | None:
    """The box around all polygons ([[x1, y1, x2, y2, …], …])."""
    if not isinstance(polygons, list) or not polygons:
        return None
    rings = [ring for ring in polygons if isinstance(ring, list) and len(ring) >= 6 and _numbers(ring, len(ring))]
    xs = [x for ring in rings for x in ring[0::2]]
    ys = [y for ring in rings for y in ring[1::2]]
    return [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)] if rings else None


def _size(image: dict[str, Any]) -> tuple[int, int] | None:
    width, height = image.get("width"), image.get("height")
    return (width, height) if isinstance(width, int) and isinstance(height, int) and width and height else None
