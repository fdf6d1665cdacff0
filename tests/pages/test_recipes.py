"""A recipe as a form: tried on samples, kept under a name, and taken to a job."""

import json

import pytest

from tests.catalog.data_factories import texts_csv
from tests.pages.browsing import Reader

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def digits(site):
    return site.tell("imported", builtin="digits-8x8", name="Digits for recipes")


def steps(page) -> list:
    return json.loads(page.input_value("[data-recipe-editor] textarea"))


def chosen(page) -> str:
    return page.locator("[data-which] option:checked").text_content()


def names(page) -> list[str]:
    return page.locator("[data-steps] [data-name]").all_text_contents()


def add(page, name: str) -> None:
    there = len(names(page))
    page.select_option("[data-add]", name)
    page.get_by_role("button", name="Add", exact=True).click()
    page.locator("[data-steps] li").nth(there).wait_for()


def of(page, name: str):
    """The step of this name, as it stands in the form."""
    return page.locator("[data-steps] li", has=page.locator("[data-name]", has_text=name))


def opened(reader, digits):
    """New job with the form of its recipe."""
    page = reader.open(f"/jobs/new/?dataset={digits}")
    page.get_by_text("Other preprocessing").click()
    page.wait_for_selector("[data-steps] li")
    return page


def tried(reader, digits):
    """The tab *Samples* with the form of its recipe."""
    page = reader.open(f"/datasets/{digits}/v/1/samples/")
    page.get_by_text("Try other preprocessing").click()
    page.wait_for_selector("[data-steps] li")
    return page


def test_steps_are_put_together_tried_kept_and_chosen_for_a_job(site, reader, digits):
    page = tried(reader, digits)
    assert page.input_value("[data-which]") == ""
    add(page, "resize")
    assert names(page) == ["resize", "scale"]
    assert "same height and width" in of(page, "resize").inner_text()
    of(page, "resize").get_by_label("size").fill("12")
    page.get_by_role("button", name="Show before and after").click()
    page.get_by_test_id("cannot-try").wait_for()
    page.locator("[data-steps] .error", has_text="Expected [height, width], each from 1 to 1024.").wait_for()
    assert page.locator(".error:visible").count() == 1
    wrong = of(page, "resize").get_by_label("size")
    assert wrong.get_attribute("aria-invalid") == "true"
    wrong.fill("[12, 12]")
    page.get_by_role("button", name="Show before and after").click()
    page.get_by_text("8 × 8 → 12 × 12").first.wait_for()
    assert of(page, "resize").get_by_label("size").get_attribute("aria-invalid") is None
    assert of(page, "resize").get_by_label("size").input_value() == "12, 12"
    page.fill("[data-keep-name]", "Larger digits")
    page.get_by_role("button", name="Keep", exact=True).click()
    reader.until(lambda: chosen(page) == "Larger digits")
    page.fill("[data-keep-name]", "Larger digits")
    page.get_by_role("button", name="Keep", exact=True).click()
    page.get_by_text("There is a recipe of this name.").wait_for()
    reader.forgives("400")
    page = opened(reader, digits)
    page.select_option("[data-which]", label="Larger digits")
    assert [step["step"] for step in steps(page)] == ["decode", "resize", "scale"]
    reader.until(lambda: "12" in page.input_value("[data-testid=spec-text]"), within=10, about="the spec has the steps")
    page.get_by_label("mode", exact=True).select_option("crop")
    reader.until(lambda: any(step.get("mode") == "crop" for step in steps(page)))
    assert page.input_value("[data-which]") == "own"
    page.select_option("[data-which]", "")
    assert page.input_value("[data-recipe-editor] textarea") == ""


def test_a_name_is_forgotten_and_the_steps_stay(site, reader, digits):
    page = opened(reader, digits)
    add(page, "shuffle")
    page.fill("[data-keep-name]", "Shuffled")
    page.keyboard.press("Enter")
    reader.until(lambda: chosen(page) == "Shuffled")
    page.get_by_role("button", name="Forget this name").click()
    reader.until(lambda: chosen(page) == "Steps of your own")
    assert steps(page)[-1]["step"] == "shuffle"


