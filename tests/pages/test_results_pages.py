"""Pages of what was measured: figures are drawn, a red cell says what to do, and a phone shows them too."""

import pytest

from tests.pages.browsing import DESK

pytestmark = pytest.mark.browser
FIGURES = ("pareto-latency", "pareto-size", "reliability", "per-class", "corruption")
DRAWN = "[data-testid=figure-%s] .main-svg .trace"


@pytest.fixture
def addresses(site):
    """Of the result, the page that asks for more, and two tests of the fleet."""
    job = site.tell("job", name="measured digits")
    site.tell("feed", job=job, steps=20, log=False)
    site.tell("end", job=job)
    result, evaluate = site.tell("result_of", job=job), site.tell("measured", job=job)
    return result, evaluate, site.tell("fleet_test"), site.tell("fleet_test", kind="speed"), "/fleet/tests/"


def test_figures_are_drawn_red_cells_say_what_to_do_and_every_page_fits_a_phone(reader, addresses):
    result, evaluate, fit, speed, _history = addresses
    for path in addresses:
        page = reader.open(path)
        reader.passes_axe()
        assert reader.pixels_too_wide(at=360) == 0, path
        page.set_viewport_size(DESK)

    page = reader.open(result)
    for name in FIGURES:
        page.locator(f"[data-testid=figure-{name}]").scroll_into_view_if_needed()
        page.wait_for_selector(DRAWN % name)
    page.get_by_text("checkpoint of step 20").wait_for()

    page = reader.open(evaluate)
    assert page.get_by_test_id("measurement").count() == 5

    page = reader.open(fit)
    red = page.locator("td:has([data-tone=bad])")
    assert red.count() == 1 and "data" in red.first.inner_text().lower()
    reader.open(speed)
    assert "No clear difference" in page.get_by_test_id("fleet-test-state").inner_text()
