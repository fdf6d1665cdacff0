"""Everything of a job in one zip, written while it is sent."""

import json
import zipfile
from collections.abc import Iterator
from typing import IO, Any

from jobs import file_store, history, queries, report
from jobs.api.download import safe_name
from jobs.metrics import export, read
from jobs.metrics.read import Wanted
from jobs.models import Artifact, Job

PIECE = 256 * 1024
COMPRESSED = {".json", ".html", ".md", ".csv", ".txt"}
"""Weights do not get smaller."""


def pieces(job: Job) -> Iterator[bytes]:
    """The bytes of the zip. Memory stays bounded however many points or large files there are."""
    sink = export.Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:  # type: ignore[arg-type]
        for step in _written(archive, job):
            if sink.waiting >= PIECE or step:
                yield sink.taken()
    yield sink.taken()


def _written(archive: zipfile.ZipFile, job: Job) -> Iterator[bool]:
    """Write entry after entry, giving way now and then."""
    wanted = Wanted(job.pk)
    _text(archive, "job.json", json.dumps(_job(job), indent=1, ensure_ascii=False))
    _text(archive, "evaluations.json", json.dumps(history.evaluations_of(job), indent=1, ensure_ascii=False))
    _text(archive, "report.html", report.html(job))
    yield True
    with _entry(archive, "metrics.csv") as entry:
        for piece in export.csv_pieces(read.exact(wanted)):
            entry.write(piece)
            yield False
    with _entry(archive, "metrics.parquet") as entry:
        for _group in export.parquet_groups(read.exact(wanted), entry):
            yield False
    for row in history.shown_artifacts(job):
        if history.is_here(row):
            yield from _file(archive, row)


def _job(job: Job) -> dict[str, Any]:
    return queries.job_json(job) | {
        "transitions": [history.transition_json(row) for row in history.transitions_of(job)],
        "checkpoints": history.checkpoints_of(job),
        "artifacts": [history.artifact_json(row) for row in history.shown_artifacts(job)],
    }


def _text(archive: zipfile.ZipFile, name: str, text: str) -> None:
    archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)


def _file(archive: zipfile.ZipFile, row: Artifact) -> Iterator[bool]:
    name = safe_name(row.name)
    with open(file_store.path_of("artifacts", row.sha256), "rb") as file, _entry(archive, f"model/{name}") as entry:
        while piece := file.read(PIECE):
            entry.write(piece)
            yield False


def _entry(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    info = zipfile.ZipInfo(name)
    suffix = name[name.rfind(".") :]
    info.compress_type = zipfile.ZIP_DEFLATED if suffix in COMPRESSED else zipfile.ZIP_STORED
    return archive.open(info, "w", force_zip64=True)
