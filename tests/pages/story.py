"""What browser tests let happen on their site. Each takes and gives JSON; points go in by `ingest.store`."""

import math
import time
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import transaction
from django.test import RequestFactory
from django.utils import timezone

from accounts import sessions
from accounts.models import Project, User
from config import first_things
from contract.events import Frame, LogLine
from contract.spec import JobSpec
from devices.models import Device
from jobs import live, transitions, withdrawal
from jobs.models import Attempt, Head, Job
from jobs.states import Actor, JobState
from tests.accounts.factories import make_admin, make_user
from tests.devices.factories import make_device, make_host
from tests.pages.story_measured import fleet_test, measured
from tests.pages.story_rooms import (
    connect,
    demo_data,
    facts_of_job,
    imported,
    newest_job,
    offline,
    result_of,
    signin_link,
    uploaded,
    work_off_imports,
    work_off_models,
)
from tests.pages.story_rows import (
    an_attempt,
    bring_to,
    data_of,
    eval_frame,
    leave_results,
    open_ranks,
    send,
    train_frame,
)

__all__ = [
    "connect",
    "demo_data",
    "facts_of_job",
    "fleet_test",
    "imported",
    "measured",
    "newest_job",
    "offline",
    "result_of",
    "signin_link",
    "uploaded",
    "work_off_imports",
    "work_off_models",
]
"""told here, beside those below, so that the stage hand finds them"""


def prepare() -> None:
    """An empty database."""
    call_command("migrate", verbosity=0)


def collect_static() -> None:
    """Static files as `make up` leaves them."""
    first_things.collect_static(settings)


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
    version, prepared = data_of(owner)
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
        bring_to(made, slugs, state, total_steps, steps_per_epoch)
    Job.objects.filter(pk=made.pk).update(**fields)
    return made.pk


def start(job: int, total_steps: int = 400) -> None:
    """A waiting job gets cpu-1 and cpu-2 and runs."""
    bring_to(Job.objects.get(pk=job), ["cpu-1", "cpu-2"], "running", total_steps, 80.0)


def feed(job: int, steps: int, *, log: bool = True, every: int = 1, first: int | None = None) -> int:
    """The next `steps` optimizer steps of every rank, a batch each, with an evaluation each half epoch."""
    ranks = open_ranks(job)
    begin = first or Job.objects.get(pk=job).step + 1
    last = begin + steps - 1
    half = max(1, int(Job.objects.get(pk=job).steps_per_epoch / 2))
    for rank in ranks:
        shown = [step for step in range(begin, last + 1) if step % every == 0] or [last]
        frames = [train_frame(rank.rank, shown)]
        evaluated = [step for step in range(begin, last + 1) if step % half == 0]
        if evaluated:
            frames.append(eval_frame(evaluated))
        text = f"step {last}: loss {frames[0].columns['train/loss'][-1]:.4f}"
        send(rank, frames=frames, log=[LogLine(time.time(), "info", text)] if log else [])
    return last


def say(job: int, text: str, level: str = "info", rank: int = 0) -> None:
    """One line in the log of a rank."""
    send(open_ranks(job)[rank], log=[LogLine(time.time(), level, text)])


def strange(job: int, step: int, value: str = "nan") -> None:
    """A point of train/loss that is not a number, on every rank."""
    for rank in open_ranks(job):
        columns = {"train/loss": [float(value)], "train/accuracy": [0.5]}
        send(rank, frames=[Frame([step], [time.time()], columns)])


def long_series(job: int, points: int) -> None:
    """Many points of train/loss on one rank, with one very high in the middle."""
    rank = open_ranks(job)[0]
    for begin in range(1, points + 1, 5000):
        steps = list(range(begin, min(begin + 5000, points + 1)))
        values = [9.0 if step == points // 2 else 1 / math.sqrt(step) for step in steps]
        send(rank, frames=[Frame(steps, [time.time() - points + step for step in steps], {"train/loss": values})])


def resume(job: int, after_step: int) -> None:
    """The attempt is lost; another goes on from `after_step`, and what lies beyond is withdrawn."""
    row = Job.objects.get(pk=job)
    before = row.attempts.get(ended_at=None)
    slugs = [rank.device.slug for rank in before.ranks.all()]
    Attempt.objects.filter(pk=before.pk).update(state="failed", end_reason="device_lost", ended_at=timezone.now())
    attempt = an_attempt(row, slugs, number=before.number + 1, step=after_step)
    with transaction.atomic():
        withdrawal.withdraw(row, after_step, attempt)


def end(job: int, state: str = "succeeded", reason: str = "", params: dict[str, Any] | None = None) -> None:
    """The running attempt ends, and the job with it."""
    row = Job.objects.get(pk=job)
    attempt = row.attempts.get(ended_at=None)
    if state == "succeeded":
        leave_results(row, attempt)
    now = timezone.now()
    Attempt.objects.filter(pk=attempt.pk).update(state=state, end_reason=reason, ended_at=now)
    facts = {"end_reason": reason, "reason_params": params or {}, "ended_at": now}
    transitions.move(row.pk, JobState(state), actor=Actor.ATTEMPT, attempt=attempt, reason=reason, **facts)


def wait_for(job: int, reason: str, params: dict[str, Any] | None = None) -> None:
    """A waiting job says why it waits."""
    Job.objects.filter(pk=job).update(wait_reason=reason, reason_params=params or {})
    live.publish_state(job)


def stored(job: int, keys: list[str]) -> dict[str, int]:
    """What the store has: highest seq, and how many points of `keys`."""
    found = Head.objects.filter(job_id=job).values_list("keys", flat=True)
    points = sum(head[key]["count"] for head in found for key in keys if key in head)
    return {"seq": Job.objects.get(pk=job).seq, "points": points}
