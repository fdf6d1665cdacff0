"""The metric store measured: ingest, overview, all points, bytes a point, lists of 10,000 jobs.

On a busy machine look at the best time and the CPU time; the median is what the neighbours left.

    .venv/bin/python -m benchmarks.metric_store [--points 1000000] [--jobs 10000]

Works in a home of its own, which it removes; on the database of DATABASE_URL when that is set.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

HOME = tempfile.mkdtemp(prefix="fleetune-bench-")
os.environ["FLEETUNE_HOME"] = HOME
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django  # noqa: E402 - after the home is named

django.setup()

import numpy as np  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts.models import User  # noqa: E402
from contract.events import Batch, Frame  # noqa: E402
from jobs import ingest  # noqa: E402
from jobs.metrics import export, read, reduce  # noqa: E402
from jobs.metrics.read import Wanted  # noqa: E402
from jobs.models import Chunk, Head, Job, Latest  # noqa: E402
from jobs.models import Frame as FrameRow  # noqa: E402
from tests.jobs.store_factories import a_stored_job, an_attempt  # noqa: E402

BATCH_POINTS = 1000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--jobs", type=int, default=10_000)
    options = parser.parse_args()
    try:
        call_command("migrate", verbosity=0)
        print(f"database: {connection.vendor}")
        job, client = a_long_job(options.points), Client(HTTP_HOST="localhost")
        reading(job, client, options.points)
        lists(job, client, options.jobs)
        print(f"most memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    finally:
        connection.close()
        shutil.rmtree(HOME, ignore_errors=True)


def a_long_job(count: int) -> Job:
    """Ingest of one series, BATCH_POINTS points a batch, as an agent sends it (parsing included)."""
    job = a_stored_job(owner=User.objects.create_superuser("bench"))
    (rank,) = an_attempt(job)
    before = database_bytes()
    lines = [line_of(number, first) for number, first in enumerate(range(1, count + 1, BATCH_POINTS), 1)]
    began, work = time.perf_counter(), time.process_time()
    for line in lines:
        ingest.store(rank, [Batch.from_json(json.loads(line))])
    seconds, work = time.perf_counter() - began, time.process_time() - work
    say("ingest, 1 key, batches of 1,000", f"{count / seconds:,.0f} points/s; {count / work:,.0f} a second of CPU")
    connection.cursor().execute("VACUUM") if connection.vendor == "sqlite" else None
    say("bytes a point, whole database", f"{(database_bytes() - before) / count:.2f}")
    stored = sum(len(bytes(data)) for data in Chunk.objects.values_list("data", flat=True))
    say("bytes a point, chunk data alone", f"{stored / count:.2f}")
    say("rows", f"{Chunk.objects.count()} chunks, {FrameRow.objects.count()} frames, {Head.objects.count()} heads")
    return job


def line_of(number: int, first: int) -> str:
    random = np.random.default_rng(number)
    steps = np.arange(first, first + BATCH_POINTS)
    times = 1_790_000_000 + steps * 0.01 + random.uniform(0, 0.002, BATCH_POINTS)
    values = 2 * np.exp(-steps / 300_000) + random.normal(0, 0.05, BATCH_POINTS)
    frame = Frame(steps.tolist(), times.tolist(), {"train/loss": values.tolist()})
    return Batch(number, float(times[-1]), [frame]).to_line()


def reading(job: Job, client: Client, count: int) -> None:
    client.force_login(job.owner, backend="django.contrib.auth.backends.ModelBackend")
    wanted, url = Wanted(job.pk, ["train/loss"]), f"/api/v1/jobs/{job.pk}/metrics/?key=train/loss"
    whole = read.whole(job.pk, 0, "train/loss")
    shown = reduce.overview(wanted, 1000)[0, "train/loss"].points
    assert len(whole) == count
    assert whole.values.max() == shown.values.max()
    assert whole.values.min() == shown.values.min()
    timed("overview of all points to 1,000", lambda: reduce.overview(wanted, 1000))
    timed("the same over REST", lambda: got(client, url))
    timed("zoom to a tenth of the steps, over REST", lambda: got(client, f"{url}&first_step=1&last_step={count // 10}"))
    timed("overview with smoothing, over REST", lambda: got(client, f"{url}&smooth=0.9"), times=5)
    timed("all points as arrays", lambda: read.whole(job.pk, 0, "train/loss"), times=5)
    timed("all points as Parquet", lambda: exhausted(export.parquet_pieces(read.exact(wanted))), times=3)
    timed("all points as CSV", lambda: exhausted(export.csv_pieces(read.exact(wanted))), times=1)
    timed("all points as JSON", lambda: exhausted(export.json_pieces(wanted, 0)), times=1)


def lists(first: Job, client: Client, count: int) -> None:
    random = np.random.default_rng(0)
    now = timezone.now()
    values = {f.attname: getattr(first, f.attname) for f in Job._meta.concrete_fields if f.name != "id"}
    values |= {"state": "succeeded", "ended_at": now, "started_at": now}
    jobs = Job.objects.bulk_create([Job(**values | {"name": f"job {n}"}) for n in range(count)], batch_size=500)
    losses = random.normal(1, 0.3, count)
    pairs = list(zip(jobs, losses.tolist(), strict=True))
    Latest.objects.bulk_create([Latest(job=job, key="eval/loss", value=value) for job, value in pairs], batch_size=2000)
    Latest.objects.bulk_create(
        [Latest(job=job, key="train/loss", value=value) for job, value in pairs], batch_size=2000
    )
    connection.cursor().execute("ANALYZE")
    for ordering in ("-id", "name", "eval/loss", "-train/loss"):
        url = f"/api/v1/jobs/?page_size=100&ordering={ordering}"
        timed(f"list of {count + 1:,} jobs, page of 100, by {ordering}", lambda url=url: got(client, url))
    timed("the same, filtered by state and search", lambda: got(client, "/api/v1/jobs/?state=succeeded&search=99"))


def timed(what: str, action: Callable[[], Any], times: int = 15) -> None:
    action()
    taken, worked = [], []
    for _ in range(times):
        began, work = time.perf_counter(), time.process_time()
        action()
        taken.append((time.perf_counter() - began) * 1000)
        worked.append((time.process_time() - work) * 1000)
    say(
        what, f"p50 {statistics.median(taken):.1f} ms, best {min(taken):.1f} ms, CPU {statistics.median(worked):.1f} ms"
    )


def got(client: Client, url: str) -> bytes:
    answer = client.get(url)
    assert answer.status_code == 200, answer.content
    return answer.content


def exhausted(pieces: Any) -> int:
    return sum(len(piece) for piece in pieces)


def database_bytes() -> int:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            pages, size = (cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
            return pages * size
        cursor.execute("SELECT pg_database_size(current_database())")
        return cursor.fetchone()[0]


def say(what: str, figure: str) -> None:
    print(f"{what:<52} {figure}", flush=True)


if __name__ == "__main__":
    main()
