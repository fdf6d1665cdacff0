"""What the page of a version shows beside the facts of REST: its verdict in words, rows by artifact, snippets."""

from typing import Any

from django.utils.translation import gettext as _

from config import formats
from contract.tasks import TASKS
from jobs import task_metrics
from jobs.models import Artifact
from results import (
    choices,
    confusion,
    difference,
    helped,
    lineage_graph,
    measured,
    metric_words,
    quality,
    queries,
    reliability,
    robustness,
    safety_page,
)
from results.asked_model import CHECKPOINT, START
from results.models import ResultVersion
from results.suites import SUITES

SERIES = ("p50", "p90", "p99")


def of(version: ResultVersion, chosen: str = "") -> dict[str, Any]:
    """The context of the template. `chosen`: the number of the measurement that is looked at closely; "" the newest."""
    facts = queries.version_json(version)
    starts = measured.starts(measured.runs(version))
    every = [*facts["evaluations"], *starts, *facts["elsewhere"]]
    rows = [row_of(row, version.result.task) for row in every]
    close = [row for row in every if chosen and str(row["rows_of"]) == chosen] or facts["evaluations"]
    return {
        "version": version,
        "job": version.job,
        "facts": facts,
        "verdict": verdict(facts),
        "rows": rows,
        "metric_name": TASKS[version.result.task].headline,
        "busy": any(row["state"] in ("pending", "running") for row in rows),
        "fine_tuning": helped.of(difference.fine_tuning(version, facts["evaluations"], starts)),
        "reliability": reliability.of(version, facts["evaluations"]),
        "robustness": robustness.of(facts["evaluations"]),
        "quality": quality.of(version, close),
        "safety": safety_page.of(version, facts),
        "lineage": lineage_graph.graph(facts),
        "choices": choices.of(version, facts["evaluations"]),
        "confusion": confusion.of(version, close),
        "artifact_ids": {row.name: row.pk for row in Artifact.objects.filter(job=version.job)},
    }


def snippets(version: ResultVersion, server: str) -> dict[str, str]:
    """How to read this version from outside, ready to be copied; the token is the reader's own."""
    address = f"{server}/api/v1/results/{version.result.slug}/versions/{version.number}/"
    return {
        "curl": f'curl -H "Authorization: Bearer flt_YOUR_TOKEN" {address}',
        "python": (
            "import json, urllib.request\n\n"
            f'request = urllib.request.Request("{address}", headers={{"Authorization": "Bearer flt_YOUR_TOKEN"}})\n'
            "version = json.load(urllib.request.urlopen(request))\n"
            'print(version["headline"], [file["name"] for file in version["artifacts"]])'
        ),
    }


def verdict(facts: dict[str, Any]) -> str:
    """One line: how good, where the same, how fast."""
    headline, devices = facts["headline"], facts["devices"]
    if headline["value"] is None:
        return _("No device has measured this version yet.")
    name = headline["metric"]
    known = {"value": formats.metric(headline["value"], name), "metric": metric_words.label(name)}
    known["split"] = task_metrics.split_word(headline["split"])
    parts = [_("%(metric)s %(value)s on %(split)s.") % known]
    if devices["measured"] > 1:
        parts.append(_("Same on %(same)s of %(measured)s devices.") % devices)
    fastest = min((row for row in facts["evaluations"] if row["latency_ms"]), key=_typical, default=None)
    if fastest:
        told = {"ms": formats.significant(_typical(fastest), 2), "device": fastest["device"]}
        parts.append(_("%(ms)s ms on %(device)s.") % told)
    missed = [row["text"] for row in facts["requirements"] if row["verdict"] == "missed"]
    if missed:
        parts.append(_("Missed: %(requirements)s.") % {"requirements": ", ".join(missed)})
    return " ".join(parts)


def _typical(row: dict[str, Any]) -> float:
    return row["latency_ms"]["p50"]


def row_of(row: dict[str, Any], task: str) -> dict[str, Any]:
    """A measurement as cells: what it is of and each figure in words, "" where there is none."""
    shown = [name for name in (*TASKS[task].metrics, "loss") if name in row["metrics"]]
    parity, latency, throughput = row["parity"] or {}, row["latency_ms"] or {}, row["throughput"] or {}
    return row | {
        "file_shown": what(row),
        "data_shown": "" if row["dataset"]["own"] else f"{row['dataset']['slug']} v{row['dataset']['version']}",
        "shown_metrics": [
            {"name": metric_words.label(name), "text": formats.metric(row["metrics"][name], name)} for name in shown
        ],
        "not_measured": [
            {"title": SUITES[name].title, "reason": found["not_measured"]}
            for name, found in row["suites"].items()
            if "not_measured" in found
        ],
        "latency": " / ".join(formats.significant(latency[key], 3) for key in SERIES if key in latency),
        "best_throughput": formats.whole(round(max(throughput.values()))) if throughput else "",
        "memory": formats.size(row["peak_memory_bytes"]) if row["peak_memory_bytes"] else "",
        "file": formats.size(row["file_bytes"]) if row["file_bytes"] else "",
        "parity_text": _parity(parity) if parity else "",
        "parity_tone": "" if not parity else ("ok" if parity["passed"] else "bad"),
    }


def what(row: dict[str, Any]) -> str:
    """Which weights were measured."""
    if row["artifact"] == START:
        return _("before fine-tuning")
    if row["artifact"] == CHECKPOINT:
        return _("checkpoint of step %(step)s") % {"step": formats.whole(row["checkpoint"])}
    return row["artifact"]


def _parity(parity: dict[str, Any]) -> str:
    known = {
        "difference": f"{parity['max_difference']:.1e}",
        "agreement": formats.percent(parity["agreement"]),
        "limit": f"{parity['limit']:.0e}",
    }
    if parity["passed"]:
        return _("Passed: differs by %(difference)s at most (limit %(limit)s), %(agreement)s equal answers") % known
    return _("Failed: differs by %(difference)s (limit %(limit)s), %(agreement)s equal answers") % known
