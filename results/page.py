"""What the page of a version shows beside the facts of REST: its verdict in words, rows by artifact, snippets."""

from typing import Any

from django.utils.translation import gettext as _

from config import formats
from devices.models import Device
from jobs.models import Artifact
from results import measuring, queries
from results.models import ResultVersion

SERIES = ("p50", "p90", "p99")


def of(version: ResultVersion) -> dict[str, Any]:
    """The context of the template."""
    facts = queries.version_json(version)
    rows = [_row(row) for row in facts["evaluations"]]
    return {
        "version": version,
        "job": version.job,
        "facts": facts,
        "verdict": verdict(facts),
        "rows": rows,
        "busy": any(row["state"] in ("pending", "running") for row in rows),
        "confusion": _confusion(facts["evaluations"], version.job.version.schema.get("classes", [])),
        "runnable": [row for row in facts["artifacts"] if row["format"] in measuring.RUNNABLE and row["url"]],
        "devices": Device.objects.filter(removed_at=None).order_by("slug"),
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
    known = {"value": formats.metric(headline["value"], name), "metric": name, "split": headline["split"]}
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


def _row(row: dict[str, Any]) -> dict[str, Any]:
    """A measurement as cells: each figure in words, "" where there is none."""
    parity, latency, throughput = row["parity"] or {}, row["latency_ms"] or {}, row["throughput"] or {}
    return row | {
        "shown_metrics": [
            {"name": name, "text": formats.metric(value, name)} for name, value in row["metrics"].items()
        ],
        "latency": " / ".join(formats.significant(latency[key], 3) for key in SERIES if key in latency),
        "best_throughput": formats.whole(round(max(throughput.values()))) if throughput else "",
        "memory": formats.size(row["peak_memory_bytes"]) if row["peak_memory_bytes"] else "",
        "file": formats.size(row["file_bytes"]) if row["file_bytes"] else "",
        "parity_text": _parity(parity) if parity else "",
        "parity_tone": "" if not parity else ("ok" if parity["passed"] else "bad"),
    }


def _parity(parity: dict[str, Any]) -> str:
    known = {
        "difference": f"{parity['max_difference']:.1e}",
        "agreement": formats.percent(parity["agreement"]),
        "limit": f"{parity['limit']:.0e}",
    }
    if parity["passed"]:
        return _("Passed: differs by %(difference)s at most (limit %(limit)s), %(agreement)s equal answers") % known
    return _("Failed: differs by %(difference)s (limit %(limit)s), %(agreement)s equal answers") % known


def _confusion(rows: list[dict[str, Any]], classes: list[str]) -> dict[str, Any] | None:
    """The newest confusion matrix with its row sums, per-class precision, recall and F1."""
    matrices = [row for row in rows if row["details"].get("confusion")]
    if not matrices:
        return None
    matrix = matrices[-1]["details"]["confusion"]
    columns = [sum(line[number] for line in matrix) for number in range(len(matrix))]
    lines = [_class_line(classes[number], number, line, columns[number]) for number, line in enumerate(matrix)]
    return {"classes": classes, "lines": lines, "of": matrices[-1]}


def _class_line(name: str, number: int, line: list[int], predicted: int) -> dict[str, Any]:
    support, right = sum(line), line[number]
    precision = right / predicted if predicted else 0.0
    recall = right / support if support else 0.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    cells = [
        {"count": count, "right": column == number, "wrong": column != number and count > 0}
        for column, count in enumerate(line)
    ]
    return {"name": name, "cells": cells, "support": support, "precision": precision, "recall": recall, "f1": f1}
