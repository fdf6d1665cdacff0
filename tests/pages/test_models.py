"""A model is added, looked at and taken into a new job, in a browser."""

import pytest

from tests.catalog.factories import zipped
from tests.catalog.model_factories import tiny_model

pytestmark = pytest.mark.browser


def test_a_model_is_uploaded_checked_and_chosen_for_a_new_job(site, reader):
    page = reader.open("/models/new/")
    reader.passes_axe()
    packed = {"name": "tiny.zip", "mimeType": "application/zip", "buffer": zipped(tiny_model())}
    page.set_input_files("#id_file", packed)
    page.get_by_role("button", name="Upload and check").click()
    page.wait_for_selector("[data-testid=import]", timeout=30_000)
    assert site.tell("work_off_models") == ["ready"]

    page = reader.open("/models/tiny/")
    assert "apache-2.0" in page.get_by_test_id("facts").inner_text()
    reader.passes_axe()
    page.get_by_test_id("fine-tune").click()
    page.wait_for_selector("#field-model-slug", timeout=30_000)
    assert page.locator("#field-model-slug").input_value() == "tiny"

    page = reader.open("/models/")
    assert page.get_by_test_id("model-card").count() == 1
    reader.passes_axe()
