"""Pascal VOC: an XML file beside each picture. http://host.robots.ox.ac.uk/pascal/VOC/

Corners count from 1 and are inside the object, so xmin 1 is the left edge. Entities in the XML are refused.
"""

from functools import partial
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from catalog.imports.bundle import Bundle, Entry
from catalog.imports.layouts import files
from catalog.imports.options import Options
from catalog.imports.plan import BOX, Box, Candidate, Plan, class_order, listed
from contract.problems import gettext_noop
from recipes.images import Unreadable
from recipes.sandbox.inside import Refused

MOST_XML_BYTES = 2**20
CORNERS = ("xmin", "ymin", "xmax", "ymax")


class Voc:
    name = "voc"

    def plan(self, bundle: Bundle, options: Options) -> Plan | None:
        entries = files.kept(bundle)
        described = [entry for entry in entries if files.suffix(entry) == ".xml"]
        pictures = files.pictures(entries)
        if not described or not pictures:
            return None
        roots = [(entry, root) for entry in described if (root := _parsed(bundle, entry)).tag == "annotation"]
        if not roots:
            return None
        classes = class_order(name for _, root in roots for name in _object_names(root))
        if not classes:
            raise Refused(gettext_noop("None of the XML files holds an object with a name: there is nothing to learn."))
        splits = _given_splits(bundle, entries)
        skipped: list[dict[str, Any]] = []
        candidates = _candidates(bundle, files.PictureNames(pictures), roots, classes, splits, skipped)
        without = {entry.name for entry in pictures} - {candidate.name for candidate in candidates}
        sentence = gettext_noop("No XML file describes this picture.")
        skipped += [listed(name, Unreadable(sentence)) for name in sorted(without)]
        why = gettext_noop("%(count)s XML files describe pictures: boxes in the Pascal VOC format.")
        return Plan(self.name, "object-detection", candidates, classes, why, {"count": len(roots)}, skipped=skipped)


def _parsed(bundle: Bundle, entry: Entry) -> Element:
    try:
        return fromstring(files.read(bundle, entry, MOST_XML_BYTES), forbid_dtd=True)
    except DefusedXmlException as error:
        sentence = gettext_noop("'%(name)s' defines entities or a document type. Write plain XML.")
        raise Refused(sentence, name=entry.name) from error
    except (ParseError, ValueError, RecursionError) as error:
        sentence = gettext_noop("'%(name)s' is not XML (%(detail)s).")
        raise Refused(sentence, name=entry.name, detail=str(error)[:120]) from error


def _candidates(bundle, names, roots, classes, splits, skipped) -> list[Candidate]:
    found = {}
    for entry, root in roots:
        named = (root.findtext("filename") or "").strip()
        stem = entry.parts[-1].rpartition(".")[0]
        picture = names.find(named, entry.parts[:-1]) or _same_stem(names, stem)
        if picture is None:
            sentence = gettext_noop("The picture that it describes ('%(name)s') is not there.")
            skipped.append(listed(entry.name, Unreadable(sentence, name=named or stem)))
            continue
        found[picture.name] = Candidate(
            picture.name,
            split=splits.get(stem) or files.split_in_path(entry.parts[:-1]) or files.split_in_path(picture.parts[:-1]),
            read=partial(bundle.read, picture),
            position=picture.position,
            boxes=tuple(_boxes(entry, root, classes, skipped)),
            size=_size(root),
        )
    return list(found.values())


def _same_stem(names: files.PictureNames, stem: str) -> Entry | None:
    return next(filter(None, (names.find(stem + suffix) for suffix in sorted(files.PICTURE_SUFFIXES))), None)


def _boxes(entry: Entry, root: Element, classes: list[str], skipped: list[dict[str, Any]]):
    for number, described in enumerate(root.findall("object"), 1):
        shown = f"{entry.name}, object {number}"
        label = (described.findtext("name") or "").strip()
        box = described.find("bndbox")
        try:
            left, top, right, bottom = (float(box.findtext(name)) for name in CORNERS)  # type: ignore[union-attr, arg-type]  # caught below
        except (AttributeError, TypeError, ValueError):
            skipped.append(listed(shown, Unreadable(gettext_noop("It has no box of four numbers.")), BOX))
            continue
        if not label:
            skipped.append(listed(shown, Unreadable(gettext_noop("It has no name.")), BOX))
            continue
        yield Box(left - 1, top - 1, right - left + 1, bottom - top + 1, classes.index(label), shown)


def _object_names(root: Element) -> set[str]:
    return {name.strip() for described in root.findall("object") if (name := described.findtext("name") or "").strip()}


def _size(root: Element) -> tuple[int, int] | None:
    try:
        width, height = int(root.findtext("size/width", "0")), int(root.findtext("size/height", "0"))
    except ValueError:
        return None
    return (width, height) if width and height else None


def _given_splits(bundle: Bundle, entries: list[Entry]) -> dict[str, str]:
    """Stem of a picture → its split, by `ImageSets/Main/train.txt` and the like."""
    found: dict[str, str] = {}
    for entry in entries:
        if "ImageSets" in entry.parts and entry.parts[-1].removesuffix(".txt") in files.SPLIT_NAMES:
            split = files.SPLIT_NAMES[entry.parts[-1].removesuffix(".txt")]
            for line in files.read(bundle, entry).decode("utf-8-sig", "replace").splitlines():
                if line.split():
                    found[line.split()[0]] = split
    return found
