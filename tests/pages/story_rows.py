"""Rows and batches out of which `story` makes jobs: data, attempts, curves, results."""

import math
import random
import time
from datetime import timedelta

from django.utils import timezone

from accounts.models import Project, User
from catalog.models import Dataset, DatasetState, DatasetVersion, PreparedData, PreparedState, Recipe
from contract.events import Batch, Event, Frame, LogLine
from devices.models import Device
from jobs import ingest, live, transitions
from jobs.metrics import heads
from jobs.models import Artifact, Attempt, Checkpoint, Evaluation, Job, Rank
from jobs.states import Actor, AttemptState, JobState

GRAPH, WEIGHTS = "77d0" + "0" * 60, "c0de" + "0" * 60
DATA_HASH = "9f3c" + "0" * 60
CLASSES = [str(digit) for digit in range(10)]


def data_of(owner: User) -> tuple[DatasetVersion, PreparedData]:
    dataset, new = Dataset.objects.get_or_create(
        slug="mnist-5k",
        defaults={"project": Project.default(), "owner": owner, "name": "MNIST 5k", "task": "image-classification"},
    )
    if new:
        Dataset.objects.filter(pk=dataset.pk).update(state=DatasetState.READY)
        schema = {"kind": "image", "classes": CLASSES, "items": 5000, "sizes": [], "unreadable": []}
        splits = {name: {"count": count} for name, count in (("train", 4000), ("validation", 500), ("test", 500))}
        DatasetVersion.objects.create(
            dataset=dataset,
            number=1,
            content_hash="ab12" + "0" * 60,
            schema=schema,
            splits=splits,
            items=5000,
            bytes=4**11,
        )
    version = dataset.versions.get()
    recipe = Recipe.objects.get_or_create(
        hash="a1b2" + "0" * 60, defaults={"steps": [{"step": "scale", "to": [0, 1]}]}
    )[0]
    ready = {"state": PreparedState.READY, "hash": DATA_HASH}
    return version, PreparedData.objects.get_or_create(version=version, recipe=recipe, defaults=ready)[0]


def bring_to(made: Job, slugs: list[str], state: str, total_steps: int, steps_per_epoch: float) -> None:
    attempt = an_attempt(made, slugs, number=1, step=0)
    way = {
        "claimed": [JobState.CLAIMED],
        "starting": [JobState.CLAIMED, JobState.STARTING],
    }.get(state, [JobState.CLAIMED, JobState.STARTING, JobState.RUNNING])
    actors = {JobState.CLAIMED: Actor.SCHEDULER}
    for step in way:
        transitions.move(made.pk, step, actor=actors.get(step, Actor.ATTEMPT), attempt=attempt)
        Attempt.objects.filter(pk=attempt.pk).update(state=AttemptState(step.value))
    if state in ("claimed", "starting"):
        return
    proofs = {
        "preprocess": {"data_hash": DATA_HASH, "samples": 4000, "seconds": 1.2},
        "compile": {"graph_hash": GRAPH, "weights_hash": WEIGHTS, "parameters": 55_000, "seconds": 2.4},
    }
    by_rank = {stage: {str(rank): facts for rank in range(len(slugs))} for stage, facts in proofs.items()}
    now = timezone.now()
    Attempt.objects.filter(pk=attempt.pk).update(started_at=now - timedelta(seconds=5))
    Rank.objects.filter(attempt=attempt).update(stage="fine_tune", acknowledged_at=now)
    Job.objects.filter(pk=made.pk).update(
        stage="fine_tune",
        total_steps=total_steps,
        steps_per_epoch=steps_per_epoch,
        proofs=by_rank,
        started_at=now - timedelta(seconds=5),
    )
    live.publish_state(made.pk)


def an_attempt(made: Job, slugs: list[str], number: int, step: int) -> Attempt:
    attempt = Attempt.objects.create(
        job=made, number=number, world_size=len(slugs), state=AttemptState.RUNNING, resumed_from_step=step
    )
    for index, slug in enumerate(slugs):
        Rank.objects.create(attempt=attempt, rank=index, device=Device.objects.get(slug=slug), fence=number)
    return attempt


def open_ranks(job: int) -> list[Rank]:
    return list(Rank.objects.filter(attempt__job_id=job, attempt__ended_at=None).order_by("rank"))


def send(
    rank: Rank, frames: list[Frame] | None = None, log: list[LogLine] | None = None, events: list[Event] | None = None
):
    batch = Batch(rank.last_batch + 1, time.time(), frames or [], log or [], events or [])
    ingest.store(rank, [batch])


def train_frame(rank: int, steps: list[int]) -> Frame:
    chance = random.Random(steps[0] * 31 + rank)
    loss = [2.3 * math.exp(-step / 120) + 0.06 + chance.gauss(0, 0.05 + 0.1 * math.exp(-step / 100)) for step in steps]
    accuracy = [min(1.0, max(0.0, 0.98 - 0.88 * math.exp(-step / 90) + chance.gauss(0, 0.02))) for step in steps]
    speed = [1180 + rank * 40 + chance.gauss(0, 20) for _ in steps]
    columns = {
        "train/loss": [max(value, 0.004) for value in loss],
        "train/accuracy": accuracy,
        "train/samples_per_second": speed,
        "train/step_seconds": [0.052] * len(steps),
        "train/data_seconds": [0.004 + 0.002 * rank] * len(steps),
        "train/compute_seconds": [0.038 + 0.004 * rank] * len(steps),
        "train/wait_seconds": [0.01 - 0.006 * rank] * len(steps),
    }
    now = time.time()
    return Frame(steps, [now - (len(steps) - 1 - index) * 0.0005 for index in range(len(steps))], columns)


def eval_frame(steps: list[int]) -> Frame:
    columns = {
        "eval/loss": [2.1 * math.exp(-step / 130) + 0.11 for step in steps],
        "eval/accuracy": [0.962 - 0.85 * math.exp(-step / 95) for step in steps],
    }
    return Frame(steps, [time.time()] * len(steps), columns)


def leave_results(row: Job, attempt: Attempt) -> None:
    metrics = {"accuracy": 0.958, "f1_macro": 0.957, "loss": 0.141}
    ranks = list(attempt.ranks.all())
    for rank in ranks:
        Evaluation.objects.create(
            job=row,
            attempt=attempt,
            device=rank.device,
            artifact="model.safetensors",
            split="test",
            samples=500,
            metrics=metrics,
        )
    for name, form, size in (
        ("config.json", "json", 812),
        ("model.onnx", "onnx", 224_512),
        ("model.safetensors", "safetensors", 221_184),
        ("README.md", "markdown", 2_304),
    ):
        Artifact.objects.create(
            job=row,
            attempt=attempt,
            name=name,
            format=form,
            bytes=size,
            sha256=f"{abs(hash(name)):064x}"[:64],
            verified_at=timezone.now(),
        )
    for step in (160, 240, 320):
        Checkpoint.objects.create(
            job=row,
            attempt=attempt,
            step=step,
            manifest_hash=f"{step:064x}",
            manifest={"files": []},
            bytes=442_368,
            holders=[r.device_id for r in ranks],
            state="complete",
            metrics={"eval/accuracy": 0.93},
        )
    proofs = row.proofs | {
        "fine_tune": {str(rank.rank): {"weights_hash": WEIGHTS, "seconds": 61.0} for rank in ranks},
        "evaluate": {str(rank.rank): {"metrics": metrics, "samples": 500, "seconds": 0.8} for rank in ranks},
    }
    Job.objects.filter(pk=row.pk).update(proofs=proofs, stage="evaluate", step=row.total_steps)
    heads.rebuild(row.pk)
