"""F27 and F31: the database's disk is full for a while, or an old copy of the database takes its place."""

import shutil
import subprocess
from pathlib import Path

import pytest
from django.db import connection

from devices.models import Device, Lease
from jobs import clock, scheduling
from jobs.metrics import read
from tests.jobs.factories import make_gang, make_job, make_running
from tests.postgres import using

pytest_plugins = ["tests.postgres"]
DISK_BYTES = 24 * 2**20


@pytest.fixture
def quiet_bells(monkeypatch):
    monkeypatch.setattr("devices.doorbell.ring", lambda ids, payload: len(list(ids)))


@pytest.fixture
def database(django_db_setup, django_db_blocker, fresh_sqlite, quiet_bells):
    """A migrated SQLite file of its own; its settings."""
    config = fresh_sqlite()
    with django_db_blocker.unblock(), using(config):
        yield Path(config["NAME"])


@pytest.fixture
def small_disk(tmp_path):
    """A disk that can really be full."""
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", place], check=True)
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def losses(first: int, count: int = 5) -> dict:
    return {"points": {"train/loss": [1 / step for step in range(first, first + count)]}, "first_step": first}


def stored_steps(job) -> list[list[int]]:
    return [read.whole(job.pk, rank, "train/loss").steps.tolist() for rank in (0, 1)]


def test_devices_go_on_from_what_a_restored_copy_knows_and_what_it_does_not_know_stops(database, tmp_path):
    gang = make_gang(3)
    job = make_running(*gang[:2])
    for agent in gang[:2]:
        agent.tell(**losses(1))
    connection.close()
    shutil.copyfile(database, tmp_path / "copy.sqlite3")
    for agent in gang[:2]:
        agent.tell(**losses(6))
        agent.tell(**losses(11))
    later = make_job(1)
    Device.objects.update(last_seen_at=clock.now())
    scheduling.round(clock.now())
    assert gang[2].assignments()
    restore(tmp_path / "copy.sqlite3", database)

    assert gang[2].lease().status_code == 404
    for agent in gang[:2]:
        assert agent.lease().status_code == 200
        agent.batch = agent.client.get(f"/agent/v1/events?{agent.query}").json()["last_batch"]
        for first in (6, 11):
            agent.tell(**losses(first))
    assert stored_steps(job) == [list(range(1, 16))] * 2
    assert not type(job).objects.filter(pk=later.pk).exists()


def test_a_right_that_the_copy_never_knew_is_not_given_out_again(database, tmp_path):
    """The next attempt may get the number of one that the copy forgot; its fence is another."""
    (agent,) = make_gang(1)
    make_job(1)
    connection.close()
    shutil.copyfile(database, tmp_path / "copy.sqlite3")
    scheduling.round(clock.now())
    agent.assignments()
    forgotten = agent.names
    restore(tmp_path / "copy.sqlite3", database)
    Device.objects.update(last_seen_at=clock.now())
    scheduling.round(clock.now())
    agent.assignments()
    assert agent.names["id"] == forgotten["id"]
    assert agent.names["fence"] > forgotten["fence"]
    agent.held |= forgotten
    assert agent.lease().status_code == 409


@pytest.mark.integration
def test_while_the_databases_disk_is_full_devices_hear_so_and_keep_their_points(
    small_disk, django_db_setup, django_db_blocker, fresh_sqlite, quiet_bells
):
    config = fresh_sqlite()
    shutil.copy(config["NAME"], small_disk / "db.sqlite3")
    with django_db_blocker.unblock(), using(config | {"NAME": str(small_disk / "db.sqlite3")}):
        gang = make_gang()
        job = make_running(*gang)
        fill(small_disk)
        first, answer = 1, None
        while answer is None:
            try:
                gang[0].tell(**losses(first, 2000))
                first += 2000
            except AssertionError as refused:
                answer = str(refused)
        assert "disk is full" in answer
        gang[0].batch -= 1
        assert gang[0].client.get(f"/agent/v1/events?{gang[0].query}").status_code == 200
        (small_disk / "filler").unlink()
        gang[0].tell(**losses(first, 2000))
        assert stored_steps(job)[0] == list(range(1, first + 2000))
        with connection.cursor() as cursor:
            assert cursor.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert Lease.objects.filter(released_at=None).count() == Device.objects.count()


def fill(disk: Path) -> None:
    """To the last byte."""
    with open(disk / "filler", "wb", buffering=0) as file:
        block = b"\0" * 4096
        try:
            while file.write(block) == len(block):
                pass
        except OSError:
            return


def restore(copy: Path, database: Path) -> None:
    connection.close()
    for left in database.parent.glob(f"{database.name}-*"):
        left.unlink()
    shutil.copyfile(copy, database)
