"""Reading: nothing that is drawn hides an extreme, nothing that is exported differs from what is stored."""

import csv
import io
import json
import math

import numpy as np
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs import ingest
from jobs.metrics import chunks, export, read, reduce, smooth
from jobs.metrics.points import Points
from jobs.metrics.read import Wanted
from jobs.models import Chunk
from tests.jobs.store_factories import a_batch, a_frame, a_stored_job, an_attempt, losses

pytestmark = pytest.mark.django_db
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
COUNT = 60_000


@pytest.fixture
def long_job():
    """60,000 points of noise with one peak and one dip, a not-a-number and an infinity; sealed but for the last."""
    job = a_stored_job()
    (rank,) = an_attempt(job)
    values = np.random.default_rng(3).standard_normal(COUNT)
    values[[12_345, 54_321, 777, 59_990]] = [99.0, -99.0, math.nan, math.inf]
    for number, start in enumerate(range(0, COUNT, 1500), 1):
        steps = range(start + 1, start + 1501)
        ingest.store(rank, [a_batch(number, a_frame(steps, train__loss=values[start : start + 1500]))])
    assert Chunk.objects.filter(job=job).count() > 5
    return job, values


def wanted(job):
    return Wanted(job.pk, ["train/loss"])


@pytest.mark.parametrize("max_points", [20, 100, 1000])
def test_an_overview_keeps_every_extreme(long_job, max_points):
    job, values = long_job
    shown = reduce.overview(wanted(job), max_points)[0, "train/loss"]
    assert len(shown.points) <= max_points
    assert shown.points.values.max() == 99.0
    assert shown.points.values.min() == -99.0
    assert shown.not_finite == [[778, "nan"], [59_991, "inf"]]
    assert shown.points.steps[0] == 1
    assert shown.points.steps[-1] == COUNT
    assert np.array_equal(values[shown.points.steps - 1], shown.points.values)


def test_an_overview_of_few_points_has_them_all(long_job):
    job, values = long_job
    shown = reduce.overview(wanted(job), COUNT)[0, "train/loss"]
    assert shown.points.values.tobytes() == values.tobytes()


@pytest.mark.parametrize("max_points", [100, 1000])
def test_a_zoom_keeps_to_its_range_with_its_highest_and_lowest(long_job, max_points):
    job, values = long_job
    shown = reduce.zoom(wanted(job), 12_000, 20_000, max_points)[0, "train/loss"].points
    inside = values[11_999:20_000]
    assert len(shown) <= max_points
    assert shown.steps.min() >= 12_000
    assert shown.steps.max() <= 20_000
    assert shown.values.max() == 99.0
    assert shown.values.min() == inside.min()


def test_a_short_zoom_is_exact(long_job):
    job, values = long_job
    shown = reduce.zoom(wanted(job), 700, 800, 1000)[0, "train/loss"].points
    assert shown.steps.tolist() == list(range(700, 801))
    assert shown.values.tobytes() == values[699:800].tobytes()


def test_what_came_after_a_cursor_is_all_there(long_job):
    job, _values = long_job
    found = read.stored_after(wanted(job), 39)[0, "train/loss"]
    assert set(range(58_501, 60_001)) <= set(found.steps.tolist())


def test_csv_and_parquet_hold_what_is_stored(long_job):
    job, values = long_job
    text = b"".join(export.csv_pieces(read.exact(wanted(job)))).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [int(row["step"]) for row in rows] == list(range(1, COUNT + 1))
    assert np.array([float(row["value"]) for row in rows]).tobytes() == values.tobytes()
    data = b"".join(export.parquet_pieces(read.exact(wanted(job))))
    table = pyarrow.parquet.read_table(io.BytesIO(data))
    assert table["step"].to_pylist() == list(range(1, COUNT + 1))
    assert table["value"].to_numpy().tobytes() == values.tobytes()
    assert set(table["key"].to_pylist()) == {"train/loss"}


def test_all_points_as_json_are_the_same_and_name_what_is_not_finite(long_job):
    job, values = long_job
    answer = json.loads(b"".join(export.json_pieces(wanted(job), 40)))
    (series,) = answer["series"]
    assert answer["cursor"] == 40
    assert series["steps"] == list(range(1, COUNT + 1))
    assert series["not_finite"] == [[778, "nan"], [59_991, "inf"]]
    assert series["values"][777] is None
    assert [value for value in series["values"] if value is not None] == values[np.isfinite(values)].tolist()
    assert series["times"][0].endswith("Z")


