"""What REST and pages read of results."""

from typing import Any

from django.db.models import Count, Max, Q, QuerySet

from accounts.permissions import visible
from contract.tasks import TASKS
from jobs import file_store, history
from jobs.models import Artifact
from jobs.queries import iso, public_spec
from results import limits, measured, safety
from results.models import Result, ResultVersion

CARD = "card.md"
NEVER_CHECKED = ["known_issues_of_dependencies", "licence_of_data"]


def results_of(actor: Any) -> QuerySet[Result]:
    """Results that `actor` may see, each with `newest`, the number of its newest version, and how many there are."""
    kept = Q(versions__job__removed_at=None)
    counted = Result.objects.annotate(newest=Max("versions__number", filter=kept), count=Count("versions", filter=kept))
    return visible(actor, counted.filter(count__gt=0).select_related("project", "owner")).order_by("-id")


def filtered(actor: Any, filters: Any) -> QuerySet[Result]:
    """Those that fit `task`, `stage` (of any version) and `search` (in the name)."""
    rows = results_of(actor)
    if filters.get("task"):
        rows = rows.filter(task=filters["task"])
    if filters.get("stage"):
        rows = rows.filter(pk__in=ResultVersion.objects.filter(stage=filters["stage"]).values("result"))
    if filters.get("search"):
        rows = rows.filter(name__icontains=filters["search"])
    return rows


def newest(result: Result) -> ResultVersion:
    """Its newest version whose job was not removed."""
    rows = result.versions.filter(job__removed_at=None).select_related("result__project", "job__prepared")
    return rows.order_by("-number")[0]


def versions_of(actor: Any) -> QuerySet[ResultVersion]:
    """Versions that `actor` may see, of jobs that were not removed."""
    rows = ResultVersion.objects.filter(job__removed_at=None)
    related = ("result__project", "job__owner", "job__version__dataset", "job__prepared", "job__source", "staged_by")
    return visible(actor, rows.select_related(*related), "result__project")


def result_json(result: Result, newest: ResultVersion) -> dict[str, Any]:
    """One line of the list: the result and what its newest version shows."""
    evaluations = measured.rows(newest, measured.runs(newest))
    return {
        "slug": result.slug,
        "name": result.name,
        "task": result.task,
        "project": result.project.slug,
        "owner": result.owner.username,
        "versions": result.versions.filter(job__removed_at=None).count(),
        "newest": newest.number,
        "stage": newest.stage,
        "headline": headline(newest, evaluations),
        "devices": measured.agreement(TASKS[result.task].headline, evaluations),
        "bytes": _weights_bytes(newest),
        "job": newest.job_id,
        "created_at": iso(newest.created_at),
        "url": f"/results/{result.slug}/v/{newest.number}/",
    }


def version_json(version: ResultVersion) -> dict[str, Any]:
    """All of a version: `/api/v1/results/{slug}/versions/{n}/`."""
    job, files, asked = version.job, history.shown_artifacts(version.job), measured.runs(version)
    evaluations = measured.rows(version, asked)
    told = safety.rows(version, evaluations)
    return {
        "slug": version.result.slug,
        "name": version.result.name,
        "version": version.number,
        "task": version.result.task,
        "project": version.result.project.slug,
        "owner": job.owner.username,
        "url": f"/results/{version.result.slug}/v/{version.number}/",
        "job": job.pk,
        "stage": version.stage,
        "stage_reason": version.stage_reason,
        "staged_by": version.staged_by.username if version.staged_by else None,
        "staged_at": iso(version.staged_at),
        "created_at": iso(version.created_at),
        "headline": headline(version, evaluations),
        "devices": measured.agreement(TASKS[version.result.task].headline, evaluations),
        "requirements": limits.verdicts(version),
        "evaluations": evaluations,
        "elsewhere": measured.elsewhere(asked),
        "artifacts": [history.artifact_json(row) | {"certificate": measured.certificate(row, asked)} for row in files],
        "lineage": lineage(version),
        "safety": told,
        "security": security(version, files) | {"not_checked": [*safety.not_checked(told), *NEVER_CHECKED]},
        "card": card(version, files),
    }


def headline(version: ResultVersion, evaluations: list[dict[str, Any]]) -> dict[str, Any]:
    """The metric that leads for this task, as measured on the evaluated split; value None before that."""
    facts = TASKS[version.result.task]
    first = next((row for row in evaluations if facts.headline in row["metrics"]), None)
    return {
        "metric": facts.headline,
        "value": first["metrics"][facts.headline] if first else None,
        "split": first["split"] if first else "",
        "higher_is_better": facts.higher_is_better,
    }


def lineage(version: ResultVersion) -> dict[str, Any]:
    """What it was made from, each part by what identifies it."""
    job, manifest = version.job, version.job.prepared.manifest
    return {
        "dataset": {
            "slug": job.version.dataset.slug,
            "version": job.version.number,
            "hash": job.version.content_hash,
            "sensitive": job.version.dataset.sensitive,
            "source": job.version.dataset.source,
        },
        "recipe": public_spec(job.spec)["recipe"],
        "obfuscation": manifest.get("obfuscation", []),
        "prepared": job.prepared.hash,
        "model": job.spec["model"],
        "source_job": job.source_id,
        "seed": job.spec["training"]["seed"],
        "compile": job.proofs.get("compile", {}),
        "code": version.code,
    }


def security(version: ResultVersion, files: list[Artifact]) -> dict[str, Any]:
    """What was looked at and what was not: a version is never called safe."""
    names = [row.name for row in files if not row.error]
    pickled = [name for name in names if name.endswith((".pt", ".pth", ".bin", ".ckpt", ".pkl"))]
    dataset = version.job.version.dataset
    return {
        "pickled_files": pickled,
        "hashes": {row.name: row.sha256 for row in files if row.sha256},
        "data_source": dataset.source,
        "data_sensitive": dataset.sensitive,
        "privacy": version.job.spec.get("security") or {},
    }


def card(version: ResultVersion, files: list[Artifact]) -> dict[str, Any]:
    """The model card as Markdown, and whether a person wrote it."""
    if version.card:
        return {"text": version.card, "written_by_hand": True}
    row = next((row for row in files if row.name == CARD), None)
    if row is None or not history.is_here(row):
        return {"text": "", "written_by_hand": False}
    text = file_store.path_of("artifacts", row.sha256).read_text(encoding="utf-8", errors="replace")
    return {"text": text, "written_by_hand": False}


def _weights_bytes(version: ResultVersion) -> int:
    rows: list[Artifact] = [row for row in history.shown_artifacts(version.job) if row.format == "safetensors"]
    return rows[0].bytes if rows else 0
