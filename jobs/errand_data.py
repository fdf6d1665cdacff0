"""The prepared data that errands are given, and what becomes of one whose data cannot be prepared."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from catalog.models import PreparedData, PreparedState
from contract.reasons import EndReason
from jobs import errands
from jobs.models import Errand, ErrandState


def ready(waiting: Iterable[Errand], now: datetime) -> list[Errand]:
    """Those whose data lies here. One whose own data cannot be prepared ends, with the reason."""
    waiting = list(waiting)
    numbers = {number for errand in waiting for number in _numbers(errand.payload)}
    found = {row.pk: row for row in PreparedData.objects.filter(pk__in=numbers).defer("manifest")}
    for errand in waiting:
        row = found.get(errand.payload["prepared"])
        if row is not None and row.state == PreparedState.FAILED:
            told = {"dataset": errand.payload.get("dataset", ""), "sentence": row.error, "params": row.error_params}
            answer = {"ok": False, "reason": EndReason.BAD_DATA, **told}
            errands.end(errand.pk, ErrandState.FAILED, answer, now)
    return [errand for errand in waiting if _is_ready(errand.payload, found)]


def foreign(payload: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Data of another dataset that a model is asked about beside its own: (data, what the errand says of it)."""
    asked = payload.get("foreign")
    if asked is None:
        return [], {}
    row = PreparedData.objects.get(pk=asked["prepared"])
    told = {"dataset": asked["dataset"]}
    if row.state != PreparedState.READY:
        return [], {"foreign": told | {"why": row.error % row.error_params}}
    return [{"hash": row.hash, "manifest": row.manifest}], {"foreign": told | {"hash": row.hash}}


def _numbers(payload: dict[str, Any]) -> list[int]:
    return [payload["prepared"], *([payload["foreign"]["prepared"]] if "foreign" in payload else [])]


def _is_ready(payload: dict[str, Any], found: dict[int, PreparedData]) -> bool:
    """What is only asked about beside the model's own data may have failed: that part then says so."""
    own, *others = (found.get(number) for number in _numbers(payload))
    settled = (PreparedState.READY, PreparedState.FAILED)
    return own is not None and own.state == PreparedState.READY and all(row and row.state in settled for row in others)
