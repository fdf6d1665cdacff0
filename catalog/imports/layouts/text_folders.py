"""Class folders of texts: good/1.txt  bad/2.txt, with splits on top or a folder around, as with pictures."""

from typing import Any

from catalog.imports.bundle import Bundle
from catalog.imports.layouts import files
from catalog.imports.layouts.class_folders import Found, sort_out
from catalog.imports.options import Options
from catalog.imports.plan import Candidate, Plan, listed
from catalog.imports.tables.encoding import decoded, detect, is_plain
from contract.problems import gettext_noop
from recipes.images import Unreadable
from recipes.sandbox.inside import Refused

SUFFIXES = {".txt", ".text", ".md"}
MOST_TEXT_BYTES = 2**20
SAMPLE_BYTES = 256 * 1024


class TextFolders:
    name = "text-folders"

    def plan(self, bundle: Bundle, options: Options) -> Plan | None:
        kept = files.kept(bundle)
        inside = [entry for entry in kept if len(entry.parts) > 1]
        texts = [entry for entry in inside if files.suffix(entry) in SUFFIXES]
        if files.pictures(kept) or 2 * len(texts) <= len(inside):
            return None
        sorted_out = sort_out(bundle.files, bundle.folders)
        reading = _Reading(bundle, sorted_out.classes, options.encoding)
        for found in sorted(sorted_out.found, key=lambda found: found.entry.position):
            reading.read(found)
        sentence = gettext_noop("The file lies in no class folder.")
        outside = [listed(entry.name, Unreadable(sentence)) for entry in sorted_out.outside]
        return Plan(
            self.name,
            "text-classification",
            reading.candidates(),
            sorted_out.classes,
            gettext_noop("The texts lie in %(count)s folders: each folder is a class."),
            {"count": len(sorted_out.classes)},
            skipped=outside + reading.skipped,
            ignored=sorted_out.ignored,
            detected={"encoding": sorted(reading.encodings)},
        )


class _Reading:
    """The files whose encoding is plain at once, and then the others by what they look like together: one short text
    may be in any encoding.
    """

    def __init__(self, bundle: Bundle, classes: list[str], encoding: str):
        self._bundle, self._classes, self._encoding = bundle, classes, encoding
        self._texts: list[tuple[Found, str]] = []
        self._unclear: list[tuple[Found, bytes]] = []
        self._total = 0
        self.skipped: list[dict[str, Any]] = []
        self.encodings: set[str] = set()

    def read(self, found: Found) -> None:
        try:
            if files.suffix(found.entry) not in SUFFIXES:
                raise Unreadable(gettext_noop("Among texts only .txt and .md files are read."))
            data = self._bundle.read(found.entry, MOST_TEXT_BYTES)
        except Unreadable as error:
            self.skipped.append(listed(found.entry.name, error))
            return
        self._total += len(data)
        if self._total > files.MOST_LIST_BYTES:
            sentence = gettext_noop("The texts are more than %(limit)s MiB together. Make several datasets of them.")
            raise Refused(sentence, limit=files.MOST_LIST_BYTES // 2**20)
        if self._encoding or is_plain(data):
            self._take(found, data, self._encoding)
        else:
            self._unclear.append((found, data))

    def candidates(self) -> list[Candidate]:
        sample = b"\n".join(data for _found, data in self._unclear)[:SAMPLE_BYTES]
        encoding = detect(sample) if self._unclear else ""
        for found, data in self._unclear:
            self._take(found, data, encoding)
        return [self._candidate(found, text) for found, text in self._texts]

    def _take(self, found: Found, data: bytes, encoding: str) -> None:
        try:
            text, name = decoded(data, encoding)
        except Refused as error:
            self.skipped.append(listed(found.entry.name, Unreadable(error.sentence, **error.params)))
            return
        if not text.strip():
            self.skipped.append(listed(found.entry.name, Unreadable(gettext_noop("The text is empty."))))
            return
        self.encodings.add(name)
        self._texts.append((found, text.replace("\r\n", "\n").strip()))

    def _candidate(self, found: Found, text: str) -> Candidate:
        target = {"label": self._classes.index(found.label)}
        return Candidate(found.entry.name, target, found.split, data={"text": text})
