"""The card that helps to choose a file: quality against latency and size, the front, and the best within limits."""

from dataclasses import asdict
from typing import Any

from django.utils.translation import gettext as _

from config import formats
from contract.requirement import parse
from contract.tasks import TASKS
from results import metric_words
from results.models import ResultVersion
from results.pareto import Candidate, Choice, choose

LEAST = 2
"""a chart of one point shows nothing"""


def choice_of(version: ResultVersion, evaluations: list[dict[str, Any]]) -> Choice:
    """By the metric that leads for its task and the limits of job and model, on the split that the job evaluated."""
    facts = TASKS[version.result.task]
    limits = [parse(text) for text in [*version.job.spec.get("requirements", []), *version.result.requirements]]
    split = version.job.spec["evaluation"]["split"]
    rows = [row for row in evaluations if row["split"] == split]
    return choose(rows, facts.headline, limits, higher_is_better=facts.higher_is_better)


def of(version: ResultVersion, evaluations: list[dict[str, Any]]) -> dict[str, Any] | None:
    """For the page; None before two files or devices were measured."""
    choice, metric = choice_of(version, evaluations), TASKS[version.result.task].headline
    if len(choice.candidates) < LEAST:
        return None
    return {
        "sentence": sentence(choice, metric),
        "rows": [_row(one, choice, metric) for one in choice.candidates],
        "metric": metric_words.label(metric),
        "figures": [
            _figure(choice, metric, "latency", _("Quality against latency"), _("ms a sample (p50)")),
            _figure(choice, metric, "size", _("Quality against size"), _("MB")),
        ],
    }


def choice_json(choice: Choice) -> dict[str, Any]:
    """For REST and the report."""
    return {
        "candidates": [asdict(one) for one in choice.candidates],
        "front": [asdict(one) for one in choice.front],
        "best": asdict(choice.best) if choice.best else None,
    }


def sentence(choice: Choice, metric: str) -> str:
    """Names the best that keeps the limits, or says that none does."""
    if choice.best is None:
        return _("No file that was measured keeps every limit.")
    known = {
        "file": choice.best.file,
        "device": choice.best.device,
        "metric": metric_words.label(metric),
        "value": formats.metric(choice.best.quality, metric),
        "ms": formats.significant(choice.best.latency_ms, 3),
        "mb": formats.significant(choice.best.bytes / 1e6, 3),
    }
    return _("Best within limits: %(file)s on %(device)s (%(metric)s %(value)s, %(ms)s ms, %(mb)s MB).") % known


def _row(one: Candidate, choice: Choice, metric: str) -> dict[str, Any]:
    return asdict(one) | {
        "quality_text": formats.metric(one.quality, metric),
        "latency_text": f"{formats.significant(one.latency_ms, 3)} ms",
        "size_text": f"{formats.significant(one.bytes / 1e6, 3)} MB",
        "is_front": one in choice.front,
        "is_best": one == choice.best,
    }


def _span(choice: Choice, metric: str) -> dict[str, Any]:
    """Of the axis of quality: around what was measured, a share never above its whole."""
    values = [one.quality for one in choice.candidates]
    room = max(0.15 * (max(values) - min(values)), 0.02 * abs(max(values)), 1e-6)
    low, high = min(values) - room, max(values) + room
    if metric not in formats.SHARES:
        return {"range": [low, high]}
    return {"range": [max(low, -0.01), min(high, 1.01)], "tickformat": ".1%"}


def _figure(choice: Choice, metric: str, name: str, title: str, label: str) -> dict[str, Any]:
    def across(one: Candidate) -> float:
        return one.latency_ms if name == "latency" else one.bytes / 1e6

    def trace(words: str, ones: list[Candidate], colour: str, **more: Any) -> dict[str, Any]:
        points = sorted(ones, key=across)
        where = [f"{one.file} · {one.device}" for one in points]
        xs, ys = [across(one) for one in points], [one.quality for one in points]
        return {"type": "scatter", "name": words, "x": xs, "y": ys, "text": where, "colour": colour} | more

    beaten = [one for one in choice.candidates if one not in choice.front]
    traces = [trace(_("On the front"), choice.front, "hue-1")]
    traces += [trace(_("Beaten"), beaten, "muted", markers=True)] if beaten else []
    traces += [trace(_("Best within limits"), [choice.best], "hue-3", markers=True, size=11)] if choice.best else []
    note = _("The front: no other file is at least as good, as fast and as small.")
    axes = {"x": {"title": label, "type": "log"}, "y": {"title": metric_words.label(metric), **_span(choice, metric)}}
    return {"name": f"pareto-{name}", "title": title, "note": note, "traces": traces, **axes}
