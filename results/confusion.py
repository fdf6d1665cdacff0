"""The newest confusion matrix: every cell leads to the samples behind it, the pairs that are confused most first."""

from typing import Any

from django.urls import reverse

from results.models import ResultVersion

MOST_CLASSES = 30
"""with more, pairs come first and the matrix is folded"""
PAIRS = 8


def of(version: ResultVersion, rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """classes, lines (cells, support, precision, recall, f1), pairs, large, of (the measurement)."""
    matrices = [row for row in rows if row["details"].get("confusion")]
    if not matrices:
        return None
    row = matrices[-1]
    matrix, classes = row["details"]["confusion"], version.job.version.schema.get("classes", [])
    address = reverse("measured_samples", args=(row["rows_of"],)) if row["rows_of"] else ""
    columns = [sum(line[number] for line in matrix) for number in range(len(matrix))]
    lines = [
        {"name": classes[number], "cells": _cells(line, number, address), **_shares(line, number, columns[number])}
        for number, line in enumerate(matrix)
    ]
    large = len(classes) > MOST_CLASSES
    return {"classes": classes, "lines": lines, "of": row, "pairs": _pairs(classes, lines), "large": large}


def _cells(line: list[int], true: int, address: str) -> list[dict[str, Any]]:
    return [
        {
            "count": count,
            "right": said == true,
            "wrong": said != true and count > 0,
            "url": f"{address}?true={true}&said={said}" if address and count else "",
        }
        for said, count in enumerate(line)
    ]


def _shares(line: list[int], number: int, predicted: int) -> dict[str, Any]:
    support, right = sum(line), line[number]
    precision = right / predicted if predicted else 0.0
    recall = right / support if support else 0.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return {"support": support, "precision": precision, "recall": recall, "f1": f1}


def _pairs(classes: list[str], lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    wrong = [
        {"true": line["name"], "said": classes[said], "count": cell["count"], "url": cell["url"]}
        for line in lines
        for said, cell in enumerate(line["cells"])
        if cell["wrong"]
    ]
    return sorted(wrong, key=lambda pair: -pair["count"])[:PAIRS]
