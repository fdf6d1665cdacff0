"""Data of every kind comes in through a browser: a large zip over a broken connection, texts, boxes, rows."""

from pathlib import Path
from typing import Any

import pytest

from tests.catalog.data_factories import coco, texts_csv
from tests.catalog.factories import class_folders, picture, zipped
from tests.pages.browsing import Reader
from tests.pages.site import Site

pytestmark = pytest.mark.browser
LARGE = {"width": 1500, "height": 1200, "kind": "BMP"}
"""four pictures of noise this large are more than a file that is sent in one piece"""
PATIENCE_MS = 60_000


def bring(site: Site, reader: Reader, path: Path, name: str) -> Any:
    """Choose a file on the page, send it, let the import run, say yes where it asks; the page of its version."""
    page = sent(site, reader, path, name)
    page.wait_for_selector("[data-testid=decide], [data-testid=detected]", timeout=PATIENCE_MS)
    if page.get_by_test_id("decide").count():
        page.wait_for_load_state("networkidle")  # pictures of what waits are gone once it is decided
        page.get_by_role("button", name="Import this").click()
    page.wait_for_url("**/v/1/", timeout=PATIENCE_MS)
    return page


def sent(site: Site, reader: Reader, path: Path, name: str) -> Any:
    """Choose a file on the page, send it, let the import run; whatever page comes then."""
    page = reader.open("/datasets/new/")
    page.get_by_test_id("upload").locator("input[type=file]").set_input_files(str(path))
    page.get_by_test_id("upload").get_by_label("Name").fill(name)
    page.get_by_role("button", name="Upload and import").click()
    page.wait_for_selector("[data-testid=import]", timeout=PATIENCE_MS)
    site.tell("work_off_imports")
    return page


def loaded(page: Any, place: str) -> int:
    """How many pictures of this part of the page are really there."""
    script = (
        f"[...document.querySelectorAll('{place} img')].filter((image) => image.complete && image.naturalWidth).length"
    )
    return page.evaluate(script)


def test_a_large_zip_arrives_over_a_broken_connection_and_is_seen(site, reader, tmp_path):
    files = class_folders(("apple", "pear"), each=8)
    files |= {f"apple/large {n}.bmp": picture(**LARGE, seed=n) for n in range(4)}
    path = tmp_path / "fruit.zip"
    path.write_bytes(zipped(files))
    sent: list[int] = []

    def send_or_break(route: Any) -> None:
        sent.append(int(route.request.headers["upload-offset"]))
        route.abort() if len(sent) == 2 else route.continue_()

    reader.page.route(
        "**/api/v1/uploads/*/", lambda r: send_or_break(r) if r.request.method == "PATCH" else r.continue_()
    )
    page = bring(site, reader, path, "fruit")
    reader.forgives("Failed to load resource")
    assert len(sent) >= 4
    assert sent[1] == sent[2], "the broken chunk was sent again, and nothing else"
    assert sorted(set(sent)) == sorted(sent[:1] + sent[2:])
    assert "20 pictures" in page.locator("h1 + .lead").inner_text()
    assert "each folder is a class" in page.get_by_test_id("detected").inner_text()
    assert page.get_by_test_id("classes").locator("tbody tr").count() == 2
    page = reader.open(page.url.removeprefix(site.url) + "samples/")
    reader.until(lambda: loaded(page, "[data-testid=samples]") == 20, within=20, about="thumbnails")


def test_a_folder_is_packed_by_the_browser_and_becomes_data(site, reader, tmp_path):
    folder = tmp_path / "pets"
    for name, data in class_folders(("cat", "hündchen"), each=5).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    page = reader.open("/datasets/new/")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a folder").click()
    chooser.value.set_files(str(folder))
    page.locator("[data-drop-words]", has_text="pets: 10 files").wait_for()
    page.get_by_role("button", name="Upload and import").click()
    page.wait_for_selector("[data-testid=import]", timeout=PATIENCE_MS)
    site.tell("work_off_imports")
    page.wait_for_url("**/pets/v/1/", timeout=PATIENCE_MS)
    assert "10 pictures in 2 classes" in page.locator("h1 + .lead").inner_text()
    assert "hündchen" in page.get_by_test_id("classes").inner_text()


def test_a_folder_that_is_dropped_is_read_to_its_last_file(reader, tmp_path):
    """Chromium hands over a folder's entries a hundred at a time."""
    for name, data in class_folders(("cat", "dog"), each=120).items():
        (tmp_path / "pets" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "pets" / name).write_bytes(data)
    page = reader.open("/datasets/new/")
    page.wait_for_load_state("load")
    place = page.locator("[data-drop]").bounding_box()
    middle = {"x": place["x"] + place["width"] / 2, "y": place["y"] + place["height"] / 2}
    data = {"items": [], "files": [str(tmp_path / "pets")], "dragOperationsMask": 1}
    chromium = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        chromium.send("Input.dispatchDragEvent", {"type": kind, "data": data, **middle})
    page.locator("[data-drop-words]", has_text="pets: 240 files").wait_for()
    assert page.get_by_test_id("upload").get_by_label("Name").get_attribute("placeholder") == "pets"


