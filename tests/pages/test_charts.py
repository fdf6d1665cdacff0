"""Charts: what they draw, what they keep, and what they say about what they do not draw."""

from datetime import UTC, datetime

import pytest

from tests.pages.browsing import Reader

pytestmark = pytest.mark.browser
PLOT = "document.querySelector('[data-chart=loss] [data-chart-plot]')"
RANGE = f"JSON.stringify({PLOT}._fullLayout.xaxis.range.map((x) => Math.round(x)))"


def a_drawn_job(site, reader, *, steps: int = 60, query: str = "", total: str = "122", **more) -> int:
    job = site.tell("job", **more)
    site.tell("feed", job=job, steps=steps)
    reader.open(f"/jobs/{job}/{query}")
    reader.page.locator("[data-chart=loss]").scroll_into_view_if_needed()
    reader.until(lambda: reader.chart("loss")["pointsTotal"] == total, about="drawn")
    return job


def drag(page, selector: str, begin: float, end: float) -> None:
    """From one share of the width to another, at half height."""
    box = page.locator(selector).bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * begin, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * end, y, steps=5)
    page.mouse.up()


def test_zoom_survives_updates_and_has_a_way_back(site, reader):
    job = a_drawn_job(site, reader)
    drag(reader.page, "[data-chart=loss] .nsewdrag", 0.3, 0.6)
    reader.until(lambda: "loss.zoom=" in reader.query())
    zoomed = reader.page.evaluate(RANGE)
    for _ in range(20):
        site.tell("feed", job=job, steps=1, log=False)
    reader.until(lambda: reader.chart("loss")["pointsTotal"] == "164", about="20 more steps and an evaluation")
    assert reader.page.evaluate(RANGE) == zoomed
    assert reader.page.is_visible("[data-chart=loss] [data-chart-follow-chip]")
    reader.page.click("[data-chart=loss] [data-act=zoom-back]")
    reader.until(lambda: reader.page.evaluate(RANGE) == "[1,80]")


def test_a_copied_link_opens_the_same_view(site, reader, chromium):
    job = a_drawn_job(site, reader)
    reader.page.click("[data-chart=loss] [data-act=zoom-in]")
    reader.page.click("[data-chart=loss] [data-act=scale]")
    reader.page.click("[data-chart=loss] [data-line=eval]")
    reader.page.select_option("[data-chart=loss] [data-axis]", "epoch")
    reader.until(lambda: "loss.hide=eval" in reader.query() and "x=epoch" in reader.query())
    with Reader(site, chromium) as another:
        another.open(f"/jobs/{job}/{reader.query()}")
        another.until(lambda: another.chart("loss")["revision"] != "0")
        read = f"JSON.stringify([{PLOT}._fullLayout.xaxis.range, {PLOT}._fullLayout.yaxis.type, {PLOT}.data.length])"
        another.until(lambda: another.page.evaluate(read) == reader.page.evaluate(read))


def test_a_chart_out_of_sight_is_not_drawn(site, chromium):
    with Reader(site, chromium, width=360, height=640) as reader:
        job = a_drawn_job(site, reader)
        reader.page.evaluate("scrollTo(0, 0)")
        reader.page.wait_for_timeout(600)
        before = reader.chart("loss")["revision"]
        site.tell("feed", job=job, steps=10)
        reader.until(lambda: reader.page.inner_text("[data-progress-text]").startswith("Step 70"))
        assert reader.chart("loss")["revision"] == before
        reader.page.locator("[data-chart=loss] [data-chart-figure]").scroll_into_view_if_needed()
        reader.until(lambda: reader.chart("loss")["pointsTotal"] == "142", within=3)
        reader.had_no_trouble()


def test_a_value_that_is_not_a_number_leaves_a_gap_a_marker_and_a_word(site, reader):
    job = a_drawn_job(site, reader)
    site.tell("strange", job=job, step=61)
    reader.until(
        lambda: "not numbers (first: step 61)" in reader.page.inner_text("[data-chart=loss] [data-chart-caption]")
    )
    marks = f"{PLOT}.data.filter((trace) => trace.meta === 'strange').flatMap((trace) => trace.x)"
    assert reader.page.evaluate(marks) == [61, 61]


