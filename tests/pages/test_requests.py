"""How much a page asks for, on a site whose static files are collected as `make up` leaves them."""

import pytest

from tests.pages.browsing import Reader
from tests.pages.site import Site

pytestmark = pytest.mark.browser
MOST_REQUESTS = 15
"""pages.md §14; the socket is none"""


@pytest.fixture(scope="module")
def collected_site(tmp_path_factory):
    running = Site(tmp_path_factory.mktemp("collected"), "config.settings")
    try:
        running.start()
        running.tell("sign_in")
        running.tell("fleet", count=2)
        yield running
    finally:
        running.stop()


@pytest.fixture
def visitor(collected_site, chromium):
    with Reader(collected_site, chromium) as somebody:
        somebody.asked = []
        somebody.page.on("request", lambda request: somebody.asked.append(request.url))
        yield somebody
        somebody.had_no_trouble()


def are_few(asked: list[str]) -> None:
    """What is asked for again is from the browser's cache, or news that came after the page was there."""
    requests = [url for url in dict.fromkeys(asked) if not url.startswith(("blob:", "data:"))]
    assert len(requests) <= MOST_REQUESTS, "\n".join(requests)


def test_home_asks_for_little_and_is_live(collected_site, visitor):
    job = collected_site.tell("job")
    collected_site.tell("feed", job=job, steps=40, log=False)
    page = visitor.open("/")
    page.wait_for_selector("[data-live-indicator][data-live=live]")
    page.wait_for_load_state("networkidle")
    are_few(visitor.asked)
    page.get_by_role("button", name="Keyboard shortcuts").click()
    page.wait_for_selector("#keys-help[open]")


def test_a_running_job_asks_for_little_and_its_charts_never_count_more_than_there_is(collected_site, visitor):
    job = collected_site.tell("job")
    collected_site.tell("feed", job=job, steps=40)
    page = visitor.open(f"/jobs/{job}/")
    assert "Points appear here" not in page.get_by_test_id("chart-loss").inner_text()
    visitor.sees("document.querySelector('[data-chart=loss]').dataset.pointsShown > 80", within=20)
    page.wait_for_load_state("networkidle")
    are_few(visitor.asked)
    for _ in range(5):
        collected_site.tell("feed", job=job, steps=8, log=False)
        counts = visitor.chart("loss")
        assert int(counts["pointsShown"]) <= int(counts["pointsTotal"])
    visitor.sees("document.querySelector('[data-chart=loss]').dataset.lastSeq > 0")