def test_an_upload_that_was_stopped_goes_on_where_it_was(site, reader, tmp_path):
    path = tmp_path / "pause.zip"
    path.write_bytes(zipped({f"{'ab'[n % 2]}/{n}.bmp": picture(**LARGE, seed=50 + n) for n in range(4)}))
    offsets: list[int] = []
    page = reader.open("/datasets/new/")

    def note(route: Any) -> None:
        if route.request.method == "PATCH":
            offsets.append(int(route.request.headers["upload-offset"]))
            if len(offsets) == 2:
                page.get_by_role("button", name="Stop").click()
                return
        route.continue_()

    page.route("**/api/v1/uploads/*/", note)
    page.get_by_test_id("upload").locator("input[type=file]").set_input_files(str(path))
    page.get_by_role("button", name="Upload and import").click()
    reader.until(
        lambda: "within a day" in page.locator("[data-upload-errors]").inner_text(), within=20, about="stopped"
    )
    page = bring(site, reader, path, "pause")
    assert offsets[2] == offsets[1] > 0
    assert "4 pictures" in page.locator("h1 + .lead").inner_text()


def test_a_csv_of_texts_is_understood_and_read_again_otherwise(site, reader, tmp_path):
    path = tmp_path / "reviews.csv"
    path.write_bytes(
        texts_csv(60, ";", "review,verdict").replace("joy", "<script>alert(1)</script> jöy").encode("cp1252")
    )
    page = sent(site, reader, path, "reviews")
    page.wait_for_selector("[data-testid=decide]", timeout=PATIENCE_MS)
    told = page.get_by_test_id("detected").inner_text()
    for words in ("'review' is text and 'verdict' its class", "text-classification", "cp1252", "semicolon"):
        assert words in told
    assert "<script>alert(1)</script> jöy" in page.get_by_test_id("samples").inner_text()
    assert page.get_by_test_id("columns").locator("tbody tr").count() == 2
    assert page.get_by_test_id("classes").locator("tbody tr").count() == 2
    reader.passes_axe()
    page.get_by_text("Read it otherwise").click()
    page.get_by_label("Column of labels, or of answers").fill("stars")
    page.get_by_role("button", name="Read it again").click()
    page.wait_for_selector("[data-testid=import]", timeout=PATIENCE_MS)
    site.tell("work_off_imports")
    page.wait_for_selector("[data-testid=import-error]", timeout=PATIENCE_MS)
    assert "semicolon" in page.get_by_test_id("detected").inner_text(), "what was found before still waits"
    page.get_by_role("button", name="Import this").click()
    page.wait_for_url("**/v/1/", timeout=PATIENCE_MS)
    assert page.get_by_test_id("histograms").locator("rect").count() > 3
    first = page.url.removeprefix(site.url)
    page = reader.open(first + "samples/")
    assert "<script>alert(1)</script> jöy" in page.get_by_test_id("samples").inner_text()
    reader.passes_axe()
    page = reader.open(first)
    page.get_by_role("link", name="Import again with…").click()
    page.get_by_label("Task").select_option("causal-lm")
    page.get_by_label("Column of texts, or of prompts").fill("review")
    page.get_by_label("Column of labels, or of answers").fill("verdict")
    page.get_by_role("button", name="Import this version").click()
    page.wait_for_selector("[data-testid=import]", timeout=PATIENCE_MS)
    site.tell("work_off_imports")
    page.get_by_role("button", name="Import this").click(timeout=PATIENCE_MS)
    page.wait_for_url("**/v/2/", timeout=PATIENCE_MS)
    page = reader.open(page.url.removeprefix(site.url) + "versions/")
    assert page.get_by_test_id("versions").locator("tbody tr").count() == 2
    assert (
        "60 changed" in page.get_by_test_id("diff").inner_text()
        or "60 added" in page.get_by_test_id("diff").inner_text()
    )
    reader.passes_axe()


def test_a_coco_zip_shows_its_boxes_and_what_is_wrong_with_some(site, reader, tmp_path):
    odd = [{"id": 200, "image_id": 0, "category_id": 3, "bbox": [50, 5, 10, 10]}]
    path = tmp_path / "street.zip"
    path.write_bytes(zipped(coco(annotations=odd)))
    page = bring(site, reader, path, "street")
    assert "boxes in the COCO format" in page.get_by_test_id("detected").inner_text()
    assert "12 in all" in page.get_by_test_id("facts").inner_text()
    base = page.url.removeprefix(site.url)
    page = reader.open(base + "samples/")
    reader.until(lambda: loaded(page, "[data-testid=samples]") == 12, within=20, about="pictures with boxes")
    page = reader.open(base + "checks/")
    assert "annotation 200 The box lies outside the picture." in page.get_by_test_id("unreadable").inner_text()
    reader.passes_axe()


def test_a_table_of_columns_shows_their_types_and_rows(site, reader):
    slug = site.tell("imported", builtin="breast-cancer")
    page = reader.open(f"/datasets/{slug}/v/1/")
    assert page.get_by_test_id("columns").locator("tbody tr").count() == 30
    assert "569 rows" in page.locator("h1 + .lead").inner_text()
    reader.passes_axe()
    page = reader.open(f"/datasets/{slug}/v/1/samples/")
    assert page.get_by_test_id("sample").count() == 24