def test_a_key_that_looks_like_a_formula_is_text_to_a_spreadsheet():
    """S34"""
    for key in ("=1+1", "+x", "-x", "@x", "\tx", "＝x"):
        assert export.csv_text(key).lstrip('"').startswith("'")
    assert export.csv_text("train/loss") == "train/loss"
    points = Points.of([1], [0], [-0.5])
    assert b",-0.5\n" in b"".join(export.csv_pieces([(0, "=evil", points)]))


STEPS = st.lists(st.integers(0, 2**40), min_size=1, max_size=60, unique=True).map(sorted)


@FEW
@given(STEPS, st.randoms(use_true_random=False))
def test_a_chunk_comes_back_bit_by_bit(steps, random):
    values = [random.choice([random.gauss(0, 1), math.nan, math.inf, -0.0, 1e-320]) for _ in steps]
    points = Points.of(steps, [random.randint(0, 2**41) for _ in steps], values)
    back = chunks.decode(chunks.encode(points), len(points))
    assert back.steps.tobytes() == points.steps.tobytes()
    assert back.times.tobytes() == points.times.tobytes()
    assert back.values.tobytes() == points.values.tobytes()


@FEW
@given(STEPS, st.randoms(use_true_random=False))
def test_a_summary_says_what_its_chunk_holds(steps, random):
    values = np.array([random.choice([random.gauss(0, 1), math.nan, math.inf]) for _ in steps])
    summary = chunks.summary(Points.of(steps, [0] * len(steps), values))
    finite = values[np.isfinite(values)]
    assert summary["first"][0] == steps[0]
    assert summary["last"][0] == steps[-1]
    assert summary["not_finite_count"] == len(values) - len(finite)
    if len(finite):
        assert summary["min"][2] == finite.min() == min(summary["sketch"][2])
        assert summary["max"][2] == finite.max() == max(summary["sketch"][2])


def test_bytes_of_another_form_are_refused():
    data = chunks.encode(Points.of([1, 2], [0, 0], [1.0, 2.0]))
    with pytest.raises(ValueError, match="unknown format"):
        chunks.decode(b"\x02" + data[1:], 2)
    with pytest.raises(ValueError, match="expected"):
        chunks.decode(data, 3)


@FEW
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=3000), st.sampled_from([0.0, 0.1, 0.6, 0.9, 0.99]))
def test_smoothing_equals_the_plain_loop(values, weight):
    points = Points.of(range(len(values)), [0] * len(values), values)
    line, state = smooth.smoothed(points, weight)
    average, count, expected = 0.0, 0, []
    for value in values:
        average, count = weight * average + (1 - weight) * value, count + 1
        expected.append(average / (1 - weight**count))
    assert np.allclose(line.values, expected, rtol=1e-9, atol=1e-6)
    assert math.isclose(state.average, average, rel_tol=1e-9, abs_tol=1e-6)
    assert state.count == count


def test_smoothing_passes_over_what_is_not_finite():
    points = Points.of([1, 2, 3], [0, 0, 0], [1.0, math.nan, 3.0])
    line, state = smooth.smoothed(points, 0.5)
    assert line.steps.tolist() == [1, 3]
    assert state.count == 2


def test_a_key_pattern_and_a_rank_choose_series():
    job = a_stored_job()
    ranks = an_attempt(job, ranks=2)
    for rank in ranks:
        ingest.store(rank, [a_batch(1, a_frame([1], train__loss=[1.0], train__accuracy=[0.5], eval__loss=[2.0]))])
    assert list(read.totals(Wanted(job.pk, ["train/*"], [1]))) == [(1, "train/accuracy"), (1, "train/loss")]
    assert list(read.totals(Wanted(job.pk, ["eval/loss"]))) == [(0, "eval/loss"), (1, "eval/loss")]
    found = [(rank, key) for rank, key, _points in read.exact(Wanted(job.pk, ["*loss"]))]
    assert found == [(0, "eval/loss"), (1, "eval/loss"), (0, "train/loss"), (1, "train/loss")]


def test_memory_stays_bounded_while_everything_is_read(long_job):
    job, _values = long_job
    largest = max(len(points) for _rank, _key, points in read.exact(wanted(job)))
    assert largest < 10_000


def test_late_points_among_sealed_ones_are_in_their_place():
    job = a_stored_job()
    (rank,) = an_attempt(job)
    for number in range(1, 12):
        ingest.store(rank, [a_batch(number, losses(number * 1000, number * 1000 + 499))])
    assert Chunk.objects.filter(job=job).exists()
    ingest.store(rank, [a_batch(12, losses(1400, 1600))])
    steps = read.whole(job.pk, 0, "train/loss").steps
    assert np.all(np.diff(steps) > 0)
    assert set(range(1000, 1601)) <= set(steps.tolist())
