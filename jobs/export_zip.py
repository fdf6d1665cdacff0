"""Everything of a job in one zip, written while it is sent, and a list of hashes with which it proves itself."""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from jobs import file_store, history, queries, report
from jobs.api.download import safe_name
from jobs.metrics import export, read
from jobs.metrics.read import Wanted
from jobs.models import Artifact, Job

PIECE = 256 * 1024
COMPRESSED = {".json", ".html", ".md", ".csv", ".txt", ".py"}
"""Weights do not get smaller."""
MANIFEST = "manifest.json"
CHECKER = Path(__file__).with_name("export_check.py")
"""goes into the zip as check.py; needs Python alone"""


def pieces(job: Job) -> Iterator[bytes]:
    """The bytes of the zip. Memory stays bounded however many points or large files there are."""
    sink = export.Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:  # type: ignore[arg-type]
        for step in _written(_Noting(archive), job):
            if sink.waiting >= PIECE or step:
                yield sink.taken()
    yield sink.taken()


class _Noting:
    """The archive, and the SHA-256 of everything that was written into it."""

    def __init__(self, archive: zipfile.ZipFile):
        self.archive = archive
        self.files: dict[str, dict[str, Any]] = {}

    @contextmanager
    def entry(self, name: str) -> Iterator["_Hashing"]:
        info = zipfile.ZipInfo(name)
        suffix = name[name.rfind(".") :]
        info.compress_type = zipfile.ZIP_DEFLATED if suffix in COMPRESSED else zipfile.ZIP_STORED
        with self.archive.open(info, "w", force_zip64=True) as file:
            hashing = _Hashing(file)
            yield hashing
        self.files[name] = {"bytes": hashing.bytes, "sha256": hashing.digest.hexdigest()}

    def text(self, name: str, text: str) -> None:
        with self.entry(name) as entry:
            entry.write(text.encode())


class _Hashing(io.RawIOBase):
    """A file that is written only, and hashed on the way."""

    def __init__(self, file: IO[bytes]):
        self._file = file
        self.digest, self.bytes = hashlib.sha256(), 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self.digest.update(piece)
        self.bytes += len(piece)
        return self._file.write(piece)

    def tell(self) -> int:
        return self.bytes


def _written(archive: _Noting, job: Job) -> Iterator[bool]:
    """Write entry after entry, giving way now and then."""
    wanted = Wanted(job.pk)
    archive.text("job.json", _json(_job(job)))
    archive.text("evaluations.json", _json(history.evaluations_of(job)))
    for name, content in report.written(job).items():
        with archive.entry(name) as entry:
            entry.write(content)
    archive.text("check.py", CHECKER.read_text(encoding="utf-8"))
    yield True
    with archive.entry("metrics.csv") as entry:
        for piece in export.csv_pieces(read.exact(wanted)):
            entry.write(piece)
            yield False
    with archive.entry("metrics.parquet") as entry:
        for _group in export.parquet_groups(read.exact(wanted), entry):
            yield False
    for row in history.shown_artifacts(job):
        if history.is_here(row):
            yield from _file(archive, row)
    archive.archive.writestr(zipfile.ZipInfo(MANIFEST), _json(_manifest(archive, job)), zipfile.ZIP_DEFLATED)


def _manifest(archive: _Noting, job: Job) -> dict[str, Any]:
    """What is in the zip, and which of it every device proved."""
    proofs = {
        stage: {key: value for key, value in proof.items() if key.endswith("_hash")}
        for stage, ranks in job.proofs.items()
        for proof in list(ranks.values())[:1]
    }
    return {"format": 1, "job": job.pk, "name": job.name, "files": archive.files, "proved_by_every_device": proofs}


def _job(job: Job) -> dict[str, Any]:
    return queries.job_json(job) | {
        "spec": queries.public_spec(job.spec),
        "transitions": [history.transition_json(row) for row in history.transitions_of(job)],
        "checkpoints": history.checkpoints_of(job),
        "artifacts": [history.artifact_json(row) for row in history.shown_artifacts(job)],
    }


def _file(archive: _Noting, row: Artifact) -> Iterator[bool]:
    name = safe_name(row.name)
    with (
        open(file_store.path_of("artifacts", row.sha256), "rb") as file,
        archive.entry(f"model/{name}") as entry,
    ):
        while piece := file.read(PIECE):
            entry.write(piece)
            yield False


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False)
