"""R2, R6: one live lease a device, fences that rise, and an end by healthy silence only."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from contract.timing import LEASE_TTL_S, OUTAGE_GRACE_S
from devices import leases
from devices.models import Device, Lease
from tests.devices.factories import make_device, make_lease

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.postgres"]


def test_a_gang_gets_all_devices_in_order_of_id_with_rising_fences():
    one, two = make_device("one"), make_device("two")
    now = timezone.now()
    made = leases.claim([two, one], attempt_id=7, now=now)
    assert [(lease.device_id, lease.attempt_id) for lease in made] == [(one.pk, 7), (two.pk, 7)]
    assert leases.release(one.pk, attempt_id=7, now=now)
    again = leases.claim([one], errand_id=3, now=now)[0]
    assert again.fence == made[0].fence + 1
    one.refresh_from_db()
    assert one.fence == again.fence


def test_a_fence_goes_with_the_clock_and_rises_when_that_is_set_back():
    one, now = make_device("one"), timezone.now()
    early = leases.claim([one], attempt_id=7, now=now)[0].fence
    leases.release(one.pk, attempt_id=7, now=now)
    late = leases.claim([one], attempt_id=8, now=now + timedelta(hours=1))[0].fence
    leases.release(one.pk, attempt_id=8, now=now)
    assert late - early >= 3_600_000
    assert leases.claim([one], attempt_id=9, now=now)[0].fence == late + 1


def test_a_lease_begins_when_the_one_before_had_ended_though_the_clock_was_set_back():
    one, now = make_device("one"), timezone.now()
    leases.claim([one], attempt_id=7, now=now)
    ended = now + timedelta(minutes=5)
    leases.release(one.pk, attempt_id=7, now=ended)
    [lease] = leases.claim([one], attempt_id=8, now=now + timedelta(minutes=1), ttl=30)
    assert (lease.acquired_at, lease.expires_at) == (ended, now + timedelta(minutes=1, seconds=30))


def test_a_taken_device_rolls_all_of_the_claim_back():
    one, two = make_device("one"), make_device("two")
    make_lease(two)
    with pytest.raises(leases.DeviceTaken) as taken, transaction.atomic():
        leases.claim([one, two], attempt_id=8, now=timezone.now())
    assert taken.value.device == two
    assert leases.live().count() == 1
    one.refresh_from_db()
    assert one.fence == 0


def test_the_database_itself_keeps_a_device_single():
    device = make_device()
    make_lease(device)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_lease(device, attempt_id=2)
    Lease.objects.update(released_at=timezone.now())
    make_lease(device, attempt_id=2)


def test_of_ten_claims_at_once_one_wins_and_fences_have_no_doubles(each_database):
    devices = [make_device("one"), make_device("two")]

    def claim(attempt):
        try:
            with transaction.atomic():
                return [lease.fence for lease in leases.claim(devices, attempt_id=attempt, now=timezone.now())]
        except leases.DeviceTaken:
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        won = [fences for fences in pool.map(claim, range(1, 11)) if fences]
    assert won == [list(Device.objects.order_by("pk").values_list("fence", flat=True))]
    assert leases.live().count() == 2


def test_a_renewal_needs_the_fence_of_the_live_lease():
    device = make_device()
    lease = make_lease(device)
    Lease.objects.update(healthy_ticks=9)
    later = timezone.now() + timedelta(seconds=5)
    renewed = leases.renew(device, lease.fence, later)
    assert renewed.expires_at == later + timedelta(seconds=LEASE_TTL_S)
    assert renewed.healthy_ticks == 0
    assert leases.renew(device, lease.fence - 1, later) is None
    leases.release(device.pk, attempt_id=1, now=later)
    assert leases.renew(device, lease.fence, later) is None


def test_only_its_holder_releases_a_lease_and_once():
    device = make_device()
    make_lease(device, attempt_id=4)
    now = timezone.now()
    assert not leases.release(device.pk, attempt_id=5, now=now)
    assert not leases.release(device.pk, errand_id=4, now=now)
    assert leases.release(device.pk, attempt_id=4, now=now)
    assert not leases.release(device.pk, attempt_id=4, now=now)
    assert leases.holder(device) is None


def test_time_alone_ends_no_lease_and_ticks_alone_neither():
    make_lease(make_device())
    past_it = timezone.now() + timedelta(seconds=LEASE_TTL_S + 1)
    assert leases.expired(past_it) == []
    for _ in range(int(LEASE_TTL_S)):
        assert leases.count_healthy_tick() == 1
    assert leases.expired(timezone.now()) == []
    assert len(leases.expired(past_it)) == 1


def test_a_shortened_lease_needs_fewer_ticks():
    device = make_device()
    lease = make_lease(device)
    now = timezone.now()
    leases.renew(device, lease.fence, now, ttl=5)
    for _ in range(5):
        leases.count_healthy_tick()
    assert len(leases.expired(now + timedelta(seconds=5.1))) == 1


def test_after_our_own_outage_every_live_lease_gets_time():
    old, long = make_device("old"), make_device("long")
    make_lease(old, seconds=-60, healthy_ticks=10)
    make_lease(long, seconds=3600)
    now = timezone.now()
    assert len(leases.expired(now)) == 1
    assert leases.give_grace(now) == 1
    assert leases.expired(now + timedelta(seconds=OUTAGE_GRACE_S - 1)) == []
    for _ in range(int(LEASE_TTL_S)):
        leases.count_healthy_tick()
    assert [lease.device for lease in leases.expired(now + timedelta(seconds=OUTAGE_GRACE_S + 1))] == [old]
    assert Device.objects.get(pk=long.pk).leases.get().expires_at > now + timedelta(seconds=3000)
