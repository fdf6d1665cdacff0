"""Starting a job in the browser: the form alone, the form with its text, presets, mistakes, clone, draft."""

import json

import pytest

from tests.catalog.data_factories import texts_csv
from tests.contract.keras_models import three_layers
from tests.pages.browsing import Reader

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def digits(site):
    return site.tell("imported", builtin="digits-8x8", name="Digits for forms")


def checked(reader):
    """The server has answered the last change."""
    reader.sees("document.querySelector('[data-draft-state]').textContent === 'Draft kept'", within=15)


def test_data_and_start_is_enough(site, reader, digits):
    page = reader.open(f"/jobs/new/?dataset={digits}")
    page.get_by_test_id("start").click()
    page.wait_for_url("**/jobs/*/")
    made = site.tell("facts_of_job", job=site.tell("newest_job"))
    assert made["spec"]["dataset"] == digits
    assert made["spec"]["devices"]["count"] == 2
    reader.open("/jobs/")
    assert page.get_by_test_id("job-row").first.inner_text().count(made["name"]) == 1


def test_what_devices_must_be_like_and_when_they_are_lost_is_said_in_the_form(site, reader, digits):
    page = reader.open(f"/jobs/new/?dataset={digits}")
    page.get_by_test_id("device-needs").locator("summary").click()
    page.select_option("[name='devices.kind']", "cpu")
    page.fill("[name='devices.labels']", "lab, quiet")
    page.fill("[name='devices.min_memory_bytes']", "0.5")
    page.get_by_test_id("device-loss").locator("summary").click()
    page.fill("[name='schedule.min_devices']", "3")
    page.wait_for_selector("[data-errors-of='schedule.min_devices'] .error")
    page.fill("[name='schedule.min_devices']", "1")
    page.select_option("[name='schedule.preemptible']", "true")
    checked(reader)
    reader.sees("!document.querySelector('[data-testid=problems]')")
    page.get_by_test_id("start").click()
    page.wait_for_url("**/jobs/*/")
    spec = site.tell("facts_of_job", job=site.tell("newest_job"))["spec"]
    asked = {name: spec["devices"][name] for name in ("kind", "labels", "min_memory_bytes")}
    assert asked == {"kind": "cpu", "labels": ["lab", "quiet"], "min_memory_bytes": 2**29}
    assert (spec["schedule"]["min_devices"], spec["schedule"]["preemptible"]) == (1, True)


def test_a_job_starts_without_scripts(site, chromium, digits):
    with Reader(site, chromium, java_script_enabled=False) as reader:
        page = reader.open(f"/jobs/new/?dataset={digits}")
        page.fill("[name='training.num_train_epochs']", "3")
        page.fill("[name=name]", "by hand")
        page.get_by_test_id("start").click()
        made = site.tell("facts_of_job", job=site.tell("newest_job"))
        assert (made["name"], made["spec"]["training"]["num_train_epochs"]) == ("by hand", 3)


def test_form_and_text_stay_in_step(reader, digits):
    page = reader.open(f"/jobs/new/?dataset={digits}")
    page.locator("#raw > summary").click()
    page.fill("[name='training.learning_rate']", "0.02")
    checked(reader)
    text = page.get_by_test_id("spec-text")
    assert "learning_rate: 0.02" in text.input_value()
    text.fill(text.input_value().replace("learning_rate: 0.02", "learning_rate: 3e-4").replace("seed: 42", "seed: 7"))
    reader.sees("document.querySelector(\"[name='training.learning_rate']\").value === '0.0003'")
    assert page.input_value("[name='training.seed']") == "7"
    page.select_option("#raw-language", "json")
    reader.sees("document.querySelector('#spec-text').value.startsWith('{')")
    assert '"seed": 7' in text.input_value()


def test_a_mistake_is_named_at_its_field_and_in_the_text(reader, digits):
    page = reader.open(f"/jobs/new/?dataset={digits}")
    page.fill("[name='training.learning_rate']", "fast")
    page.wait_for_selector("[data-errors-of='training.learning_rate'] .error")
    assert "Expected a finite number." in page.get_by_test_id("problems").inner_text()
    page.locator("#raw > summary").click()
    text = page.get_by_test_id("spec-text")
    text.fill("task: image-classification\nmodel:\n  source: conv\ntraining:\n  learning_rat: 1\n")
    reader.sees("document.querySelector('[data-testid=problems]').innerText.includes('line 5')")
    assert "Did you mean 'learning_rate'?" in page.get_by_test_id("problems").inner_text()


def test_a_preset_fills_the_form(reader, digits):
    page = reader.open(f"/jobs/new/?dataset={digits}")
    page.locator("[data-preset=careful]").click()
    reader.sees("document.querySelector(\"[name='training.num_train_epochs']\").value === '20'")
    assert page.locator("[data-preset=careful]").get_attribute("aria-pressed") == "true"


def test_another_task_offers_its_own_data(site, reader, digits):
    letters = site.tell("uploaded", name="Letters for forms", file="texts.csv", text=texts_csv())
    page = reader.open(f"/jobs/new/?dataset={digits}")
    page.get_by_text("Other preprocessing").click()
    page.locator("[data-steps] [data-name]").get_by_text("scale").wait_for()
    assert not page.locator(f"[name=dataset][value={letters}]").is_visible()
    page.check("[name=task][value=text-classification]")
    assert page.locator(f"[name=dataset][value={letters}]").is_visible()
    page.check(f"[name=dataset][value={letters}]")
    page.locator("[data-steps] [data-name]").get_by_text("tokenise").wait_for()
    reader.until(lambda: "bytes" in page.get_by_test_id("recipe-words").inner_text())
    reader.until(lambda: page.input_value("[name='training.per_device_train_batch_size']") == "4")
    page.check("[name=task][value=object-detection]")
    assert page.get_by_text("There is no data for this task yet.").is_visible()


