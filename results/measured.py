"""What devices measured of a version: the evaluations of its job, and those that were asked for later."""

from typing import Any

from django.db.models import QuerySet

from catalog.models import DatasetVersion
from jobs.models import Artifact, ErrandState, Evaluation, Job
from jobs.queries import iso
from jobs.sentences import ends
from results.asked_model import CHECKPOINT, START
from results.models import Measurement, ResultVersion
from results.suites import SUITES

EQUAL = 1e-9
"""two devices agree on a metric when it differs by no more than this, relative"""
NUMBERS = ("latency_ms", "throughput", "cold_start_seconds", "peak_memory_bytes", "file_bytes", "parity", "runtime")


def runs(version: ResultVersion) -> list[dict[str, Any]]:
    """Every measurement that was asked for, in order."""
    return runs_of_job(version.job)


def runs_of_job(job: Job) -> list[dict[str, Any]]:
    return [measurement_json(row) for row in kept().filter(job=job).order_by("id")]


def kept() -> QuerySet[Measurement]:
    """Measurements with all that `measurement_json` reads, without what they answered row by row."""
    related = ("job__result_version__result", "prepared__version__dataset", "foreign__version__dataset")
    rows = Measurement.objects.select_related(*related, "device", "errand").order_by("-id")
    return rows.defer("errand__rows", "errand__payload", "prepared__manifest", "foreign__manifest")


def rows(version: ResultVersion, asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Files of the version on its own data: one row for each file, split and device, with the newest answer of each
    suite; those of the job first. What was asked later and is not measured (yet) has a row of its own. `asked`: its
    `runs`."""
    last = version.job.attempts.order_by("-number").values_list("pk", flat=True).first()
    of_job = Evaluation.objects.filter(job=version.job, attempt=last).select_related("device").order_by("id")
    return _newest([_of_job(version.job, row) for row in of_job], [run for run in asked if _is_of_version(run)])


def starts(asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Measurements of the model before fine-tuning: kept apart from those of the version's files."""
    return [run for run in asked if run["artifact"] == START and run["dataset"]["own"]]


def elsewhere(asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Checkpoints, and anything on another dataset: no figure of the version itself, and so none that sums it up."""
    known = {id(run) for run in starts(asked)}
    return _newest([], [run for run in asked if not _is_of_version(run) and id(run) not in known])


def _is_of_version(run: dict[str, Any]) -> bool:
    return run["artifact"] not in (START, CHECKPOINT) and run["dataset"]["own"]


def _newest(first: list[dict[str, Any]], later: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = {_key(row): row for row in first}
    open_ones: dict[tuple[Any, ...], dict[str, Any]] = {}
    for run in later:
        if run["state"] == "done":
            found[_key(run)] = _with_newer(found.get(_key(run)), run)
            open_ones.pop(_key(run), None)
        else:
            open_ones[_key(run)] = run
    return [*found.values(), *open_ones.values()]


def _key(run: dict[str, Any]) -> tuple[Any, ...]:
    """What a figure is of."""
    data = run["dataset"]
    return run["artifact"], run["checkpoint"], data["slug"], data["version"], run["split"], run["device"]


def measurement_json(row: Measurement) -> dict[str, Any]:
    """A measurement as REST shows it: what it is of, how far it is, what came out or why nothing did."""
    answer, version = row.errand.answer, row.version
    done = row.errand.state == ErrandState.DONE and bool(answer.get("ok"))
    ended = row.errand.ended_at is not None
    return {
        "id": row.pk,
        "job": row.job_id,
        "result": version.result.slug if version else "",
        "version": version.number if version else None,
        "artifact": row.artifact,
        "checkpoint": row.step,
        "sha256": row.sha256,
        "dataset": _dataset_json(row.prepared.version, own=row.is_of_own_data),
        "split": row.split,
        "foreign": row.foreign.version.dataset.slug if row.foreign else None,
        "device": row.device.slug,
        "state": "done" if done else ("failed" if ended else row.errand.state),
        "samples": answer.get("samples") if done else None,
        "metrics": answer.get("metrics", {}) if done else {},
        "details": answer.get("details", {}) if done else {},
        **{name: answer.get(name) if done else None for name in NUMBERS},
        "rows_of": row.pk if done and answer.get("details", {}).get("intervals") else None,
        "suites": {name: answer[name] for name in SUITES if name in answer} if done else {},
        "reason": "" if done or not ended else ends.of_errand(answer, row.device.slug),
        "at": iso(row.errand.ended_at or row.created_at),
    }


def agreement(name: str, evaluations: list[dict[str, Any]]) -> dict[str, Any]:
    """On how many devices the file that was measured first was measured by the metric `name`, and on how many of them
    that is what the first one measured, on the same split."""
    done = [row for row in evaluations if row["state"] == "done" and name in row["metrics"]]
    alike = [row for row in done if (row["artifact"], row["split"]) == (done[0]["artifact"], done[0]["split"])]
    values = {row["device"]: row["metrics"][name] for row in alike}
    first = next(iter(values.values()), 0.0)
    same = [value for value in values.values() if abs(value - first) <= EQUAL * max(1.0, abs(first))]
    return {"measured": len(values), "same": len(same)}


def certificate(artifact: Artifact, asked: list[dict[str, Any]]) -> dict[str, Any]:
    """On which devices these very bytes were run against the trained model, and whether all of them passed.

    verdict: passed, failed, or unchecked while no device has run these bytes. `asked`: `runs` of the version.
    """
    checked = [run for run in asked if artifact.sha256 and run["sha256"] == artifact.sha256 and run["parity"]]
    if not checked:
        return {"verdict": "unchecked", "runs": []}
    failed = any(not run["parity"]["passed"] for run in checked)
    shown = [{name: run[name] for name in ("device", "runtime", "parity", "at")} for run in checked]
    return {"verdict": "failed" if failed else "passed", "runs": shown}


def _with_newer(before: dict[str, Any] | None, run: dict[str, Any]) -> dict[str, Any]:
    """`run`, and what only an earlier run of the same bytes on the same device measured."""
    if before is None or before["sha256"] not in ("", run["sha256"]):
        return run
    kept = {name: before[name] for name in ("metrics", "details", "rows_of", *NUMBERS) if not run[name]}
    return run | kept | {"suites": before["suites"] | run["suites"]}


def _dataset_json(version: DatasetVersion, *, own: bool) -> dict[str, Any]:
    """own: whether it is the data that the job learned from."""
    return {"slug": version.dataset.slug, "version": version.number, "own": own}


def _of_job(job: Job, row: Evaluation) -> dict[str, Any]:
    return {
        "id": None,
        "job": job.pk,
        "result": "",
        "version": None,
        "artifact": row.artifact,
        "checkpoint": None,
        "sha256": "",
        "dataset": _dataset_json(job.version, own=True),
        "split": row.split,
        "foreign": None,
        "device": row.device.slug,
        "state": "done",
        "samples": row.samples,
        "metrics": row.metrics,
        "details": {},
        **dict.fromkeys(NUMBERS),
        "rows_of": None,
        "suites": {},
        "reason": "",
        "at": iso(row.at),
    }
