"""Browser tests: one site a session, a signed-in page a test that remembers whatever went wrong in it."""

import pytest
from playwright.sync_api import sync_playwright

from tests.pages.browsing import ARGUMENTS, CHROMIUM, Reader
from tests.pages.site import Site


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """A running site with an admin `ada` and two devices, cpu-1 and cpu-2."""
    running = Site(tmp_path_factory.mktemp("site"))
    try:
        running.start()
        running.tell("sign_in")
        running.tell("fleet", count=2)
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def reader(site, chromium):
    """Somebody signed in, at a desk: `reader.open("/jobs/3/")`. A console error or a CSP report fails the test."""
    with Reader(site, chromium) as somebody:
        yield somebody
        somebody.had_no_trouble()
