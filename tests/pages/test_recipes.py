"""A recipe as a form: tried on samples, kept under a name, and taken to a job."""

import json

import pytest

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def digits(site):
    return site.tell("imported", builtin="digits-8x8", name="Digits for recipes")


def steps(page) -> list:
    return json.loads(page.input_value("[data-recipe-editor] textarea"))


def chosen(page) -> str:
    return page.locator("[data-which] option:checked").text_content()


def test_steps_are_put_together_tried_kept_and_chosen_for_a_job(site, reader, digits):
    page = reader.open(f"/datasets/{digits}/v/1/samples/")
    page.get_by_text("Try other preprocessing").click()
    page.wait_for_selector("[data-steps] li")
    assert page.input_value("[data-which]") == ""
    page.select_option("[data-add]", "resize")
    added = page.locator("[data-steps] li").last
    assert "same height and width" in added.inner_text()
    added.get_by_label("size").fill("12")
    page.get_by_role("button", name="Show before and after").click()
    page.locator("[data-steps]").get_by_text("Expected [height, width], each from 1 to 1024.").wait_for()
    wrong = page.locator("[data-steps] li").last.get_by_label("size")
    assert wrong.get_attribute("aria-invalid") is not None
    wrong.fill("12, 12")
    page.locator("[data-steps] li").last.get_by_role("button", name="Earlier").click()
    assert [step["step"] for step in steps(page)][-2:] == ["resize", "scale"]
    page.get_by_role("button", name="Show before and after").click()
    page.get_by_text("8 × 8 → 12 × 12").first.wait_for()
    page.fill("[data-keep-name]", "Larger digits")
    page.get_by_role("button", name="Keep", exact=True).click()
    reader.until(lambda: chosen(page) == "Larger digits")
    page.fill("[data-keep-name]", "Larger digits")
    page.get_by_role("button", name="Keep", exact=True).click()
    page.get_by_text("There is a recipe of this name.").wait_for()
    reader.forgives("400")
    page = reader.open(f"/jobs/new/?dataset={digits}")
    page.get_by_text("Other preprocessing").click()
    page.wait_for_selector("[data-steps] li")
    page.select_option("[data-which]", label="Larger digits")
    assert [step["step"] for step in steps(page)] == ["decode", "resize", "scale"]
    reader.until(lambda: "12" in page.input_value("[data-testid=spec-text]"), within=10, about="the spec has the steps")
    page.get_by_label("mode", exact=True).select_option("crop")
    reader.until(lambda: any(step.get("mode") == "crop" for step in steps(page)))
    assert page.input_value("[data-which]") == "own"
    page.select_option("[data-which]", "")
    assert page.input_value("[data-recipe-editor] textarea") == ""


def test_a_name_is_forgotten_and_the_steps_stay(site, reader, digits):
    page = reader.open(f"/jobs/new/?dataset={digits}")
    page.get_by_text("Other preprocessing").click()
    page.wait_for_selector("[data-steps] li")
    page.select_option("[data-add]", "shuffle")
    page.fill("[data-keep-name]", "Shuffled")
    page.keyboard.press("Enter")
    reader.until(lambda: chosen(page) == "Shuffled")
    page.get_by_role("button", name="Forget this name").click()
    reader.until(lambda: chosen(page) == "Steps of your own")
    assert steps(page)[-1]["step"] == "shuffle"
