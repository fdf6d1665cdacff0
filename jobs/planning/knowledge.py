"""What this fleet has measured of work like that of a job spec: by earlier jobs, by preflights, else by their kin."""

import hashlib
import json
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from catalog.models import DatasetVersion, PreparedData, PreparedState
from devices.models import Device
from jobs.models import Errand, ErrandState, Forecast

LOOKED_AT = 40
"""rows of the newest that are read"""
REMEMBERED = 3
"""of the newest figures of a device, whose median counts"""
START_S = 2.0
EXPORT_S = {"safetensors": 0.2, "onnx": 2.5, "onnx-int8": 1.5, "onnx-int8-static": 2.0, "pt2": 3.0, "aoti": 30.0}
"""until this fleet has exported something: measured with small nets on one core"""
LEAST_CORRECTION, MOST_CORRECTION = 0.7, 3.0
DECIDES = ("optim", "bf16", "torch_compile", "gradient_checkpointing", "gradient_accumulation_steps", "ema_decay")
"""settings of the loop that change how long a sample takes, beside the batch size"""


@dataclass
class Knowledge:
    basis: str = ""
    """jobs, preflight, kin (jobs of the same model and data with another batch or loop), or "" when nothing is known"""
    jobs: int = 0
    """how many earlier ones were learnt from"""
    paces: dict[str, float] = field(default_factory=dict)
    """device → seconds a sample"""
    batches: dict[int, dict[str, float]] = field(default_factory=dict)
    """batch size → device → seconds a sample, from preflights"""
    parameters: int = 0
    peak_bytes: int = 0
    batch_bytes: int = 0
    evaluated_sample_seconds: float = 0.0
    correction: float = 1.0
    """what trainings took of late against what preflights had let expect"""
    link_bytes_per_s: float = 0.0
    """between hosts; 0 = not measured yet"""

    def pace_of(self, device: Device, devices: Sequence[Device]) -> float:
        """Of a device that was not measured: what like ones took, else the mean of all that were; 0 = not known."""
        if device.slug in self.paces:
            return self.paces[device.slug]
        measured = [each for each in devices if each.slug in self.paces]
        alike = [each for each in measured if (each.kind, each.label) == (device.kind, device.label)]
        same_kind = [each for each in measured if each.kind == device.kind]
        known = [self.paces[each.slug] for each in (alike or same_kind)]
        return statistics.fmean(known) if known else 0.0


def likeness(spec: dict[str, Any], steps: list[dict[str, Any]], version: int) -> tuple[str, str]:
    """Two hashes: of all that decides how long a sample takes, and of model and data alone."""
    kin = {"task": spec["task"], "model": spec["model"], "recipe": steps, "version": version}
    training = spec["training"]
    own = {name: training[name] for name in DECIDES} | {"batch": training["per_device_train_batch_size"]}
    own |= {"method": spec["method"], "security": spec["security"]}
    return _hash({**kin, **own}), _hash(kin)


def of(spec: dict[str, Any], steps: list[dict[str, Any]], version: DatasetVersion) -> Knowledge:
    """Earlier jobs come before preflights: they ran beside each other, with everything on."""
    own, kin = likeness(spec, steps, version.pk)
    accumulation = spec["training"]["gradient_accumulation_steps"]
    sent = Errand.objects.filter(kind="preflight", state=ErrandState.DONE, payload__likeness=own)
    tried = list(sent.select_related("device").order_by("-pk")[:LOOKED_AT])
    found = _of_jobs("jobs", Forecast.objects.filter(likeness=own))
    if not found.paces:
        found = _of_preflights(tried, spec["training"]["per_device_train_batch_size"] * accumulation)
    if not found.paces:
        found = _of_jobs("kin", Forecast.objects.filter(kinship=kin))
    _add_what_preflights_know(found, tried)
    found.link_bytes_per_s = _link()
    return found


def around(formats: Sequence[str]) -> tuple[float, float]:
    """Seconds from the claim to the first step, and from the last device's evaluation to the end."""
    real = [row.real for row in Forecast.objects.exclude(real={}).order_by("-pk")[:LOOKED_AT]]
    start = [each["start"] for each in real]
    alike = [each["export"] for each in real if sorted(each["formats"]) == sorted(formats)]
    usual = sum(EXPORT_S.get(name, START_S) for name in formats)
    return statistics.median(start) if start else START_S, statistics.median(alike) if alike else usual


