"""The demo from home and the welcome page: run again when it is over, removed after a question, brought back."""

import pytest

pytestmark = pytest.mark.browser


@pytest.fixture
def over(site):
    """A demo job that is over, and the data of the demo."""
    site.tell("demo_data")
    number = site.tell("job", name="shown off", demo=True)
    site.tell("feed", job=number, steps=20, log=False)
    site.tell("end", job=number)
    return number


def test_a_demo_that_is_over_is_run_again_from_home_then_removed_and_brought_back(site, reader, over):
    page = reader.open("/")
    line = page.locator("[data-testid=home-demo][data-state=over]")
    line.get_by_role("button", name="Run it again").click()
    page.wait_for_url("**/jobs/*/")
    assert "The demo begins anew" in page.get_by_test_id("messages").inner_text()
    assert "Handwritten digits, one to watch" in page.locator("h1").inner_text()
    page.goto(f"{site.url}/welcome/")
    page.wait_for_selector("[data-testid=demo][data-state=pending]")
    for name in ("Handwritten digits, the classic", "Handwritten digits, one to watch", "Other handwriting"):
        assert name in page.get_by_test_id("demo").inner_text()

    page.get_by_test_id("remove-demo").click()
    dialog = page.get_by_test_id("demo-removal")
    assert page.evaluate("document.activeElement.innerText") == "Cancel"
    dialog.get_by_role("button", name="Cancel").click()
    page.wait_for_selector("[data-testid=demo-removal]", state="hidden")
    assert page.get_by_test_id("demo").is_visible()

    page.get_by_test_id("remove-demo").click()
    dialog.get_by_role("button", name="Remove demo").click()
    page.wait_for_selector("[data-testid=demo-removed]")
    assert "This page can bring the demo back." in page.get_by_test_id("messages").inner_text()
    assert site.tell("facts_of_job", job=site.tell("newest_job"))["state"] == "cancelled"

    page.wait_for_load_state("load")  # the page listens first
    page.evaluate(
        "document.addEventListener('submit', event =>"
        " { sessionStorage.pressed = event.submitter.getAttribute('aria-busy') })"
    )
    page.get_by_role("button", name="Bring the demo back").click()
    page.wait_for_url("**/jobs/*/")
    assert "Handwritten digits, one to watch" in page.locator("h1").inner_text()
    assert page.evaluate("sessionStorage.pressed") == "true"
    assert site.tell("facts_of_job", job=site.tell("newest_job"))["state"] == "pending"
    page.goto(f"{site.url}/welcome/")
    page.get_by_test_id("remove-demo").click()
    dialog.get_by_role("button", name="Remove demo").click()
    page.wait_for_selector("[data-testid=demo-removed]")
