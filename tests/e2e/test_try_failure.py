"""*Try a failure* in a browser, on the running demo: a rank dies, the page shows the recovery as it happens."""

import re
import shutil

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.e2e.stack import Stack
from tests.pages.browsing import ARGUMENTS, CHROMIUM
from tests.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.browser]


@pytest.fixture
def demo(tmp_path, fresh_home):
    """A Fleetune whose demo job to watch has just begun to train."""
    shutil.copytree(fresh_home, tmp_path / "home")
    stack = Stack(tmp_path / "home", demo=True)
    try:
        stack.start(within=240)
        job = next(job["id"] for job in stack.api("GET", "/jobs/")[1]["results"] if "to watch" in job["name"])
        wait_until(lambda: stack.job(job)["step"] > 20, within=180, about="the demo trains", every=0.5)
        yield stack, job
    finally:
        stack.stop()


@pytest.fixture
def page(demo):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page()
        page.goto(demo[0].link)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_selector("[data-testid=user-menu]")
        yield page
        browser.close()


def test_an_admin_kills_a_rank_of_the_demo_and_watches_it_come_back(demo, page: Page):
    stack, job = demo
    page.goto(f"{stack.url}/jobs/{job}/")
    page.get_by_test_id("try-rank").click()
    page.wait_for_selector("[data-testid=recovery]", timeout=60_000)
    recovery = page.get_by_test_id("recovery")
    wait_until(lambda: "goes on from step" in recovery.inner_text(), within=120, about="the page shows it", every=0.25)
    told = recovery.inner_text()
    assert re.search(r"\+0\.0 s\s+The training process on \S+ was killed", told), told
    first, second = stack.job(job)["attempts"]
    assert (first["end_reason"], second["number"]) == ("killed", 2)
