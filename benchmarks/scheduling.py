"""A scheduling round over 10,000 waiting jobs and 1,000 devices, measured on both databases.

The wishes differ: a number of any devices, named ones, a label, a kind with memory. Every job waits: that is the
round that comes each second for hours. On a busy machine look at the best time and the CPU time.

    .venv/bin/python -m benchmarks.scheduling [--jobs 10000] [--devices 1000]

Works in a home of its own, which it removes. PostgreSQL comes from its wheel, in a directory of its own.
"""

import argparse
import os
import shutil
import statistics
import tempfile
import time
from datetime import timedelta
from pathlib import Path

HOME = tempfile.mkdtemp(prefix="fleetune-bench-")
os.environ["FLEETUNE_HOME"] = HOME
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django  # noqa: E402 - after the home is named

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from devices.models import Device, Lease  # noqa: E402
from jobs import clock, scheduling  # noqa: E402
from jobs.models import Attempt, Job  # noqa: E402
from tests.devices.factories import make_host  # noqa: E402
from tests.jobs.factories import make_job, make_owner  # noqa: E402
from tests.postgres import a_postgresql, using  # noqa: E402

ROUNDS = 15
PEOPLE = 20
DEVICES_A_HOST = 8


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--devices", type=int, default=1_000)
    options = parser.parse_args()
    try:
        call_command("migrate", verbosity=0)
        measure(options.jobs, options.devices)
        with a_postgresql(Path(HOME) / "pg") as place, using(place):
            call_command("migrate", verbosity=0)
            measure(options.jobs, options.devices)
    finally:
        connection.close()
        shutil.rmtree(HOME, ignore_errors=True)


def measure(jobs: int, devices: int) -> None:
    print(f"database: {connection.vendor}, {jobs:,} waiting jobs, {devices:,} devices")
    a_busy_fleet(devices)
    a_long_queue(jobs)
    connection.cursor().execute("ANALYZE")
    took, worked, writing = [], [], []
    for _ in range(-(-jobs // scheduling.WRITE_AT_MOST) + ROUNDS):
        unexplained = Job.objects.filter(state="pending", wait_reason="").exists()
        began, work = time.perf_counter(), time.process_time()
        with CaptureQueriesContext(connection) as queries:
            started = scheduling.round(clock.now())
        took.append(time.perf_counter() - began)
        worked.append(time.process_time() - work)
        assert started == 0, "every device is busy"
        if unexplained:
            writing.append((took.pop(), worked.pop(), len(queries)))
    assert not Job.objects.filter(state="pending", wait_reason="").exists()
    seconds, work, statements = zip(*writing, strict=True)
    print(
        f"  {len(writing)} rounds that write every reason   p50 {statistics.median(seconds):.3f} s, "
        f"longest {max(seconds):.3f} s, CPU p50 {statistics.median(work):.3f} s, at most {max(statements)} statements"
    )
    print(
        f"  a round after it   best {min(took):.3f} s, p50 {statistics.median(took):.3f} s, "
        f"CPU p50 {statistics.median(worked):.3f} s, {len(queries)} statements"
    )


def a_busy_fleet(count: int) -> None:
    """So many devices, eight a host, every other one with a label, all held by jobs that run."""
    now = clock.now()
    hosts = [make_host(f"host-{number}") for number in range(-(-count // DEVICES_A_HOST))]
    made = [
        Device(
            host=hosts[number // DEVICES_A_HOST], slug=f"device-{number}", name=f"device-{number}", state="online",
            kind="cuda" if number % 4 == 0 else "cpu", index=number, memory_bytes=(16 + number % 64) * 2**30,
            labels=["lab"] if number % 2 else [], last_seen_at=now + timedelta(hours=1),
        )
        for number in range(count)
    ]  # fmt: skip
    devices = Device.objects.bulk_create(made)
    holder = make_job()
    Job.objects.filter(pk=holder.pk).update(state="running")
    attempt = Attempt.objects.create(job=holder, number=1, world_size=count)
    times = {"acquired_at": now, "renewed_at": now, "expires_at": now}
    Lease.objects.bulk_create(Lease(device=one, attempt_id=attempt.pk, fence=1, **times) for one in devices)


def a_long_queue(count: int) -> None:
    people = [make_owner(f"person-{number}") for number in range(PEOPLE)]
    like = make_job()
    fields = {field.attname: getattr(like, field.attname) for field in Job._meta.concrete_fields if field.name != "id"}
    Job.objects.bulk_create(
        (Job(**fields | changes(fields["spec"], people, number)) for number in range(count - 1)), batch_size=500
    )


def changes(spec: dict, people: list, number: int) -> dict:
    kinds = [
        {"count": 1 + number % 8},
        {"ids": [f"device-{number % 997}", f"device-{(number + 1) % 997}"]},
        {"count": 1 + number % 4, "labels": ["lab"]},
        {"count": 2, "kind": "cuda", "min_memory_bytes": (number % 40) * 2**30},
    ]
    wish = spec["devices"] | kinds[number % len(kinds)]
    return {"spec": spec | {"devices": wish}, "owner_id": people[number % PEOPLE].pk, "position": float(number)}


if __name__ == "__main__":
    main()
