"""The waiting jobs, in the order in which a round looks at them: priority, then owners in turn, then place.

Within one priority the devices are shared: whoever holds the fewest comes next, and each job that is placed counts for
its owner like one that runs. Demo jobs come last. A job that an admin moved to the top comes before the turns.
"""

import json
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from heapq import heapify, heappop, heapreplace
from itertools import groupby
from typing import Any, NamedTuple, Protocol, TypeVar

from django.db.models import QuerySet, Sum, TextField
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from contract.reasons import WaitReason
from jobs.models import Attempt, Job
from jobs.states import JobState
from jobs.wishes import Wish


class Placed(Protocol):
    """What the order is made from; a `Job` has it too."""

    @property
    def demo(self) -> bool: ...
    @property
    def priority(self) -> int: ...
    @property
    def position(self) -> float: ...
    @property
    def owner_id(self) -> int: ...
    @property
    def devices_wanted(self) -> int: ...


P = TypeVar("P", bound=Placed)


class Waiting(NamedTuple):
    """What a round looks at of a waiting job, read as plain values: there may be ten thousand of them.

    Parts that are alike in many jobs are read from their text once and shared: nobody may change them.
    """

    pk: int
    demo: bool
    priority: int
    position: float
    owner_id: int
    wait_reason: str
    not_before: datetime | None
    created_at: datetime
    started_at: datetime | None
    """None until it has trained"""
    reason_params: dict[str, Any]
    avoid: dict[str, float]
    """{device id: Unix time until which the job shuns it}"""
    wish: Wish
    after: int
    """id of the job that must have ended before, or 0"""
    prepared: int
    prepared_state: str
    prepared_progress: float
    source: int | None
    source_state: str | None
    source_removed_at: datetime | None
    dataset: str
    dataset_removed_at: datetime | None

    @property
    def since(self) -> datetime:
        return max(self.created_at, self.not_before or self.created_at)

    @property
    def devices_wanted(self) -> int:
        return self.wish.count


PLAIN = ("pk", "demo", "priority", "position", "owner_id", "wait_reason", "not_before", "created_at", "started_at")
TEXTS = (Cast("reason_params", TextField()), Cast("avoid", TextField()), KT("spec__devices"), KT("spec__schedule"))
OTHERS = (
    "prepared_id", "prepared__state", "prepared__progress", "source_id", "source__state", "source__removed_at",
    "version__dataset__slug", "version__dataset__removed_at",
)  # fmt: skip


def waiting() -> list[Waiting]:
    """Every waiting job that is not on hold, in the order in which they get devices."""
    rows = queue().values_list(*PLAIN, *TEXTS, *OTHERS)
    return in_fair_order([_read(row) for row in rows], devices_held())


def in_order(jobs: QuerySet[Job]) -> list[int]:
    """Ids of these waiting jobs in the order in which they get devices; those on hold come last."""
    place = {job.pk: number for number, job in enumerate(waiting())}
    ids = jobs.order_by("demo", "-priority", "position", "id").values_list("pk", flat=True)
    return sorted(ids, key=lambda pk: place.get(pk, len(place)))


def queue() -> QuerySet[Job]:
    """The same jobs as rows, by priority and place alone."""
    waiting = Job.objects.filter(state=JobState.PENDING, removed_at=None).exclude(wait_reason=WaitReason.PAUSED)
    return waiting.order_by("demo", "-priority", "position", "id")


def devices_held() -> dict[int, int]:
    """{owner id: devices that their jobs hold now}."""
    open_attempts = Attempt.objects.filter(ended_at=None).values_list("job__owner_id")
    return dict(open_attempts.annotate(held=Sum("world_size")).order_by())


def _read(row: tuple[Any, ...]) -> Waiting:
    reason_params, avoid, devices, schedule = row[len(PLAIN) : len(PLAIN) + len(TEXTS)]
    wish, after = _wanted(devices, schedule)
    parts = (*row[: len(PLAIN)], _parsed(reason_params), _parsed(avoid), wish, after, *row[len(PLAIN) + len(TEXTS) :])
    return Waiting._make(parts)


@lru_cache(maxsize=20_000)
def _parsed(text: str) -> Any:
    return json.loads(text)


@lru_cache(maxsize=20_000)
def _wanted(devices: str, schedule: str) -> tuple[Wish, int]:
    return Wish.of(json.loads(devices), json.loads(schedule)), json.loads(schedule)["after"]


def in_fair_order(jobs: Iterable[P], held: Mapping[int, int]) -> list[P]:
    """`jobs`, which come by priority and place, with the owners of each priority taking turns.

    `held`: devices that owners hold already.
    """
    used = Counter(held)
    ordered: list[P] = []
    for _rank, alike in groupby(jobs, key=lambda job: (job.demo, job.priority)):
        for job in _in_turn(list(alike), used):
            used[job.owner_id] += job.devices_wanted
            ordered.append(job)
    return ordered


def _in_turn(jobs: list[P], used: Counter[int]) -> Iterator[P]:
    """`used` changes between two jobs: it is read anew for the owner whose job was taken."""
    first = [job for job in jobs if job.position < 0]
    yield from first
    of_owner: dict[int, deque[P]] = defaultdict(deque)
    for job in jobs[len(first) :]:
        of_owner[job.owner_id].append(job)
    turns = [(used[owner], mine[0].position, owner) for owner, mine in of_owner.items()]
    heapify(turns)
    while turns:
        _use, _position, owner = turns[0]
        mine = of_owner[owner]
        yield mine.popleft()
        if mine:
            heapreplace(turns, (used[owner], mine[0].position, owner))
        else:
            heappop(turns)
