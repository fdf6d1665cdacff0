"""How busy a device was, as charts of its page."""

from datetime import timedelta

import pytest
from django.utils import timezone

from devices import utilisation
from devices.models import Device, Reading
from tests.accounts.factories import make_user
from tests.devices.factories import make_device

pytestmark = pytest.mark.django_db


def make_readings(device: Device, number: int, **values: float) -> None:
    now = timezone.now()
    rows = [{f"system/{key}": value + index for key, value in values.items()} for index in range(number)]
    Reading.objects.bulk_create(
        Reading(device=device, at=now - timedelta(seconds=2 * (number - index)), values=row)
        for index, row in enumerate(rows)
    )


def test_each_key_that_was_read_has_a_line_and_its_newest_value():
    device = make_device("lab-1-cpu-0")
    make_readings(device, 10, cpu_percent=20, memory_bytes=2**30)
    cpu, memory = utilisation.charts(device)
    assert (cpu.key, cpu.now, len(cpu.path.split())) == ("system/cpu_percent", "29 %", 10)
    assert "20 %" in cpu.words and "29 %" in cpu.words and memory.now.startswith("1")


def test_many_readings_are_thinned_and_the_newest_stays():
    device = make_device("lab-1-cpu-0")
    make_readings(device, 400, cpu_percent=0)
    (cpu,) = utilisation.charts(device)
    assert len(cpu.path.split()) <= utilisation.MOST_POINTS + 1
    assert cpu.now == "399 %"


def test_a_gpu_shows_what_its_driver_says():
    device = make_device("lab-1-gpu-0", kind="cuda")
    make_readings(device, 3, gpu_percent=50, gpu_memory_bytes=2**30, gpu_temperature_celsius=60, gpu_power_watts=200)
    assert [chart.now for chart in utilisation.charts(device)][2:] == ["62 °C", "202 W"]


def test_the_page_and_its_fragment_show_the_chosen_span(client):
    device = make_device("lab-1-cpu-0")
    make_readings(device, 3, cpu_percent=20)
    client.force_login(make_user("maria"))
    page = client.get(f"/devices/{device.slug}/?span=24h").content.decode()
    assert "part=load&amp;span=24h" in page and "system/cpu_percent" in page
    fragment = client.get(f"/devices/{device.slug}/?part=load&span=nonsense").content.decode()
    assert "system/cpu_percent" in fragment
    assert fragment.lstrip().startswith("<div data-poll-url="), "it takes the place of what asked, and asks again"
