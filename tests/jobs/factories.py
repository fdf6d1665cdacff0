"""Jobs that need no import, and a fake agent that speaks the real protocol through Django's test client."""

import hashlib
import json
import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.test import Client

from accounts.models import Project, User
from catalog.models import Dataset, DatasetState, DatasetVersion, PreparedData, PreparedState
from catalog.services.preparing import keep_recipe
from devices.models import Device
from jobs import clock, file_store, scheduling, services
from jobs.models import Job
from tests.accounts.factories import make_user
from tests.devices.factories import make_credential, make_device

STEPS = [{"step": "scale", "to": [0, 1]}]
SIZE = {"channels": 1, "height": 28, "width": 28}
SCHEMA = {"kind": "image", "classes": ["a", "b"], "items": 100, "sizes": [SIZE], "distinct_sizes": 1}
SCHEMA |= {"width": {"max": 28, "median": 28}, "height": {"max": 28, "median": 28}, "channels": {"1": 100}}
DATA_HASH = "d" * 64


def make_version(owner: User | None = None, slug: str = "shapes", **more: Any) -> DatasetVersion:
    """A ready dataset with one version, as if it had been imported."""
    owner = owner or make_owner()
    dataset = Dataset.objects.create(
        project=Project.default(),
        owner=owner,
        slug=slug,
        name=slug,
        task="image-classification",
        state=DatasetState.READY,
        **more,
    )
    return DatasetVersion.objects.create(
        dataset=dataset,
        number=1,
        content_hash=sha256_of(slug),
        schema=SCHEMA,
        splits={"train": {"count": 80}, "validation": {"count": 10}, "test": {"count": 10}},
        items=100,
        bytes=78_400,
    )


def make_prepared(version: DatasetVersion, state: str = PreparedState.READY, **more: Any) -> PreparedData:
    """Prepared data that lies ready."""
    ready = {"state": state, "hash": DATA_HASH, "manifest": {"hash": DATA_HASH, "files": []}, **more}
    return PreparedData.objects.update_or_create(version=version, recipe=keep_recipe(STEPS), defaults=ready)[0]


def make_owner(username: str = "maria") -> User:
    return User.objects.filter(username=username).first() or make_user(username)


def make_gang(count: int = 2) -> list["FakeAgent"]:
    """So many online devices of one host, and their agents."""
    return [FakeAgent(make_device(f"lab-1-cpu-{index}")) for index in range(count)]


def make_claimed(*agents: "FakeAgent", **parts: Any) -> Job:
    """A job that holds the devices of these agents (of a fresh gang of two without any)."""
    agents = agents or tuple(make_gang())
    job = make_job(count=len(agents), **parts)
    assert scheduling.round(clock.now()) == 1
    job.refresh_from_db()
    return job


def make_running(*agents: "FakeAgent", **parts: Any) -> Job:
    """A job that runs at step 0 on the devices of these agents."""
    job = make_claimed(*agents, **parts)
    bring_to_running(job, *agents)
    return job


def make_job(count: int = 2, *, owner: User | None = None, ids: list[str] | None = None, **parts: Any) -> Job:
    """A waiting job whose data is ready. `parts` are parts of its spec, or `demo`."""
    owner = owner or make_owner()
    version = DatasetVersion.objects.filter(dataset__slug="shapes").first() or make_version(owner)
    make_prepared(version)
    demo = parts.pop("demo", False)
    body = {"task": "image-classification", "dataset": "shapes", "model": {"source": "conv"}, "recipe": STEPS}
    body |= {"devices": {"ids": ids} if ids else {"count": count}, **parts}
    return services.submit(owner, body, via="command", demo=demo)


