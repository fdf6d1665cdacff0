"""What browser tests let happen on their site. Each takes and gives JSON; points go in by `ingest.store`."""

import math
import random
import time
from datetime import timedelta
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.test import RequestFactory
from django.utils import timezone

from accounts import sessions
from accounts.models import Project, User
from catalog.models import Dataset, DatasetState, DatasetVersion, PreparedData, PreparedState, Recipe
from contract.events import Batch, Event, Frame, LogLine
from contract.spec import JobSpec
from devices.models import Device
from jobs import ingest, transitions, withdrawal
from jobs.metrics import heads
from jobs.models import Artifact, Attempt, Checkpoint, Evaluation, Head, Job, Rank
from jobs.states import Actor, AttemptState, JobState
from tests.accounts.factories import make_admin, make_user
from tests.devices.factories import make_device, make_host

GRAPH, WEIGHTS = "77d0" + "0" * 60, "c0de" + "0" * 60
DATA_HASH = "9f3c" + "0" * 60
CLASSES = [str(digit) for digit in range(10)]


def prepare() -> None:
    """An empty database."""
    call_command("migrate", verbosity=0)


def sign_in(username: str = "ada", role: str = "admin") -> dict[str, str]:
    """The session cookie of this person, who is made when not there yet."""
    user = User.objects.filter(username=username).first()
    user = user or (make_admin(username) if role == "admin" else make_user(username, role))
    request = RequestFactory().get("/")
    request.session = import_module(settings.SESSION_ENGINE).SessionStore()
    sessions.sign_in(request, user)
    request.session.save()
    return {"name": settings.SESSION_COOKIE_NAME, "value": request.session.session_key}


def sign_out(cookie: dict[str, str]) -> None:
    import_module(settings.SESSION_ENGINE).SessionStore(cookie["value"]).delete()


def fleet(count: int = 2, host: str = "workbench") -> list[str]:
    """Online CPU devices `cpu-1`, `cpu-2`, … on one host."""
    machine = make_host(host)
    return [make_device(f"cpu-{index}", machine, memory_bytes=8 * 2**30).slug for index in range(1, count + 1)]


def job(
    name: str = "digits on two devices",
    *,
    state: str = "running",
    devices: list[str] | None = None,
    total_steps: int = 400,
    steps_per_epoch: float = 80.0,
    tags: list[str] | None = None,
    **fields: Any,
) -> int:
    """A job in `state`, with an attempt on `devices` unless it waits; its points come by `feed`."""
    owner = User.objects.order_by("pk").first() or make_admin()
    version, prepared = _data(owner)
    body = {"task": "image-classification", "dataset": version.dataset.slug, "model": {"source": "conv"}}
    spec = JobSpec.parse(body | {"name": name, "tags": tags or [], "devices": {"ids": devices or []}}).to_json()
    made = Job.objects.create(
        project=Project.default(),
        owner=owner,
        name=name,
        tags=tags or [],
        spec=spec,
        task=spec["task"],
        version=version,
        prepared=prepared,
        colour=Job.objects.count(),
    )
    transitions.first(made, Actor.USER, owner)
    if state != "pending":
        slugs = devices or list(Device.objects.order_by("pk").values_list("slug", flat=True)[:2])
        _bring_to(made, slugs, state, total_steps, steps_per_epoch)
    Job.objects.filter(pk=made.pk).update(**fields)
    return made.pk


def feed(job: int, steps: int, *, log: bool = True, every: int = 1, first: int | None = None) -> int:
    """The next `steps` optimizer steps of every rank, a batch each, with an evaluation each half epoch."""
    ranks = _ranks(job)
    begin = first or Job.objects.get(pk=job).step + 1
    last = begin + steps - 1
    half = max(1, int(Job.objects.get(pk=job).steps_per_epoch / 2))
    for rank in ranks:
        shown = [step for step in range(begin, last + 1) if step % every == 0] or [last]
        frames = [_train_frame(rank.rank, shown)]
        evaluated = [step for step in range(begin, last + 1) if step % half == 0]
        if evaluated:
            frames.append(_eval_frame(evaluated))
        text = f"step {last}: loss {frames[0].columns['train/loss'][-1]:.4f}"
        _send(rank, frames=frames, log=[LogLine(time.time(), "info", text)] if log else [])
    return last


def say(job: int, text: str, level: str = "info", rank: int = 0) -> None:
    """One line in the log of a rank."""
    _send(_ranks(job)[rank], log=[LogLine(time.time(), level, text)])


def strange(job: int, step: int, value: str = "nan") -> None:
    """A point of train/loss that is not a number, on every rank."""
    for rank in _ranks(job):
        columns = {"train/loss": [float(value)], "train/accuracy": [0.5]}
        _send(rank, frames=[Frame([step], [time.time()], columns)])


