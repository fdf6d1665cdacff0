"""The live contract, seen from a browser: points arrive, connections break, nothing is lost and nothing comes twice."""

import time

import pytest

from tests.pages.browsing import CutCord, Reader
from tests.pages.many_pages import ManyPages
from tests.waiting import wait_until

pytestmark = pytest.mark.browser
KEYS = ["train/loss", "eval/loss"]
WAITS = """async (count) => {
  const { waitBefore } = await import("/static/js/live-socket.js");
  return Array.from({ length: count }, () => Array.from({ length: 30 }, (_, failures) => waitBefore(failures + 1)));
}"""

FIRST_SOCKET_STAYS_UNANSWERED = """
  const Answered = WebSocket;
  window.socketsAsked = 0;
  window.WebSocket = new Proxy(Answered, {
    construct(kind, words) {
      window.socketsAsked += 1;
      if (socketsAsked > 1) return new kind(...words);
      return Object.assign(new EventTarget(), { readyState: 0, close() {} });
    },
  });
"""


def test_points_arrive_without_a_reload(site, reader):
    job = site.tell("job")
    site.tell("feed", job=job, steps=30)
    reader.open(f"/jobs/{job}/")
    reader.until(lambda: reader.chart("loss")["pointsTotal"] == "60", about="the first fetch is drawn")
    reader.page.evaluate("window.sameDocument = true")
    site.tell("feed", job=job, steps=5)
    reader.until(lambda: reader.chart("loss")["pointsTotal"] == "70", within=3, about="five steps of two ranks")
    assert reader.page.evaluate("window.sameDocument")
    reader.until(lambda: reader.page.inner_text("[data-progress-text]").startswith("Step 35 of 400"), within=2)
    reader.until(lambda: reader.page.inner_text("[data-live-word]") == "Live", within=2)


def test_a_socket_that_is_cut_for_five_seconds_leaves_no_gap_and_no_double(site, reader):
    job = site.tell("job")
    site.tell("feed", job=job, steps=60)
    cord = CutCord(reader)
    reader.open(f"/jobs/{job}/")
    reader.until(lambda: reader.chart("loss")["pointsTotal"] == "122")
    cord.cut()
    for _ in range(5):
        site.tell("feed", job=job, steps=7)
        reader.page.wait_for_timeout(1000)
    cord.mend()
    site.tell("feed", job=job, steps=7)
    truth = site.tell("stored", job=job, keys=KEYS)

    def settled() -> bool:
        chart = reader.chart("loss")
        return chart["pointsTotal"] == chart["pointsShown"] == str(truth["points"])

    reader.until(settled, within=20, about=f"the chart holds what the store has: {truth}")
    reader.forgives("WebSocket")


def test_a_server_that_restarts_is_found_again_by_a_page_and_a_hundred_others_each_at_its_own_moment(site, reader):
    """They are back within 15 s (bound: 30), and do not fall upon the server in one second."""
    job = site.tell("job")
    site.tell("feed", job=job, steps=20)
    reader.open(f"/jobs/{job}/")
    reader.until(lambda: reader.chart("loss")["pointsTotal"] == "40")
    with hundred_more(site, reader, job) as others:
        wait_until(lambda: others.have(stored(site, job), KEYS), within=60, about="all of them show the job")
        site.stop_web()
        site.tell("feed", job=job, steps=40)
        gone = time.monotonic()
        site.start_web()
        truth = str(stored(site, job)["points"])
        reader.until(lambda: reader.chart("loss")["pointsTotal"] == truth, within=30, about=f"{truth} points")
        reader.until(lambda: reader.page.inner_text("[data-live-word]") == "Live", within=20)
        wait_until(lambda: others.have(stored(site, job), KEYS), within=60, about="all of them have all points")
    assert sum(page.doubles for page in others.pages) == 0
    assert others.most_in_a_second(since=gone) <= 40
    reader.forgives("WebSocket")
    reader.forgives("net::ERR_")


def hundred_more(site, reader, job: int) -> ManyPages:
    headers = {"Cookie": f"{reader.cookie['name']}={reader.cookie['value']}", "Origin": site.url}
    waits = reader.page.evaluate(WAITS, 100)
    return ManyPages(f"{site.url.replace('http', 'ws', 1)}/ws/jobs/{job}/", headers, waits)


def stored(site, job: int) -> dict[str, int]:
    return site.tell("stored", job=job, keys=KEYS)


def test_a_resume_takes_back_the_points_after_its_step(site, reader):
    job = site.tell("job")
    site.tell("feed", job=job, steps=60)
    reader.open(f"/jobs/{job}/")
    reader.until(lambda: reader.chart("loss")["pointsTotal"] == "122")
    site.tell("resume", job=job, after_step=30)
    reader.until(lambda: reader.chart("loss")["pointsTotal"] == "60", about="30 steps of two ranks are left")
    site.tell("feed", job=job, steps=10)
    reader.until(lambda: reader.chart("loss")["pointsTotal"] == "82", about="ten steps, one evaluation")


def test_the_end_is_shown_without_a_reload(site, reader):
    job = site.tell("job", total_steps=80)
    site.tell("feed", job=job, steps=80)
    reader.open(f"/jobs/{job}/")
    reader.until(lambda: reader.chart("loss")["pointsTotal"] == "164")
    reader.page.evaluate("window.sameDocument = true")
    site.tell("end", job=job)
    reader.until(lambda: reader.page.inner_text("[data-testid=job] [data-testid=status]") == "Done")
    reader.until(lambda: reader.page.inner_text("[data-live-word]") == "Ended")
    assert "equal on 2 devices" in reader.page.inner_text("[data-stage=evaluate]")
    assert reader.page.title().startswith("digits on two devices · Done")
    assert reader.page.evaluate("window.sameDocument")