def test_a_reload_in_the_middle_keeps_every_field(reader, digits):
    page = reader.open(f"/jobs/new/?dataset={digits}")
    page.fill("[name=name]", "half done")
    checked(reader)
    page.wait_for_url("**/jobs/new/*/")
    page.check("[name='model.source'][value=dense]")
    reader.sees("document.querySelector('#spec-text').value.includes('source: dense')")
    checked(reader)
    page.reload()
    assert page.input_value("[name=name]") == "half done"
    assert page.is_checked("[name='model.source'][value=dense]")


def test_a_clone_shows_its_changes_and_takes_them_back(site, reader, digits):
    reader.open(f"/jobs/new/?dataset={digits}").get_by_test_id("start").click()
    reader.page.wait_for_url("**/jobs/*/")
    number = site.tell("newest_job")
    page = reader.open(f"/jobs/new/?from={number}")
    assert f"0 changes from #{number}" in page.get_by_test_id("changes").inner_text()
    page.fill("[name='training.num_train_epochs']", "9")
    reader.sees("document.querySelector('[data-testid=changes]').innerText.includes('1 change from')")
    page.get_by_test_id("changes").get_by_role("button", name="Undo").click()
    reader.sees("document.querySelector('[data-testid=changes]').innerText.includes('0 changes from')")
    assert page.input_value("[name='training.num_train_epochs']") == "5"


def test_a_viewer_may_fill_in_but_not_start(site, chromium, digits):
    with Reader(site, chromium) as reader:
        reader.context.clear_cookies()
        reader.context.add_cookies([site.tell("sign_in", username="vera", role="viewer") | {"url": site.url}])
        page = reader.open(f"/jobs/new/?dataset={digits}")
        assert page.get_by_test_id("start").is_disabled()
        assert "Needs Operator" in page.get_by_test_id("summary").inner_text()


def test_a_spec_in_a_file_fills_the_form_and_its_mistakes_are_listed(reader, digits):
    page = reader.open(f"/jobs/new/?dataset={digits}")
    page.locator("#raw > summary").click()
    spec = {"task": "image-classification", "dataset": digits, "model": {"source": "conv"}, "name": "from a file"}
    spec |= {"training": {"learning_rat": 1, "seed": 5}}
    file = {"name": "job.json", "mimeType": "application/json", "buffer": json.dumps(spec, indent=1).encode()}
    page.set_input_files("[data-testid=spec-file]", file)
    page.wait_for_selector("[data-testid=problems]")
    assert "learning_rate" in page.get_by_test_id("problems").inner_text()
    file["buffer"] = file["buffer"].replace(b'learning_rat"', b'learning_rate"')
    page.set_input_files("[data-testid=spec-file]", file)
    page.wait_for_selector("[data-testid=ready]")
    assert float(page.input_value("[name='training.learning_rate']")) == 1
    assert (page.input_value("[name=name]"), page.input_value("[name='training.seed']")) == ("from a file", "5")


def test_a_preflight_is_cancelled_while_it_runs(site, reader, digits):
    for slug in ("cpu-1", "cpu-2"):
        site.tell("connect", slug=slug)
    page = reader.open(f"/jobs/new/?dataset={digits}")
    page.get_by_test_id("preflight-button").click()
    page.wait_for_selector("[data-testid=cancel-preflight]")
    assert not page.get_by_test_id("preflight-button").is_visible()
    page.get_by_test_id("cancel-preflight").click()
    page.wait_for_selector("[data-testid=preflight-row][data-state=cancelled]")
    assert page.get_by_test_id("preflight-button").is_visible()
    assert "Preflight was cancelled." in page.get_by_test_id("preflight-verdict").inner_text()


def test_a_keras_model_is_pasted_and_brings_its_compile_arguments(site, reader, digits):
    page = reader.open(f"/jobs/new/?dataset={digits}")
    page.check("[name='model.source'][value=keras]", force=True)
    page.fill("[name='model.definition']", json.dumps(three_layers(sides=(8, 8, 1), classes=10)))
    checked(reader)
    reader.sees("document.querySelector('[name=\"training.learning_rate\"]').value === '0.005'")
    assert page.input_value("[name='training.optim']") == "adam"
    broken = three_layers(sides=(8, 8, 1), classes=10)
    broken["config"]["layers"][1]["class_name"] = "Lambda"
    page.fill("[name='model.definition']", json.dumps(broken))
    page.wait_for_selector("[data-errors-of='model'] .error")
    page.fill("[name='model.definition']", json.dumps(three_layers(sides=(8, 8, 1), classes=10)))
    reader.sees("!document.querySelector('[data-testid=problems]')")
    page.get_by_test_id("start").click()
    page.wait_for_url("**/jobs/*/")
    spec = site.tell("facts_of_job", job=site.tell("newest_job"))["spec"]
    assert spec["model"]["definition"]["class_name"] == "Sequential" and spec["training"]["optim"] == "adam"