def long_series(job: int, points: int) -> None:
    """Many points of train/loss on one rank, with one very high in the middle."""
    rank = _ranks(job)[0]
    for begin in range(1, points + 1, 5000):
        steps = list(range(begin, min(begin + 5000, points + 1)))
        values = [9.0 if step == points // 2 else 1 / math.sqrt(step) for step in steps]
        _send(rank, frames=[Frame(steps, [time.time() - points + step for step in steps], {"train/loss": values})])


def resume(job: int, after_step: int) -> None:
    """The attempt is lost; another goes on from `after_step`, and what lies beyond is withdrawn."""
    row = Job.objects.get(pk=job)
    before = row.attempts.get(ended_at=None)
    slugs = [rank.device.slug for rank in before.ranks.all()]
    Attempt.objects.filter(pk=before.pk).update(state="failed", end_reason="device_lost", ended_at=timezone.now())
    attempt = _attempt(row, slugs, number=before.number + 1, step=after_step)
    from django.db import transaction

    with transaction.atomic():
        withdrawal.withdraw(row, after_step, attempt)


def end(job: int, state: str = "succeeded", reason: str = "", params: dict[str, Any] | None = None) -> None:
    """The running attempt ends, and the job with it."""
    row = Job.objects.get(pk=job)
    attempt = row.attempts.get(ended_at=None)
    if state == "succeeded":
        _leave_results(row, attempt)
    now = timezone.now()
    Attempt.objects.filter(pk=attempt.pk).update(state=state, end_reason=reason, ended_at=now)
    facts = {"end_reason": reason, "reason_params": params or {}, "ended_at": now}
    transitions.move(row.pk, JobState(state), actor=Actor.ATTEMPT, attempt=attempt, reason=reason, **facts)


def wait_for(job: int, reason: str, params: dict[str, Any] | None = None) -> None:
    """A waiting job says why it waits."""
    from jobs import live

    Job.objects.filter(pk=job).update(wait_reason=reason, reason_params=params or {})
    live.publish_state(job)


def stored(job: int, keys: list[str]) -> dict[str, int]:
    """What the store has: highest seq, and how many points of `keys`."""
    found = Head.objects.filter(job_id=job).values_list("keys", flat=True)
    points = sum(head[key]["count"] for head in found for key in keys if key in head)
    return {"seq": Job.objects.get(pk=job).seq, "points": points}


def _data(owner: User) -> tuple[DatasetVersion, PreparedData]:
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


def _bring_to(made: Job, slugs: list[str], state: str, total_steps: int, steps_per_epoch: float) -> None:
    attempt = _attempt(made, slugs, number=1, step=0)
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


def _attempt(made: Job, slugs: list[str], number: int, step: int) -> Attempt:
    attempt = Attempt.objects.create(
        job=made, number=number, world_size=len(slugs), state=AttemptState.RUNNING, resumed_from_step=step
    )
    for index, slug in enumerate(slugs):
        Rank.objects.create(attempt=attempt, rank=index, device=Device.objects.get(slug=slug), fence=number)
    return attempt


def _ranks(job: int) -> list[Rank]:
    return list(Rank.objects.filter(attempt__job_id=job, attempt__ended_at=None).order_by("rank"))


def _send(
    rank: Rank, frames: list[Frame] | None = None, log: list[LogLine] | None = None, events: list[Event] | None = None
):
    batch = Batch(rank.last_batch + 1, time.time(), frames or [], log or [], events or [])
    ingest.store(rank, [batch])


def _train_frame(rank: int, steps: list[int]) -> Frame:
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


def _eval_frame(steps: list[int]) -> Frame:
    columns = {
        "eval/loss": [2.1 * math.exp(-step / 130) + 0.11 for step in steps],
        "eval/accuracy": [0.962 - 0.85 * math.exp(-step / 95) for step in steps],
    }
    return Frame(steps, [time.time()] * len(steps), columns)


def _leave_results(row: Job, attempt: Attempt) -> None:
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
            manifest={},
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


def imported(builtin: str = "digits-8x8", name: str = "") -> str:
    """A dataset that ships with the product, read in for real; its slug."""
    from catalog import services
    from catalog.tasks import import_dataset

    owner = User.objects.order_by("pk").first() or make_admin()
    dataset = services.add_builtin(owner, Project.default(), builtin, name=name or None)
    import_dataset(dataset.pk)
    return dataset.slug


def work_off_imports() -> list[str]:
    """What the server worker would do: read in every dataset that waits for it. Their states."""
    from catalog.tasks import import_dataset

    waiting = list(Dataset.objects.filter(state=DatasetState.IMPORTING).values_list("pk", flat=True))
    for number in waiting:
        import_dataset(number)
    return list(Dataset.objects.filter(pk__in=waiting).values_list("state", flat=True))


def signin_link(username: str) -> str:
    """The path of a fresh one-time link for a person who has no password yet."""
    from accounts.services import make_signin_link

    user = User.objects.filter(username=username).first() or make_user(username)
    return make_signin_link(user)


def connect(slug: str) -> None:
    """The device's agent has come: credential, environment, first heartbeat."""
    from devices import hooks
    from tests.devices.factories import ENVIRONMENT, make_credential

    device = Device.objects.select_related("host").get(slug=slug)
    make_credential(device)
    type(device.host).objects.filter(pk=device.host_id).update(environment=ENVIRONMENT, environment_at=timezone.now())
    Device.objects.filter(pk=device.pk).update(state="online", last_seen_at=timezone.now())
    hooks.tell_fleet_changed()


def offline(slug: str) -> None:
    """The device falls silent."""
    from devices import hooks

    Device.objects.filter(slug=slug).update(state="offline")
    hooks.tell_fleet_changed()


def facts_of_job(job: int) -> dict[str, Any]:
    """What the database says of a job."""
    row = Job.objects.get(pk=job)
    return {"state": row.state, "archived": row.archived, "spec": row.spec, "name": row.name}


def newest_job() -> int:
    return Job.objects.order_by("-pk").values_list("pk", flat=True)[0]
