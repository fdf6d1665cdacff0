"""Every page beside the job's own: nothing wrong for assistive technology, nothing sideways, nothing in the console."""

import pytest

from tests.pages.browsing import DESK, Reader

pytestmark = pytest.mark.browser

NAMES_LONG = "A name that is so long that it needs two lines and then still has to be cut somewhere " + "x" * 30
PATHS = [
    "/",
    "/welcome/",
    "/queue/",
    "/jobs/",
    "/jobs/?q=state:failed",
    "/jobs/?q=nothing-is-called-this",
    "/jobs/new/?dataset={data}",
    "/devices/",
    "/devices/add/",
    "/devices/cpu-1/",
    "/datasets/",
    "/datasets/new/",
    "/datasets/{data}/v/1/",
    "/datasets/{data}/v/1/samples/",
    "/datasets/new/web/",
    "/models/",
    "/results/",
    "{result}",
    "/sweeps/",
    "/sweeps/new/",
    "/system/",
    "/settings/profile/",
    "/settings/tokens/",
    "/settings/security/",
]


@pytest.fixture(scope="module")
def furnished(site):
    """One job in each state that a list tells apart, and real data."""
    data = site.tell("imported", builtin="digits-8x8")
    running = site.tell("job", name=NAMES_LONG)
    site.tell("feed", job=running, steps=60, log=False)
    failed = site.tell("job", name="went wrong")
    site.tell("feed", job=failed, steps=10, log=False)
    site.tell("end", job=failed, state="failed", reason="nan_loss", params={"step": 10, "device": "cpu-1", "rank": 0})
    waiting = site.tell("job", name="waits", state="pending")
    site.tell("wait_for", job=waiting, reason="device_busy", params={"device": "cpu-1", "job": running})
    done = site.tell("job", name="done", demo=True)
    site.tell("feed", job=done, steps=20, log=False)
    site.tell("end", job=done)
    return {"running": running, "data": data, "result": site.tell("result_of", job=done)}


@pytest.fixture(scope="module")
def looked(site, chromium, furnished):
    """Each page opened once: what axe says of it, and by how many pixels it is too wide for a small screen."""
    found, wide = {}, {}
    with Reader(site, chromium) as reader:
        for path in PATHS:
            reader.open(path.format(**furnished))
            reader.had_no_trouble()
            found[path] = reader.axe_finds()
            wide[path] = reader.pixels_too_wide(at=360)
            reader.page.set_viewport_size(DESK)
    return found, wide


def test_axe_finds_nothing(looked):
    found, _ = looked
    assert {path: violations for path, violations in found.items() if violations} == {}


def test_no_page_scrolls_sideways_on_a_small_screen(looked):
    _, wide = looked
    assert {path: pixels for path, pixels in wide.items() if pixels > 0} == {}


def test_axe_finds_no_colour_too_weak_in_the_dark(site, chromium, furnished):
    with Reader(site, chromium, color_scheme="dark") as reader:
        found = {}
        for path in PATHS:
            reader.open(path.format(**furnished))
            reader.had_no_trouble()
            found[path] = reader.axe_finds(runOnly=["color-contrast"])
    assert {path: violations for path, violations in found.items() if violations} == {}


def test_every_list_reads_without_scripts(site, chromium, furnished):
    with Reader(site, chromium, java_script_enabled=False) as reader:
        for path, part in (("/", "waits"), ("/jobs/", "waits"), ("/queue/", "waits"), ("/devices/", "cpu-1")):
            reader.page.goto(site.url + path)
            assert part in reader.page.inner_text("main"), path