def test_a_paused_page_counts_what_it_does_not_draw(site, reader):
    job = site.tell("job")
    site.tell("feed", job=job, steps=20)
    reader.open(f"/jobs/{job}/")
    reader.until(lambda: reader.chart("loss")["pointsTotal"] == "40")
    reader.page.keyboard.press(".")
    reader.until(lambda: reader.page.inner_text("[data-live-word]") == "Paused")
    reader.page.wait_for_timeout(300)  # what was being drawn is drawn
    revision = reader.chart("loss")["revision"]
    site.tell("feed", job=job, steps=5)
    reader.until(lambda: "20 new points" in reader.page.inner_text("[data-live-indicator]"), about="loss and accuracy")
    assert reader.chart("loss")["revision"] == revision
    reader.page.click("[data-live-indicator]")
    reader.until(lambda: reader.chart("loss")["pointsTotal"] == "50", within=3)


def test_a_silent_job_is_called_stale_though_the_server_speaks(site, reader):
    job = site.tell("job")
    site.tell("feed", job=job, steps=20)
    reader.page.clock.install()
    reader.open(f"/jobs/{job}/")
    reader.until(lambda: reader.page.inner_text("[data-live-word]") == "Live")
    for _ in range(8):
        reader.page.clock.fast_forward(5_000)
        reader.page.wait_for_timeout(200)
    reader.until(lambda: reader.page.inner_text("[data-live-word]") == "Stale")
    assert "No data for" in reader.page.inner_text("[data-live-detail]")


def test_whoever_is_signed_out_is_told_so_and_keeps_the_view(site, chromium):
    job = site.tell("job")
    site.tell("feed", job=job, steps=20)
    with Reader(site, chromium) as reader:
        cord = CutCord(reader)
        reader.open(f"/jobs/{job}/?loss.scale=log")
        reader.until(lambda: reader.chart("loss")["pointsTotal"] == "40")
        site.tell("sign_out", cookie=reader.cookie)
        cord.cut()
        cord.mend()
        reader.until(lambda: reader.page.is_visible("[data-banner=signed-out]"), about="close code 4401")
        assert "loss.scale%3Dlog" in reader.page.get_attribute("[data-sign-in-link]", "href")
        assert reader.chart("loss")["pointsTotal"] == "40"


def test_a_line_that_is_never_answered_is_given_up_and_taken_anew(site, reader):
    job = site.tell("job")
    site.tell("feed", job=job, steps=20)
    reader.page.add_init_script(FIRST_SOCKET_STAYS_UNANSWERED)
    reader.page.clock.install()
    reader.open(f"/jobs/{job}/")
    assert reader.page.inner_text("[data-live-word]") != "Live"
    reader.page.clock.fast_forward(12_000)
    reader.page.clock.fast_forward(500)
    reader.until(lambda: reader.page.inner_text("[data-live-word]") == "Live")
    assert reader.page.evaluate("socketsAsked") == 2


def test_log_lines_follow_and_filter(site, reader):
    job = site.tell("job")
    site.tell("feed", job=job, steps=20)
    reader.open(f"/jobs/{job}/")
    reader.until(lambda: reader.page.locator("[data-log-lines] li").count() == 2)
    site.tell("say", job=job, text="KeyError: 'label'", level="error", rank=1)
    reader.until(lambda: reader.page.locator("[data-log-lines] [data-level=error]").count() == 1)
    reader.page.select_option("[data-log-level]", "error")
    assert reader.page.locator("[data-log-lines] li:visible").count() == 1
    reader.page.click("[data-next-error]")
    assert reader.page.evaluate("location.hash").startswith("#L")


def test_without_sockets_the_page_asks_over_http(site, reader):
    job = site.tell("job")
    site.tell("feed", job=job, steps=20)
    cord = CutCord(reader)
    cord.cut()
    reader.open(f"/jobs/{job}/")
    reader.until(lambda: reader.page.is_visible("[data-banner=polling]"), within=15)
    site.tell("feed", job=job, steps=10)
    reader.until(lambda: reader.chart("loss")["pointsTotal"] == "60", within=10)
    cord.mend()
    reader.until(lambda: not reader.page.is_visible("[data-banner=polling]"), within=20)
    reader.forgives("WebSocket")


def test_a_waiting_job_that_starts_becomes_a_running_page(site, reader):
    job = site.tell("job", name="patience", state="pending")
    site.tell("wait_for", job=job, reason="device_busy", params={"device": "cpu-1", "free": 0, "wanted": 2})
    page = reader.open(f"/jobs/{job}/")
    reader.until(lambda: page.is_visible("[data-testid=plan]"))
    reader.until(lambda: page.inner_text("[data-live-word]") == "Live")
    site.tell("start", job=job)
    site.tell("feed", job=job, steps=12)
    reader.until(lambda: page.locator("[data-lane]").count() == 2, about="a lane per device")
    reader.until(lambda: reader.chart("loss")["pointsTotal"] == "24")
    reader.until(lambda: not page.is_visible("[data-testid=plan]"))
    assert page.locator("[data-log-device] option").count() == 3
    reader.until(lambda: page.get_attribute("[data-stage=fine_tune]", "data-step") == "now")
