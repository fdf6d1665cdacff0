"""Coming in by a link, adding data and a device, and lists that follow what happens elsewhere."""

import io
import zipfile

import pytest
from PIL import Image

from tests.pages.browsing import Reader

pytestmark = pytest.mark.browser


def pets() -> bytes:
    """A zip of two class folders."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for label, colour in (("cat", (200, 30, 30)), ("dog", (30, 30, 200))):
            for number in range(12):
                picture = io.BytesIO()
                shade = tuple(part + number for part in colour)
                Image.new("RGB", (24 + number, 20), shade).save(picture, "PNG")
                archive.writestr(f"{label}/{number}.png", picture.getvalue())
    return buffer.getvalue()


def test_a_link_signs_in_with_one_click(site, chromium):
    with Reader(site, chromium) as reader:
        reader.context.clear_cookies()
        link = site.tell("signin_link", username="nora")
        page = reader.open(link)
        page.get_by_test_id("redeem").get_by_role("button", name="Sign in").click()
        page.wait_for_selector("[data-testid=user-menu]")
        assert "nora" in page.get_by_test_id("user-menu").inner_text()
        reader.context.clear_cookies()
        reader.open(link)
        assert "used already" in page.get_by_test_id("link-problem").inner_text()
        reader.forgives("410")
        reader.had_no_trouble()


def test_a_zip_is_uploaded_and_becomes_a_dataset(site, reader):
    page = reader.open("/datasets/new/")
    page.set_input_files("#id_file", {"name": "pets.zip", "mimeType": "application/zip", "buffer": pets()})
    assert "pets.zip" in page.locator("[data-drop-words]").inner_text()
    page.get_by_role("button", name="Upload and import").click()
    page.wait_for_selector("[data-testid=import]")
    assert site.tell("work_off_imports") == ["ready"]
    page.wait_for_selector("[data-testid=classes]", timeout=15_000)
    assert "24 pictures in 2 classes" in page.inner_text("main")
    page.get_by_role("link", name="Samples").click()
    page.wait_for_selector("[data-testid=preview] img")
    natural = "[...document.querySelectorAll('[data-testid=preview] img')].every((i) => i.complete && i.naturalWidth)"
    reader.sees(natural)


def test_what_is_no_zip_is_refused_with_the_reason(reader):
    page = reader.open("/datasets/new/")
    page.set_input_files("#id_file", {"name": "pets.zip", "mimeType": "application/zip", "buffer": b"no zip at all"})
    page.get_by_role("button", name="Upload and import").click()
    page.wait_for_selector("[data-upload-errors] .error")
    assert "is not a zip archive" in page.locator("[data-upload-errors]").inner_text()
    reader.forgives("400")


def test_the_join_command_is_shown_once_and_its_steps_follow(site, reader):
    page = reader.open("/devices/add/")
    page.fill("#id_name", "gpu-9")
    page.fill("#id_labels", "24gb, lab")
    page.get_by_role("button", name="Make the join command").click()
    page.wait_for_selector("[data-testid=join-command]")
    command = page.locator("[data-testid=join-command] pre").first.inner_text()
    assert "/agent/v1/join.py" in command
    token = command.split("--token ")[1].split()[0]
    site.tell("connect", slug="gpu-9")
    reader.sees("document.querySelectorAll('[data-testid=join-step][data-step=done]').length === 4", within=15)
    page.reload()
    assert token not in page.content()
    assert page.url.endswith("/devices/gpu-9/")


def test_home_follows_what_happens_elsewhere(site, reader):
    page = reader.open("/")
    page.wait_for_selector("[data-live-indicator][data-live=live]")
    number = site.tell("job", name="from elsewhere", devices=["cpu-1"])
    page.wait_for_selector(f"[data-testid=running-job][data-job='{number}']", timeout=5_000)
    site.tell("feed", job=number, steps=100, log=False)
    row = f"[data-testid=running-job][data-job='{number}']"
    reader.sees(f"document.querySelector(\"{row} [data-field=percent]\")?.textContent === '25%'")
    site.tell("end", job=number, state="failed", reason="nan_loss", params={"step": 100, "device": "cpu-1", "rank": 0})
    page.wait_for_selector(f"[data-testid=attention-item][data-key=job-{number}]", timeout=5_000)
    site.tell("offline", slug="cpu-2")
    page.wait_for_selector("[data-testid=device-tile][data-device=cpu-2][data-state=offline]", timeout=5_000)
    site.tell("connect", slug="cpu-2")


def test_several_jobs_are_archived_at_once(site, reader):
    numbers = []
    for name in ("old one", "old two"):
        number = site.tell("job", name=name, devices=["cpu-1"])
        site.tell("feed", job=number, steps=5, log=False)
        site.tell("end", job=number)
        numbers.append(number)
    page = reader.open("/jobs/?q=old")
    for number in numbers:
        page.check(f"[data-job='{number}'] input[type=checkbox]")
    assert "2 selected" in page.get_by_test_id("bulk-bar").inner_text()
    page.get_by_role("button", name="Archive").click()
    page.wait_for_selector("[data-testid=messages]")
    assert "2 jobs were archived." in page.get_by_test_id("messages").inner_text()
    assert all(site.tell("facts_of_job", job=number)["archived"] for number in numbers)


def test_a_focused_row_stays_where_it_is_when_a_job_arrives(site, reader):
    site.tell("job", name="steady one", state="pending")
    page = reader.open("/jobs/?q=steady")
    page.wait_for_selector("[data-live-indicator][data-live=live]")
    row = page.get_by_test_id("job-row").first
    row.locator("[data-row-link]").focus()
    before = row.bounding_box()["y"]
    site.tell("job", name="steady two", state="pending")
    page.wait_for_selector("text=steady two", timeout=5_000)
    assert page.get_by_test_id("job-row").first.bounding_box()["y"] == before
    assert page.evaluate("document.activeElement.innerText").endswith("steady one")
    page.get_by_role("button", name="Order changed. Sort again").click()
    reader.sees("document.querySelector('[data-testid=job-row]').innerText.includes('steady two')")
