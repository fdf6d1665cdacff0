"""The job page in each of its states, for every reader: with and without scripts, light and dark, wide and narrow."""

import pytest

from tests.pages.browsing import Reader

pytestmark = pytest.mark.browser
TABS = ["", "checkpoints/", "attempts/", "artifacts/", "config/", "events/"]


@pytest.fixture(scope="module")
def jobs(site) -> dict[str, int]:
    """One job in each state that looks different."""
    made = {"running": site.tell("job", tags=["mnist"])}
    site.tell("feed", job=made["running"], steps=60)
    made["done"] = site.tell("job", name="a network that is done", total_steps=80)
    site.tell("feed", job=made["done"], steps=80)
    site.tell("end", job=made["done"])
    made["failed"] = site.tell("job", name="too large a batch")
    site.tell("feed", job=made["failed"], steps=40)
    site.tell("say", job=made["failed"], text="RuntimeError: out of memory", level="error")
    site.tell("end", job=made["failed"], state="failed", reason="out_of_memory", params={"device": "cpu-2", "step": 40})
    made["waiting"] = site.tell("job", name="x" * 120, state="pending")
    site.tell("wait_for", job=made["waiting"], reason="queue_paused", params={"user": "ada"})
    made["starting"] = site.tell("job", name="getting ready", state="starting")
    return made


@pytest.mark.parametrize(
    ("scheme", "states"),
    [("light", ["running", "done", "failed", "waiting", "starting"]), ("dark", ["failed"])],
)
def test_axe_finds_nothing(site, chromium, jobs, scheme, states):
    with Reader(site, chromium, color_scheme=scheme) as reader:
        for state in states:
            reader.open(f"/jobs/{jobs[state]}/")
            reader.until(lambda: reader.chart("loss")["revision"] != "0")
            reader.passes_axe()
        reader.had_no_trouble()


def test_axe_finds_nothing_on_the_tabs(reader, jobs):
    for tab in TABS[1:]:
        reader.open(f"/jobs/{jobs['done']}/{tab}")
        reader.passes_axe()


def test_no_page_scrolls_sideways(site, chromium, jobs):
    pages = [f"/jobs/{number}/" for number in jobs.values()] + [f"/jobs/{jobs['done']}/{tab}" for tab in TABS[1:]]
    with Reader(site, chromium) as reader:
        for path in pages:
            reader.open(path)
            for width in (1024, 768, 360, 320):
                assert reader.pixels_too_wide(at=width) == 0, f"{path} at {width} px"


def test_it_reads_without_scripts(site, chromium, jobs):
    with Reader(site, chromium, java_script_enabled=False) as reader:
        page = reader.open(f"/jobs/{jobs['running']}/")
        text = page.inner_text("main")
        for words in ("Running", "Step 60 of 400", "Same data 9f3c on 2 devices", "Same model 77d0 on 2 devices"):
            assert words in text
        rows = page.locator("[data-chart=loss] noscript table tbody tr, [data-chart=loss] table tbody tr")
        assert rows.count() == 50
        assert page.locator("[data-log-lines] li").count() == 2


def test_a_failed_job_says_where_why_and_what_next(reader, jobs):
    page = reader.open(f"/jobs/{jobs['failed']}/")
    assert "cpu-2 ran out of memory at step 40" in page.inner_text("[data-testid=state-line]")
    assert "RuntimeError: out of memory" in page.inner_text("[data-testid=failure]")
    assert page.locator("[data-stage=fine_tune]").get_attribute("data-step") == "failed"
    assert page.is_visible("text=Try again")


def test_stop_asks_first_and_then_stops(site, reader):
    job = site.tell("job", name="to be stopped")
    page = reader.open(f"/jobs/{job}/")
    stop = page.get_by_role("button", name="Stop", exact=True)
    stop.click()
    assert page.evaluate("document.activeElement.textContent.trim()") == "Cancel"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.textContent.trim()") == "Stop"
    stop.click()
    page.click("dialog[open] button[type=submit]")
    reader.until(lambda: page.inner_text("[data-testid=job] [data-testid=status]") == "Stopping")


def test_a_viewer_sees_no_button_that_changes_anything(site, chromium, jobs):
    with Reader(site, chromium, username="vera", role="viewer") as reader:
        page = reader.open(f"/jobs/{jobs['running']}/")
        assert page.locator("[data-testid=job-actions] button").count() == 0
        assert "Step 60 of 400" in page.inner_text("main")
        answer = page.request.post(f"{site.url}/jobs/{jobs['running']}/do/stop/")
        assert answer.status == 403


def test_what_is_not_there_or_not_visible_is_a_full_page(site, reader):
    page = reader.open("/jobs/999999/")
    assert "There is nothing here that you may see" in page.inner_text("h1")
    reader.forgives("404")


def test_plotly_comes_only_with_a_chart(site, reader, jobs):
    asked: list[str] = []
    reader.page.on("request", lambda request: asked.append(request.url))
    reader.open(f"/jobs/{jobs['done']}/events/")
    reader.page.wait_for_timeout(500)
    assert not [url for url in asked if "plotly-basic" in url]


def test_the_log_is_searched_on_the_server_and_can_be_taken_along(site, chromium, jobs):
    with Reader(site, chromium, java_script_enabled=False) as reader:
        page = reader.open(f"/jobs/{jobs['failed']}/?log=runtimeerror")
        assert page.locator("[data-log-lines] .what").all_inner_texts() == ["RuntimeError: out of memory"]
        page = reader.open(f"/jobs/{jobs['failed']}/?log=nothing-like-it")
        assert "nothing-like-it" in page.inner_text("[data-log-empty]")
        text = page.request.get(f"{site.url}/jobs/{jobs['failed']}/log/").text()
        assert len(text.splitlines()) == 3
        assert text.splitlines()[-1].endswith("cpu-1 error RuntimeError: out of memory")
