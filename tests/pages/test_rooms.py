"""Every page beside the job's own: nothing wrong for assistive technology, nothing sideways, nothing in the console."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.pages.browsing import Reader

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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(site, chromium, furnished, scheme):
    with Reader(site, chromium, color_scheme=scheme) as reader:
        found = {}
        for path in PATHS:
            reader.open(path.format(**furnished))
            reader.had_no_trouble()
            results = Axe().run(reader.page, options={"preload": False})
            if results.violations_count:
                found[path] = [
                    (row["id"], [node["html"][:160] for node in row["nodes"][:3]])
                    for row in results.response["violations"]
                ]
        assert found == {}


def test_no_page_scrolls_sideways_on_a_small_screen(site, chromium, furnished):
    with Reader(site, chromium, width=360, height=780) as reader:
        wide = {}
        for path in PATHS:
            reader.open(path.format(**furnished))
            over = reader.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            if over > 0:
                wide[path] = over
        assert wide == {}


def test_every_list_reads_without_scripts(site, chromium, furnished):
    with Reader(site, chromium, java_script_enabled=False) as reader:
        for path, part in (("/", "waits"), ("/jobs/", "waits"), ("/queue/", "waits"), ("/devices/", "cpu-1")):
            reader.page.goto(site.url + path)
            assert part in reader.page.inner_text("main"), path
