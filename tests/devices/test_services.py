"""What people and the reconciler do to devices."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEntry
from contract.problems import Invalid
from contract.timing import OFFLINE_S
from devices import hooks, queries, services, upkeep
from devices.models import Device, DeviceState, Reading
from tests.accounts.factories import make_admin, make_user
from tests.devices.factories import make_credential, make_device, make_lease

pytestmark = pytest.mark.django_db


def test_drain_takes_it_out_of_reach_of_new_jobs_and_resume_brings_it_back():
    device, admin = make_device(), make_admin()
    assert services.drain(device, admin, reason="fan swap")
    assert not services.drain(device, admin)
    assert device.state == DeviceState.DRAINING
    assert list(queries.online()) == []
    assert queries.device_row(device)["drain"] == {"by": "ada", "reason": "fan swap"}
    assert services.resume(device, admin)
    assert not services.resume(device, admin)
    assert list(queries.online()) == [device]
    verbs = AuditEntry.objects.order_by("id").values_list("verb", "reason")
    assert list(verbs) == [("drained", "fan swap"), ("resumed", "")]


def test_an_offline_device_that_drains_stays_offline():
    device = make_device(state=DeviceState.OFFLINE)
    services.drain(device, make_admin())
    assert (device.state, device.draining) == (DeviceState.OFFLINE, True)


def test_what_runs_is_moved_only_when_asked_for(monkeypatch):
    moved = []
    monkeypatch.setattr(hooks, "move_jobs_off", [lambda device, actor: moved.append((device.slug, actor.username))])
    admin = make_admin()
    services.drain(make_device("stays"), admin, running="finish")
    services.drain(make_device("leaves"), admin, running="move")
    assert moved == [("leaves", "ada")]
    with pytest.raises(Invalid):
        services.drain(make_device("odd"), admin, running="jump")


def test_a_busy_device_is_removed_by_force_only():
    device, admin = make_device(), make_admin()
    make_credential(device)
    make_lease(device)
    with pytest.raises(services.Busy):
        services.remove(device, admin)
    assert list(queries.online()) == [device]
    services.remove(device, admin, force=True)
    assert list(queries.online()) == []
    assert not device.credentials.filter(revoked_at=None).exists()
    assert AuditEntry.objects.get(verb="device removed").after == {"by force": True}


def test_names_and_labels_are_checked_and_audited():
    device, admin = make_device(), make_admin()
    services.change(device, admin, name=" bench ", labels=["a", " a", "b", ""])
    assert (device.name, device.labels) == ("bench", ["a", "b"])
    services.change(device, admin, name="bench")
    assert AuditEntry.objects.count() == 1
    for bad in ({"name": ""}, {"name": "x" * 121}, {"name": "a\x07"}, {"labels": ["x" * 61]}, {"labels": "a"}):
        with pytest.raises(Invalid):
            services.change(device, admin, **bad)


def test_silence_is_counted_only_while_we_are_healthy_ourselves():
    now = timezone.now()
    silent = make_device("silent", last_seen_at=now - timedelta(seconds=OFFLINE_S + 1))
    make_device("heard", last_seen_at=now)
    assert services.mark_silent(now, healthy_seconds=OFFLINE_S - 1) == []
    assert services.mark_silent(now, healthy_seconds=OFFLINE_S) == [silent]
    assert services.mark_silent(now, healthy_seconds=OFFLINE_S) == []
    assert Device.objects.get(slug="silent").state == DeviceState.OFFLINE
    assert Device.objects.get(slug="heard").state == DeviceState.ONLINE


def test_whoever_is_in_no_project_sees_no_device():
    make_device()
    assert len(queries.fleet(make_user("viewer", "viewer"))) == 1
    assert queries.fleet(make_user("stranger", "")) == []


def test_a_row_tells_who_holds_the_device():
    device = make_device()
    assert queries.fleet(make_user())[0]["holder"] is None
    make_lease(device, attempt_id=12)
    row = queries.fleet(make_user("olga"))[0]
    assert (row["busy"], row["holder"]) == (True, {"attempt": 12, "errand": None})


def test_a_list_of_devices_costs_few_queries(django_assert_max_num_queries):
    for number in range(20):
        make_lease(make_device(f"d-{number}"))
    user = make_user()
    with django_assert_max_num_queries(4):
        assert len(queries.fleet(user)) == 20


def test_old_readings_are_thinned():
    device, now = make_device(), timezone.now().replace(second=30, microsecond=0)
    ages = [timedelta(seconds=2 * n) for n in range(30)]
    ages += [timedelta(hours=1, seconds=2 * n) for n in range(60)]
    ages += [timedelta(days=2, seconds=2 * n) for n in range(60)]
    ages += [timedelta(days=31)]
    Reading.objects.bulk_create(Reading(device=device, at=now - age, values={"system/cpu_percent": 1}) for age in ages)
    upkeep.housekeeping(now)
    kept = Reading.objects.order_by("-at").values_list("at", flat=True)
    by_age = [(now - at) for at in kept]
    assert sum(age < timedelta(minutes=15) for age in by_age) == 30
    assert sum(timedelta(minutes=15) <= age < timedelta(hours=24) for age in by_age) == 3
    assert sum(age >= timedelta(hours=24) for age in by_age) in (1, 2)
    assert max(by_age) < timedelta(days=30)
    assert upkeep.housekeeping(now)["readings"] == 0