def test_the_keyboard_reaches_every_step_and_takes_back_what_it_changed(reader, digits):
    page = opened(reader, digits)
    page.focus("[data-add]")
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    third = page.input_value("[data-add]")
    assert names(page) == ["scale"]
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    reader.until(lambda: third in names(page))
    own = page.input_value("[data-recipe-editor] textarea")
    page.focus("[data-which]")
    page.keyboard.press("ArrowUp")
    reader.until(lambda: page.input_value("[data-recipe-editor] textarea") != own)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.input_value("[data-recipe-editor] textarea") == own
    page.keyboard.press("Enter")
    assert names(page) == ["scale"]
    assert not page.get_by_role("button", name="Undo", exact=True).is_visible()


def test_without_steps_of_ones_own_those_are_shown_that_the_job_takes(reader, digits):
    page = opened(reader, digits)
    words, own = page.get_by_test_id("recipe-words"), page.get_by_text("A job without steps of its own takes these.")
    assert own.is_visible() and "(Chosen for this data)" in words.inner_text()
    of(page, "scale").get_by_label("to").fill("-1, 1")
    reader.until(lambda: "(steps of your own)" in words.inner_text())
    assert not own.is_visible()
    of(page, "scale").get_by_role("button", name="Remove").click()
    assert (names(page), page.input_value("[data-which]")) == (["scale"], "")
    assert own.is_visible() and page.input_value("[data-recipe-editor] textarea") == ""
    reader.until(lambda: "(Chosen for this data)" in words.inner_text())


def test_a_job_is_started_with_the_steps_as_they_stand(reader, digits):
    page = tried(reader, digits)
    add(page, "flip")
    of(page, "flip").get_by_label("probability").fill("0.25")
    page.get_by_test_id("start-with-recipe").click()
    page.wait_for_url("**/jobs/new/**")
    assert [step for step in steps(page) if step["step"] == "flip"] == [{"step": "flip", "probability": 0.25}]
    assert page.is_checked(f"[name=dataset][value={digits}]")


def test_what_is_wrong_with_the_recipe_as_a_whole_stands_above_its_steps(reader, site):
    letters = site.tell("uploaded", name="Letters for recipes", file="texts.csv", text=texts_csv())
    page = opened(reader, letters)
    assert names(page) == ["tokenise"]
    add(page, "redact")
    assert names(page) == ["redact", "tokenise"]
    assert "Expected" in of(page, "redact").get_by_label("what").evaluate(
        "(input) => document.getElementById(input.getAttribute('aria-describedby').split(' ')[0]).textContent"
    )
    of(page, "tokenise").get_by_role("button", name="Remove").click()
    told = page.locator("[data-recipe-errors]").get_by_text("Words are not numbers yet. Add a 'tokenise' step.")
    told.wait_for()
    assert not page.locator("[data-as-json]").evaluate("(part) => part.open")
    assert page.locator("[data-recipe-editor] .error:visible").count() == 1


def test_who_may_not_keep_steps_is_not_asked_for_a_name(site, chromium, digits):
    with Reader(site, chromium, username="vera", role="viewer") as reader:
        page = opened(reader, digits)
        assert page.get_by_role("button", name="Undo").count() == 0
        assert not page.get_by_label("Keep these steps as").is_visible()
        assert not page.get_by_role("button", name="Forget this name").is_visible()
        reader.had_no_trouble()


def test_rows_before_and_after_are_tables_that_scroll_by_themselves_on_a_small_screen(site, reader):
    lines = ["age,height,colour,town,label", *(f"{n},{n / 2},red{n % 3},Long town {n % 9},{n % 2}" for n in range(40))]
    rows = site.tell("uploaded", name="Rows for recipes", file="rows.csv", text="\n".join(lines))
    page = reader.open(f"/datasets/{rows}/v/1/samples/")
    assert reader.pixels_too_wide(at=360) == 0
    prepared = page.get_by_role("region", name="Prepared")
    assert prepared.get_by_role("row").count() == 9
    assert prepared.evaluate("(part) => part.scrollWidth > part.clientWidth && part.tabIndex === 0")
    reader.passes_axe()
