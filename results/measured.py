"""What devices measured of a version: the evaluations of its job, and those that were asked for later."""

from typing import Any

from django.db.models import QuerySet

from jobs.models import Artifact, ErrandState, Evaluation
from jobs.queries import iso
from jobs.sentences import ends
from results.measuring import START
from results.models import Measurement, ResultVersion
from results.suites import SUITES

EQUAL = 1e-9
"""two devices agree on a metric when it differs by no more than this, relative"""
NUMBERS = ("latency_ms", "throughput", "cold_start_seconds", "peak_memory_bytes", "file_bytes", "parity", "runtime")


def runs(version: ResultVersion) -> list[dict[str, Any]]:
    """Every measurement that was asked for, in order."""
    return [measurement_json(row) for row in kept().filter(version=version).order_by("id")]


def kept() -> QuerySet[Measurement]:
    """Measurements with all that `measurement_json` reads, without what they answered row by row."""
    rows = Measurement.objects.select_related("version__result", "device", "errand").order_by("-id")
    return rows.defer("errand__rows", "errand__payload")


def rows(version: ResultVersion, asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for each artifact, split and device, with the newest answer of each suite; those of the job first. What
    was asked later and is not measured (yet) has a row of its own. `asked`: its `runs`."""
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    open_ones: dict[tuple[str, str, str], dict[str, Any]] = {}
    last = version.job.attempts.order_by("-number").values_list("pk", flat=True).first()
    for row in Evaluation.objects.filter(job=version.job, attempt=last).select_related("device").order_by("id"):
        found[row.artifact, row.split, row.device.slug] = _of_job(row)
    for run in (run for run in asked if run["artifact"] != START):
        key = run["artifact"], run["split"], run["device"]
        if run["state"] == "done":
            found[key] = _with_newer(found.get(key), run)
            open_ones.pop(key, None)
        else:
            open_ones[key] = run
    return [*found.values(), *open_ones.values()]


def starts(asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Measurements of the model before fine-tuning: kept apart from those of the version's files."""
    return [run for run in asked if run["artifact"] == START]


def measurement_json(row: Measurement) -> dict[str, Any]:
    """A measurement as REST shows it: what it is of, how far it is, what came out or why nothing did."""
    answer = row.errand.answer
    done = row.errand.state == ErrandState.DONE and bool(answer.get("ok"))
    ended = row.errand.ended_at is not None
    return {
        "id": row.pk,
        "result": row.version.result.slug,
        "version": row.version.number,
        "artifact": row.artifact,
        "sha256": row.sha256,
        "split": row.split,
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


def _of_job(row: Evaluation) -> dict[str, Any]:
    return {
        "id": None,
        "result": "",
        "version": None,
        "artifact": row.artifact,
        "sha256": "",
        "split": row.split,
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