def preparing(version: DatasetVersion, prepared: PreparedData | None) -> float:
    """Seconds of preparing the data once on the server; 0 when that is done or nothing was ever prepared."""
    if prepared is not None and prepared.state == PreparedState.READY:
        return 0.0
    done = PreparedData.objects.filter(state=PreparedState.READY, seconds__gt=0).select_related("version")
    rates = [row.seconds / row.version.items for row in done.order_by("-pk")[:LOOKED_AT] if row.version.items]
    return statistics.median(rates) * version.items if rates else 0.0


def _of_jobs(basis: str, rows: Any) -> Knowledge:
    real = [row.real for row in rows.exclude(real={}).order_by("-pk")[:LOOKED_AT]]
    found = Knowledge(basis, len(real), _newest(each["paces"] for each in real))
    if found.paces:
        found.parameters = real[0]["parameters"]
        found.peak_bytes = max(each["peak_bytes"] for each in real[:REMEMBERED])
        looked = [each["evaluated_sample_seconds"] for each in real[:REMEMBERED]]
        found.evaluated_sample_seconds = statistics.median(looked)
    return found if found.paces else Knowledge()


def _of_preflights(tried: list[Errand], batch: int) -> Knowledge:
    correction = _correction()
    paces = ({errand.device.slug: correction * errand.answer["step_seconds"] / batch} for errand in tried)
    found = Knowledge("preflight", 0, _newest(paces), correction=correction)
    return found if found.paces else Knowledge()


def _add_what_preflights_know(found: Knowledge, tried: list[Errand]) -> None:
    """Other sizes of a batch, memory, and how long a sample takes to be looked at."""
    if not tried:
        return
    sizes: dict[int, list[dict[str, float]]] = defaultdict(list)
    for errand in tried:
        for size, facts in errand.answer.get("batches", {}).items():
            sizes[int(size)].append({errand.device.slug: facts["seconds"] / int(size)})
    found.batches = {size: _newest(paces) for size, paces in sizes.items()}
    answer = tried[0].answer
    found.parameters = found.parameters or answer["parameters"]
    found.peak_bytes = max(found.peak_bytes, *(errand.answer["peak_memory_bytes"] for errand in tried))
    looked = correction_of(found) * answer.get("evaluated_sample_seconds", 0.0)
    found.evaluated_sample_seconds = found.evaluated_sample_seconds or looked
    peaks = sorted((int(size), facts["peak_memory_bytes"]) for size, facts in answer.get("batches", {}).items())
    if len(peaks) > 1:
        found.batch_bytes = max(0, peaks[-1][1] - peaks[-2][1])


def correction_of(found: Knowledge) -> float:
    return found.correction if found.basis == "preflight" else 1.0


def _correction() -> float:
    """Ranks beside each other, with reports and saves, take longer than a batch that is tried alone."""
    rows = Forecast.objects.filter(basis="preflight").exclude(real={}).order_by("-pk")[:LOOKED_AT]
    ratios = [row.predicted["correction"] * row.real["train"] / row.predicted["train"] for row in rows]
    usual = statistics.median(ratios) if ratios else 1.0
    return min(max(usual, LEAST_CORRECTION), MOST_CORRECTION)


def _link() -> float:
    """Bytes a second between hosts, as exchanges of earlier jobs took."""
    rows = Forecast.objects.exclude(real={}).order_by("-pk")[:LOOKED_AT]
    measured = [row.real["link_bytes_per_s"] for row in rows if row.real["link_bytes_per_s"]]
    return statistics.median(measured) if measured else 0.0


def _newest(rows: Iterable[dict[str, float]]) -> dict[str, float]:
    """The median of the newest REMEMBERED figures of each device; `rows` come newest first."""
    of: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        for slug, value in row.items():
            of[slug].append(value)
    return {slug: statistics.median(values[:REMEMBERED]) for slug, values in of.items()}


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
