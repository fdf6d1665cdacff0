"""What the page of a sweep shows: the best so far, its chart, and every trial with the settings that vary."""

from typing import Any

from django.utils.translation import gettext as _

from config import formats
from config.svg_lines import polyline
from sweeps import coordinates, queries
from sweeps.models import Sweep, SweepState

WIDTH, HEIGHT = 600, 160


def of(sweep: Sweep) -> dict[str, Any]:
    """The context of the template."""
    facts = queries.sweep_json(sweep)
    paths = list(sweep.plan["space"])
    trials = list(sweep.trials.all())
    best = facts["best"]["number"] if facts["best"] else None
    return {
        "sweep": sweep,
        "facts": facts,
        "line": line(facts),
        "paths": [path.rpartition(".")[2] for path in paths],
        "rows": [_row(trial, paths, facts["metric"], best) for trial in reversed(facts["jobs"])],
        "chart": _chart(queries.best_so_far(sweep, trials), facts["metric"]),
        "coordinates": coordinates.of(facts["jobs"], sweep.plan["space"], facts["metric"], facts["goal"]),
    }


def line(facts: dict[str, Any]) -> str:
    """How far it is, in one sentence."""
    known = {"ended": facts["ended"], "trials": facts["trials"], "running": facts["started"] - facts["ended"]}
    if facts["state"] == SweepState.FAILED:
        return _("Every trial failed (%(reason)s). Look at the log of one, change the base and start anew.") % {
            "reason": facts["reason"]
        }
    sentences = {
        SweepState.RUNNING: _("%(ended)s of %(trials)s trials ended, %(running)s running."),
        SweepState.PAUSED: _("Paused: %(ended)s of %(trials)s trials ended, %(running)s go on to their end."),
        SweepState.FINISHED: _("All %(trials)s trials ended."),
        SweepState.STOPPED: _("Stopped after %(ended)s of %(trials)s trials."),
    }
    return sentences[facts["state"]] % known


def _row(trial: dict[str, Any], paths: list[str], metric: str, best: int | None) -> dict[str, Any]:
    value = "" if trial["value"] is None else formats.metric(trial["value"], metric)
    shown = [_shown(trial["params"].get(path)) for path in paths]
    return trial | {"shown": shown, "value_text": value, "is_best": trial["number"] == best}


def _shown(value: Any) -> str:
    return formats.significant(value, 4) if isinstance(value, float) else str(value)


def _chart(points: list[tuple[int, float]], metric: str) -> dict[str, Any] | None:
    """A stepped line of the best value over trials, as points of an SVG polyline, with its words."""
    if len(points) < 2:
        return None
    low, high = min(value for _n, value in points), max(value for _n, value in points)
    path = polyline(points, (points[0][0], points[-1][0]), (low, high), (WIDTH, HEIGHT))
    known: dict[str, Any] = {
        "first": formats.metric(points[0][1], metric),
        "last": formats.metric(points[-1][1], metric),
    }
    words = _("Best %(metric)s from %(first)s at trial %(from)s to %(last)s at trial %(to)s")
    known |= {"metric": metric, "from": points[0][0], "to": points[-1][0]}
    return {"path": path, "words": words % known, "width": WIDTH, "height": HEIGHT}
