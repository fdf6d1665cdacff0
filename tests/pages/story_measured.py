"""What devices answer on the site: a result that was measured on both of them, and tests of the fleet."""

import numpy as np

from checks.models import FleetTest, TestedDevice
from devices.models import Device
from jobs import clock, errands, gangs, weights
from jobs.models import Artifact, Errand, ErrandState, Job
from results.models import Measurement
from tests.checks.factories import checks, trained
from tests.results.answering import INTERVAL
from training.quality.exam import packed

OTHER_DATA = {"ok": True, "hash": "f" * 64, "samples": 100}
CLASSES = ["apple", "pear", "plum"]
CONFUSION = [[40, 2, 0], [1, 38, 3], [0, 4, 37]]
TRUE = np.repeat([0, 1, 2], np.sum(CONFUSION, axis=1))
SAID = np.concatenate([np.repeat([0, 1, 2], line) for line in CONFUSION])
RIGHT = float((TRUE == SAID).mean())
ROWS = {"true": TRUE, "answer": SAID, "loss": np.where(TRUE == SAID, 0.1, 2.0)}
ROWS |= {"score": (TRUE == SAID).astype(float), "weight": np.ones(len(TRUE))}


def measured(job: int) -> str:
    """Two files of the job and a checkpoint have run on devices; the address of the page that asks for more."""
    row = Job.objects.get(pk=job)
    Artifact.objects.filter(job=row).update(verified_at=row.created_at)
    row.prepared.manifest |= {"classes": CLASSES}
    row.prepared.save()
    row.version.schema |= {"classes": CLASSES}
    row.version.save()
    for number, device in enumerate(Device.objects.filter(removed_at=None).order_by("slug")[:2]):
        for name, latency in (("model.safetensors", 3.0), ("model.onnx", 1.2)):
            _answer(_asked(row, device, name), latency + number, RIGHT - number / 100, row)
    _answer(_asked(row, device, "checkpoint", step=20), 3.0, 0.4, row)
    return f"/jobs/{job}/evaluate/"


def fleet_test(kind: str = "fit") -> str:
    """A test whose second device holds other data, or which shows no difference; its address."""
    job, devices = Job.objects.order_by("pk")[0], Device.objects.filter(removed_at=None).order_by("slug")[:2]
    known = {"project": job.project, "owner": job.owner, "job": job, "version": "0.1", "commit": "f00"}
    test = FleetTest.objects.create(kind=kind, dataset="digits-8x8", artifact=weights.WEIGHTS, **known)
    sent = gangs.create("fleet-test", job.owner, devices, {"prepared": job.prepared_id}, clock.now())
    for rank, errand in enumerate(sent):
        TestedDevice.objects.create(test=test, device=errand.device, errand=errand, environment={"torch": "2.13.0"})
        Errand.objects.filter(pk=errand.pk).update(rank=rank, world_size=2)
        answer = {"ok": True, "checks": checks(rank, **({"data": OTHER_DATA} if rank else {}))}
        if kind == "speed":
            answer |= {"alone": trained(100, 110, 90), "together": trained(105, 140, 150, batch=128)}
        errands.end(errand.pk, ErrandState.DONE, answer, clock.now())
    return f"/fleet/tests/{test.pk}/"


def _asked(job: Job, device: Device, artifact: str, step: int | None = None) -> Measurement:
    [errand] = errands.create("evaluate", job.owner, [device], {"prepared": job.prepared_id}, clock.now())
    known = {"job": job, "prepared": job.prepared, "device": device, "errand": errand, "split": "test"}
    return Measurement.objects.create(artifact=artifact, step=step, sha256="0" * 64, **known)


def _answer(row: Measurement, latency: float, accuracy: float, job: Job) -> None:
    bins = [
        {"low": n / 10, "high": (n + 1) / 10, "count": 12 * n, "confidence": n / 10 + 0.05, "accuracy": n / 11}
        for n in range(10)
    ]
    worse = [
        {"severity": n, "value": accuracy - n / 12, "low": accuracy - n / 9, "high": accuracy - n / 15, "n": 125}
        for n in range(1, 6)
    ]
    found = {
        "metrics": {"accuracy": accuracy, "f1_macro": accuracy - 0.01, "ece": 0.04, "loss": 0.3},
        "details": {
            "confusion": CONFUSION,
            "intervals": {"accuracy": INTERVAL | {"value": accuracy}},
            "per_class": {"f1": [0.96, 0.88, 0.91]},
            "calibration": bins,
            "worst": [],
        },
        "corruption": {
            "metric": "accuracy", "rows": 125, "seed": 1, "clean": INTERVAL | {"value": accuracy},
            "kinds": {"blur": worse, "noise": worse}, "mean": accuracy - 0.2,
        },
        "latency_ms": {"p50": latency, "p90": latency + 1, "p99": latency + 3, "n": 200},
        "throughput": {"1": 300.0, "32": 4200.0},
        "cold_start_seconds": 0.3,
        "peak_memory_bytes": 180_000_000,
        "file_bytes": 221_184 if row.artifact == weights.WEIGHTS else 118_400,
        "parity": {"max_difference": 2e-7, "agreement": 1.0, "limit": 1e-4, "passed": True},
        "runtime": "torch 2.13.0 (cpu)",
        "samples": len(TRUE),
        "rows": {name: packed(column) for name, column in ROWS.items()},
    }  # fmt: skip
    errands.end(row.errand_id, ErrandState.DONE, {"ok": True, **found}, clock.now())