def test_a_long_line_is_reduced_and_keeps_its_highest_point(site, reader):
    job = site.tell("job", total_steps=24_000, devices=["cpu-1"])
    site.tell("long_series", job=job, points=24_000)
    reader.open(f"/jobs/{job}/?loss.smooth=0")
    reader.until(lambda: reader.chart("loss")["pointsTotal"] == "24000")
    shown = int(reader.chart("loss")["pointsShown"])
    assert 200 < shown <= 4000
    assert f"{shown:,} of 24,000 points" in reader.page.inner_text("[data-chart=loss] [data-chart-caption]")
    assert reader.page.evaluate(f"Math.max(...{PLOT}.data.flatMap((trace) => trace.y))") == 9
    reader.page.click("[data-chart=loss] [data-act=zoom-in]")
    finer = f"{PLOT}.data[0].x.filter((x) => x > 11000 && x < 13000).length"
    reader.until(lambda: reader.page.evaluate(finer) > shown / 4, about="the visible range is fetched more finely")


def test_smoothing_goes_on_live_as_the_server_would_have_done(site, reader):
    job = a_drawn_job(site, reader)
    site.tell("feed", job=job, steps=10)
    reader.until(lambda: reader.chart("loss")["pointsTotal"] == "142")
    last = f"{PLOT}.data.filter((trace) => trace.line.width === 2).map((trace) => trace.y.at(-1).toFixed(9)).join()"
    live = reader.page.evaluate(last)
    reader.page.reload(wait_until="domcontentloaded")
    reader.until(lambda: reader.chart("loss")["pointsTotal"] == "142")
    assert reader.page.evaluate(last) == live


def test_the_keyboard_reads_points_and_turns_the_chart_into_a_table(site, reader):
    job = a_drawn_job(site, reader)
    reader.page.focus("[data-chart=loss] [data-chart-figure]")
    reader.page.keyboard.press("End")
    said = reader.page.inner_text("[data-chart=loss] [data-chart-readout]")
    assert "step 60:" in said, said
    reader.page.keyboard.press("t")
    rows = reader.page.locator("[data-chart=loss] [data-chart-table] tbody tr")
    reader.until(lambda: rows.count() == 60)
    assert rows.first.inner_text().startswith("60")
    site.tell("feed", job=job, steps=1)
    reader.until(lambda: rows.count() == 61, about="the table is live too")
    reader.page.keyboard.press("t")
    reader.until(lambda: reader.page.is_visible("[data-chart=loss] [data-chart-figure]"))


def test_series_of_devices_keep_their_colours(site, reader):
    a_drawn_job(site, reader)
    colours = f"{PLOT}.data.filter((trace) => trace.line.width === 2).map((trace) => trace.line.color)"
    hues = "['1', '2'].map((n) => getComputedStyle(document.documentElement).getPropertyValue(`--ft-hue-${n}`).trim())"
    assert reader.page.evaluate(colours) == reader.page.evaluate(hues)


def test_a_picture_of_the_chart_can_be_saved(site, reader):
    a_drawn_job(site, reader)
    reader.page.click("[data-chart=loss] .toolbar summary")
    with reader.page.expect_download() as saved:
        reader.page.click("[data-chart=loss] [data-act=save-svg]")
    text = saved.value.path().read_text()
    assert "digits on two devices" in text
    assert "cpu-1" in text


def test_wall_time_is_that_of_the_page_not_of_the_browser(site, chromium):
    with Reader(site, chromium, timezone_id="Asia/Shanghai") as reader:
        a_drawn_job(site, reader, query="?x=wall")
        first = reader.page.evaluate(f"{PLOT}.data[0].x[0]")
        now = datetime.now(UTC)
        assert abs((now - datetime.fromisoformat(f"{first}+00:00")).total_seconds()) < 300
        reader.had_no_trouble()
