"""Jobs that went through to the end, with measured weights and files that lie on the server."""

from typing import Any

from django.conf import settings

from jobs import errands
from jobs.models import Artifact, ErrandState, Job
from results.models import Measurement, ResultVersion
from tests.jobs.factories import FakeAgent, bring_to_running, event, make_claimed, make_gang, sha256_of

FILES = {"model.safetensors": "safetensors", "model.onnx": "onnx", "config.json": "json", "card.md": "markdown"}


def succeed(job: Job, agents: list[FakeAgent], accuracies: tuple[float, ...] = (0.9, 0.9)) -> Job:
    """Bring a claimed job to its end: every rank measures the weights, rank 0 leaves the files."""
    if job.state == "claimed":
        bring_to_running(job, *agents)
    for name, kind in FILES.items():
        keep_file(name)
        agents[0].tell(event("artifact", name=name, format=kind, bytes=len(content(name)), sha256=digest(name)))
    Artifact.objects.filter(job=job).update(verified_at=job.created_at)
    for agent, accuracy in zip(agents, accuracies, strict=True):
        measured = {"metrics": {"accuracy": accuracy, "loss": 0.3}, "samples": 10, "split": "test"}
        agent.tell(event("evaluation", 100, artifact="model.safetensors", **measured))
    for agent in agents:
        assert agent.exit().status_code == 200
    job.refresh_from_db()
    assert job.state == "succeeded", (job.state, job.end_reason, job.reason_params)
    return job


def make_result(**parts: Any) -> ResultVersion:
    """A version whose job just succeeded on two devices."""
    agents = make_gang()
    return ResultVersion.objects.get(job=succeed(make_claimed(*agents, **parts), agents))


def answered(measurement: Measurement, **more: Any) -> None:
    """The device has measured it."""
    answer = {
        "ok": True,
        "metrics": {"accuracy": 0.9, "loss": 0.3},
        "samples": 10,
        "latency_ms": {"p50": 2.0, "p90": 3.0, "p99": 4.0, "n": 100},
        "throughput": {"1": 400.0, "32": 9000.0},
        "cold_start_seconds": 0.2,
        "peak_memory_bytes": 50_000_000,
        "file_bytes": 16,
        "runtime": "onnxruntime 1.0",
        "parity": {"max_difference": 1e-6, "agreement": 1.0, "limit": 1e-4, "passed": True},
        "details": {"confusion": [[4, 1], [0, 5]]},
    }
    end(measurement, ErrandState.DONE, answer | more)


def end(measurement: Measurement, state: ErrandState, answer: dict[str, Any]) -> None:
    assert errands.end(measurement.errand_id, state, answer, measurement.created_at)


def keep_file(name: str) -> None:
    folder = settings.FLEETUNE_HOME / "artifacts"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / digest(name)).write_bytes(content(name))


def content(name: str) -> bytes:
    return b"what is in " + name.encode()


def digest(name: str) -> str:
    return sha256_of(content(name).decode())
