"""The system page, `/api/v1/system/` and `/metrics` say how each part is doing; only to admins."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import services as accounts
from config import system
from devices.models import Host
from jobs import invariants, tasks
from jobs.models import Scheduler
from tests.accounts.factories import make_admin, make_user
from tests.devices.factories import make_device, make_lease
from tests.jobs.factories import make_job

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client):
    admin = make_admin()
    client.force_login(admin, backend="django.contrib.auth.backends.ModelBackend")
    return admin


def part(name: str) -> system.Part:
    return next(part for part in system.facts().parts if part.name == name)


def test_every_part_has_its_line_with_a_value(client, admin):
    page = client.get("/system/")
    assert page.status_code == 200
    for name in ("database", "broker", "scheduler", "queue", "leases", "devices", "workers", "promises", "disk"):
        assert f'data-testid="part-{name}"' in page.content.decode()
    assert client.get("/system/?part=parts").content.decode().startswith('\n<div class="stack loose" data-live-region=')


def test_a_broker_that_is_away_is_bad_with_advice_and_the_page_still_opens(client, admin, settings):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    assert part("broker").tone == "bad"
    assert "live updates are off" in part("broker").advice
    page = client.get("/system/").content.decode()
    assert "Something does not work" in page


def test_a_scheduler_that_stands_still_is_bad():
    Scheduler.objects.update_or_create(pk=1, defaults={"last_full_round_at": timezone.now()})
    assert part("scheduler").tone == "ok"
    Scheduler.objects.update(last_full_round_at=timezone.now() - timedelta(seconds=11))
    assert (part("scheduler").tone, part("scheduler").value) == ("bad", "Last round 11 s ago")


def test_the_oldest_lease_is_named_when_it_is_not_renewed():
    lease = make_lease(make_device())
    assert part("leases").tone == "ok"
    lease.renewed_at = timezone.now() - timedelta(seconds=12)
    lease.save()
    assert part("leases").advice == "lab-1-cpu-0 does not renew its lease: its job is moved when it stays silent."


def test_hosts_with_other_agents_are_named():
    make_device()
    Host.objects.update(agent_version="aaa")
    other = Host.objects.create(name="lab-2", agent_version="bbb")
    make_device("lab-2-cpu-0", other, state="offline")
    assert "lab-1: aaa, lab-2: bbb" in part("workers").advice
    assert part("devices").advice == "Offline: lab-2-cpu-0. Start their agents, or remove them."


def test_little_disk_is_told_with_what_to_do(monkeypatch):
    full = type("Space", (), {"total": 1000, "used": 950, "free": 50})
    monkeypatch.setattr(system.shutil, "disk_usage", lambda path: full)
    assert (part("disk").tone, part("disk").value) == ("warn", "50 B of 1000 B free")


def test_the_last_check_of_all_promises_is_shown(admin):
    make_job()
    tasks.check_promises()
    assert part("promises").tone == "ok"
    make_lease(make_device(), attempt_id=99)
    assert len(invariants.check_and_remember()) == 1
    assert part("promises").tone == "bad"
    assert "names no holder" in part("promises").advice


def test_check_now_asks_the_server_worker(client, admin, monkeypatch):
    asked = []
    monkeypatch.setattr(tasks.check_promises, "apply_async", lambda **how: asked.append(how))
    answer = client.post("/system/", follow=True)
    assert asked == [{"retry": False}]
    assert "The check has begun" in answer.content.decode()


def test_prometheus_reads_numbers_with_an_admin_s_token(client):
    make_lease(make_device("lab-1-cpu-0"))
    Host.objects.update(agent_version='a"b')
    token = accounts.make_token(make_admin(), "prometheus", "admin")
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {token}"})
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = answer.content.decode().splitlines()
    assert "# TYPE fleetune_jobs gauge" in lines
    assert 'fleetune_jobs{state="pending"} 0' in lines
    assert 'fleetune_agent_info{host="lab-1",version="a\\"b"} 1' in lines
    assert any(line.startswith('fleetune_lease_age_seconds{device="lab-1-cpu-0"} ') for line in lines)
    assert {line.split("{")[0] for line in lines if not line.startswith("#")} >= {
        "fleetune_database_seconds", "fleetune_scheduler_round_age_seconds", "fleetune_disk_free_bytes",
    }  # fmt: skip


def test_nobody_but_an_admin_sees_any_of_it(client):
    client.force_login(make_user("li"), backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/system/").status_code == 403
    assert client.get("/api/v1/system/").status_code == 403
    assert client.get("/metrics").status_code == 403
    client.logout()
    assert client.get("/metrics").status_code in (401, 403)
    assert client.get("/system/").headers["Location"].startswith("/sign-in/")