class FakeAgent:
    """One device: agent, supervisor and rank in one, without a process."""

    def __init__(self, device: Device):
        self.device = device
        self.client = Client(headers={"Authorization": f"Bearer {make_credential(device)}"})
        self.held: dict[str, Any] = {}
        self.batch = 0

    def assignments(self) -> list[dict[str, Any]]:
        answer = self.client.get("/agent/v1/assignments")
        assert answer.status_code == 200, answer.content
        found = answer.json()["assignments"]
        if found and found[0]["id"] != self.held.get("id"):
            self.batch = 0
        self.held = found[0] if found else self.held
        return found

    @property
    def names(self) -> dict[str, Any]:
        return {key: self.held[key] for key in ("kind", "id", "fence")}

    @property
    def query(self) -> str:
        return "&".join(f"{key}={value}" for key, value in self.names.items())

    def post(self, call: str, **body: Any):
        body = {"v": 1, **self.names, **body}
        return self.client.post(f"/agent/v1/{call}", json.dumps(body), content_type="application/json")

    def ack(self, *checkpoints: dict[str, Any]):
        self.assignments()
        return self.post("ack", checkpoints=list(checkpoints))

    def lease(self, **told: Any):
        return self.post("lease", **{"supervisor": {"pid": 1}, "rank_process": {"pid": 2}, **told})

    def tell(self, *events: dict[str, Any], points: dict[str, list[float]] | None = None, first_step: int = 1):
        """The next batch of the rank: events, and points of several keys from `first_step` on."""
        self.batch += 1
        frames = []
        if points:
            steps = list(range(first_step, first_step + len(next(iter(points.values())))))
            frames = [{"steps": steps, "times": [time.time()] * len(steps), "columns": points}]
        batch = {"batch": self.batch, "time": time.time(), "frames": frames, "events": list(events)}
        answer = self.post("events", batches=[batch])
        assert answer.status_code == 200, answer.content
        return answer

    def stage(self, stage: str, state: str = "ended", step: int = 0, **facts: Any):
        return self.tell(event("stage", step, stage=stage, state=state, **facts))

    def prove(self, data: str = DATA_HASH, graph: str = "g", weights: str = "w") -> None:
        """Everything up to step 0."""
        self.tell(event("started", pid=7, cadences={"train/loss": 1}, total_steps=100, steps_per_epoch=20.0))
        self.stage("preprocess", data_hash=data, samples=80)
        self.stage("compile", graph_hash=graph, weights_hash=weights, forward_hash="f", parameters=10)

    def save(self, step: int, manifest: str):
        """Report a checkpoint; `manifest` names its bytes."""
        sha256 = sha256_of(manifest)
        files = {"files": [{"name": "model.safetensors", "bytes": 1, "sha256": sha256}]}
        facts = {"directory": f"step-{step}", "manifest": files, "manifest_sha256": sha256, "bytes": 1, "seconds": 0.1}
        return self.tell(event("checkpoint", step, **facts))

    def exit(self, outcome: str = "succeeded", reason: str = "", gone: bool = True, **params: Any):
        return self.post(
            "exit", outcome=outcome, reason=reason, params=params, last_batch=self.batch, gone=gone, exit_code=0
        )


def sha256_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Run all calls in threads of their own that pass a barrier together; their results in order."""
    barrier, results = threading.Barrier(len(calls)), [None] * len(calls)

    def run(index: int, call: Callable[[], Any]) -> None:
        barrier.wait(10)
        try:
            results[index] = call()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=item) for item in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def event(type: str, step: int = 0, **data: Any) -> dict[str, Any]:
    return {
        "type": type,
        "time": time.time(),
        "step": step,
        "data": data if type != "checkpoint" else {"step": step, **data},
    }


def listed(step: int, manifest: str) -> dict[str, Any]:
    """A checkpoint as a device lists it in its acknowledgement."""
    return {"step": step, "manifest_sha256": sha256_of(manifest), "bytes": 1}


def with_checkpoint(agent: FakeAgent, step: int) -> None:
    """Rank 0 saved, and its copy is on the server."""
    agent.save(step, f"weights {step}")
    path = file_store.path_of("checkpoints", sha256_of(f"weights {step}"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")


def bring_to_running(job: Job, *agents: FakeAgent) -> None:
    """Acknowledge, meet, prove: the job runs at step 0. It must be claimed on the devices of these agents."""
    for agent in agents:
        assert agent.ack().status_code == 200
    for agent in agents:
        assert agent.lease(port=5000, address="127.0.0.1").status_code == 200
        agent.prove()
    job.refresh_from_db()
    assert job.state == "running", (job.state, job.end_reason, job.reason_params)
