"""The store against a plain dictionary: whatever batches come, repeat, lack or are withdrawn, it holds the same."""

import math
import struct
from dataclasses import dataclass, field
from itertools import count

import numpy as np
import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs import ingest, withdrawal
from jobs.metrics import heads, read, seal
from jobs.models import Chunk, Frame, Job
from tests.jobs.store_factories import a_batch, a_frame, a_stored_job, an_attempt

pytestmark = pytest.mark.django_db
FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
KEYS = ("train/loss", "train/accuracy", "eval/loss")
VALUES = st.floats(width=64) | st.sampled_from([math.nan, math.inf, -math.inf, -0.0, 5e-324])


@st.composite
def reported_frames(draw):
    first = draw(st.integers(0, 60))
    steps = sorted(draw(st.sets(st.integers(first, first + 30), min_size=1, max_size=12)))
    keys = draw(st.sets(st.sampled_from(KEYS), min_size=1))
    return steps, {key: [draw(VALUES) for _ in steps] for key in sorted(keys)}


ACTIONS = st.lists(
    st.tuples(st.just("send"), st.integers(0, 1), st.lists(reported_frames(), min_size=1, max_size=2))
    | st.tuples(st.just("again"), st.integers(0, 1))
    | st.tuples(st.just("gap"), st.integers(0, 1))
    | st.tuples(st.just("resume"), st.integers(0, 70), st.lists(reported_frames(), max_size=1))
    | st.tuples(st.just("seal")),
    max_size=14,
)


@dataclass
class Model:
    """What must be stored: {(rank, key): {step: value bits}}, and the batches sent by the running attempt."""

    points: dict = field(default_factory=dict)
    sent: dict = field(default_factory=dict)

    def add(self, rank: int, frames) -> None:
        for steps, columns in frames:
            for key, values in columns.items():
                series = self.points.setdefault((rank, key), {})
                for step, value in zip(steps, values, strict=True):
                    series.setdefault(step, bits(value))

    def cut(self, after: int) -> None:
        kept = {name: {s: v for s, v in series.items() if s <= after} for name, series in self.points.items()}
        self.points = {name: series for name, series in kept.items() if series}


def bits(value: float) -> bytes:
    return b"nan" if math.isnan(value) else struct.pack("<d", value)


def stored_points(job: Job) -> dict:
    found: dict = {}
    for rank, key, points in read.exact(read.Wanted(job.pk)):
        series = found.setdefault((rank, key), {})
        for step, value in zip(points.steps.tolist(), points.values.tolist(), strict=True):
            assert step not in series, "a step came twice"
            series[step] = bits(value)
    return found


def as_frames(frames):
    return [a_frame(steps, **columns) for steps, columns in frames]


@FEW
@given(ACTIONS)
def test_the_store_holds_what_a_plain_dictionary_would(small_chunks, actions):
    store_equals_dictionary(actions)


def store_equals_dictionary(actions):
    job = a_stored_job()
    ranks, model, attempts = an_attempt(job, ranks=2), Model(), count(2)
    for name, *arguments in actions:
        if name == "send":
            rank, frames = arguments
            number = model.sent.get(rank, 0) + 1
            assert ingest.store(ranks[rank], [a_batch(number, *as_frames(frames))]) == number
            model.sent[rank] = number
            model.add(rank, frames)
        elif name == "again":
            number = model.sent.get(arguments[0], 0)
            if number:
                other = a_frame([1, 2], train__loss=[7.0, 7.0])
                assert ingest.store(ranks[arguments[0]], [a_batch(number, other)]) == number
        elif name == "gap":
            number = model.sent.get(arguments[0], 0)
            ahead = a_batch(number + 2, a_frame([5], train__loss=[1.0]))
            assert ingest.store(ranks[arguments[0]], [ahead]) == number
        elif name == "seal":
            seal_everything(job, ranks)
        else:
            ranks = resume(job, ranks, model, next(attempts), *arguments)
    assert stored_points(job) == model.points
    heads_equal_a_rebuild(job)


def resume(job, ranks, model, number, after, early):
    """A later attempt whose first points come before the older ones are withdrawn."""
    ranks = an_attempt(job, number=number, ranks=2)
    early = [([after + step + 1 for step in steps], columns) for steps, columns in early]
    model.sent = {0: 1} if early else {}
    if early:
        assert ingest.store(ranks[0], [a_batch(1, *as_frames(early))]) == 1
    with transaction.atomic():
        withdrawal.withdraw(job, after, ranks[0].attempt)
    for rank in ranks:
        rank.attempt.refresh_from_db()
    model.cut(after)
    model.add(0, early)
    return ranks


@transaction.atomic
def seal_everything(job, ranks):
    for rank in ranks:
        head = heads.lock(job.pk, [rank.rank])[rank.rank]
        seal.seal(head, rank.attempt)
        head.save()


def heads_equal_a_rebuild(job):
    kept = {rank: keys for rank, keys in heads.stored(job.pk).items() if keys}
    assert kept == heads.rebuilt(job.pk)


@pytest.fixture
def small_chunks(monkeypatch):
    """Small chunks, so that a few points make many."""
    monkeypatch.setattr(seal, "SEAL_POINTS", 16)
    monkeypatch.setattr(seal, "CHUNK_POINTS", 20)
    monkeypatch.setattr(seal, "SEAL_FRAMES", 4)


def test_a_million_bits_survive_sealing():
    job = a_stored_job()
    (rank,) = an_attempt(job)
    random = np.random.default_rng(1)
    values = random.standard_normal(9000)
    values[[3, 700, 8999]] = [math.nan, math.inf, -math.inf]
    for number in range(9):
        steps = range(number * 1000 + 1, number * 1000 + 1001)
        ingest.store(rank, [a_batch(number + 1, a_frame(steps, train__loss=values[number * 1000 : steps.stop - 1]))])
    points = read.whole(job.pk, 0, "train/loss")
    assert np.array_equal(points.steps, np.arange(1, 9001))
    assert points.values.tobytes() == values.tobytes()
    assert Chunk.objects.filter(job=job).count() >= 1
    assert sum(Chunk.objects.filter(job=job).values_list("count", flat=True)) + sum(
        Frame.objects.filter(job=job).values_list("count", flat=True)
    ) == len(values)
