"""Jobs with attempts and ranks as the metric store needs them, and batches as a rank sends them."""

import itertools
from collections.abc import Sequence

from accounts.models import Project, User
from catalog.models import Dataset, DatasetVersion, PreparedData, Recipe
from contract.events import Batch, Event, Frame, LogLine
from contract.spec import JobSpec
from devices.models import Device, DeviceKind, Host
from jobs.models import Attempt, Job, Rank
from jobs.states import AttemptState, JobState

_numbers = itertools.count(1)
START_TIME = 1_790_000_000.0


def a_device() -> Device:
    number = next(_numbers)
    host = Host.objects.create(name=f"host-{number}")
    return Device.objects.create(host=host, slug=f"cpu-{number}", name=f"CPU {number}", kind=DeviceKind.CPU)


def a_stored_job(*, owner: User | None = None, project: Project | None = None, **fields) -> Job:
    """A running job, without attempt, whose rows exist and whose data do not matter."""
    number = next(_numbers)
    owner = owner or User.objects.create(username=f"user-{number}")
    project = project or Project.default()
    dataset = Dataset.objects.create(project=project, owner=owner, slug=f"data-{number}", name="data", task="t")
    version = DatasetVersion.objects.create(
        dataset=dataset, number=1, content_hash="c" * 64, schema={}, splits={}, items=1, bytes=1
    )
    recipe = Recipe.objects.create(hash=f"{number:064d}", steps=[])
    prepared = PreparedData.objects.create(version=version, recipe=recipe, hash="d" * 64)
    spec = JobSpec.parse({"task": "image-classification", "dataset": dataset.slug, "model": {"source": "conv"}})
    values = {"name": f"job {number}", "spec": spec.to_json(), "task": spec.task, "state": JobState.RUNNING} | fields
    return Job.objects.create(project=project, owner=owner, version=version, prepared=prepared, **values)


def an_attempt(job: Job, number: int = 1, ranks: int = 1, devices: Sequence[Device] = ()) -> list[Rank]:
    """The ranks of a new open attempt; the one before is ended."""
    job.attempts.filter(ended_at=None).update(ended_at=job.created_at, state=AttemptState.FAILED)
    attempt = Attempt.objects.create(job=job, number=number, world_size=ranks, state=AttemptState.RUNNING)
    places = devices or [a_device() for _ in range(ranks)]
    return [
        Rank.objects.create(attempt=attempt, rank=index, device=device, fence=number)
        for index, device in enumerate(places)
    ]


def a_frame(steps: Sequence[int], **columns: Sequence[float]) -> Frame:
    """Points of keys written with `__` for `/`: `a_frame([1, 2], train__loss=[0.5, 0.4])`."""
    times = [START_TIME + step / 100 for step in steps]
    return Frame(list(steps), times, {key.replace("__", "/"): list(values) for key, values in columns.items()})


def a_batch(number: int, *frames: Frame, log: Sequence[LogLine] = (), events: Sequence[Event] = ()) -> Batch:
    return Batch(number, START_TIME + number, list(frames), list(log), list(events))


def losses(first: int, last: int) -> Frame:
    """One point of `train/loss` a step, from `first` to `last`, each with a value of its own."""
    steps = list(range(first, last + 1))
    return a_frame(steps, train__loss=[1 / step for step in steps])
