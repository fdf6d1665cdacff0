"""A clean version: the same data without what the checks list, and a diff that names each example that went."""

import json
from pathlib import Path

import pytest

from catalog import tasks
from catalog.imports import work
from catalog.imports.cleaning import WITHOUT
from catalog.models import Dataset
from recipes.sandbox.inside import Refused, Reporter
from recipes.version import read_head, read_items
from tests.accounts.factories import make_user
from tests.catalog.data_factories import coco, read
from tests.catalog.factories import class_folders, files_below, imported, picture, why
from tests.catalog.test_copies import given_splits, photo

pytestmark = pytest.mark.django_db


def planted() -> dict[str, bytes]:
    """Splits with one leak, one near leak, one copy within train, and one picture with two labels."""
    files = given_splits()
    files["test/cat/leak.png"] = files["train/cat/3.png"]
    files["test/dog/near.jpg"] = photo(104, quality=60)
    files["train/dog/twin.png"] = files["train/dog/5.png"]
    files["train/cat/odd.png"] = files["train/dog/odd.png"] = photo(9999)
    return files


def cleaned(home: Path, files: dict[str, bytes], without: tuple[str, ...] = WITHOUT) -> tuple[set[str], dict]:
    """(names that went, schema of the clean version)"""
    first = read(home, files)
    version = home / "versions" / first.result["hash"]
    source = {"cleaned": 1, "version": str(version), "without": list(without)}
    request = {"source": source, "options": {}, "parent": str(home / "versions")}
    result = work.import_dataset(request, Reporter(lambda line: None))
    second = home / "versions" / result["hash"]
    told = [{key: value for key, value in read_head(one).items() if "items" not in key} for one in (version, second)]
    assert told[0] == told[1]
    kept = {item.name: item for item in read_items(second)}
    assert all(kept[name].to_json() == first.items[name].to_json() for name in kept)
    return first.items.keys() - kept.keys(), result["schema"]


@pytest.mark.parametrize(
    ("without", "gone"),
    [
        (("leaks",), {"test/cat/leak.png"}),
        (("near_leaks",), {"test/dog/near.jpg"}),
        (("duplicates",), {"test/cat/leak.png", "train/dog/twin.png", "train/dog/odd.png"}),
        (("contradictions",), {"train/cat/odd.png", "train/dog/odd.png"}),
    ],
)
def test_what_is_ticked_goes_and_everything_else_stays_as_it_is(tmp_path, without, gone):
    assert cleaned(tmp_path, planted(), without)[0] == gone


def test_a_clean_version_has_nothing_left_for_its_checks(tmp_path):
    gone, schema = cleaned(tmp_path, planted())
    assert len(gone) == 5
    assert (schema["duplicates"], schema["contradictions"]) == (0, 0)
    assert (schema["leaks"]["exact"], schema["leaks"]["near"]) == (0, 0)


def test_boxes_stay_on_their_pictures(tmp_path):
    files = coco()
    files["images/05.png"] = files["images/01.png"]
    gone, schema = cleaned(tmp_path, files, ("contradictions",))
    assert gone == {"images/01.png", "images/05.png"}
    assert schema["boxes"]["count"] == 10


def test_a_split_that_would_be_empty_and_nothing_to_do_are_refused_with_a_sentence(tmp_path):
    files = {name: data for name, data in given_splits().items() if not name.startswith("test/")}
    files |= {"test/cat/a.png": files["train/cat/1.png"], "test/dog/b.png": files["train/dog/1.png"]}
    with pytest.raises(Refused, match="Nothing would be left of the split 'test'"):
        cleaned(tmp_path, files)
    with pytest.raises(Refused, match="holds nothing of what you want"):
        cleaned(tmp_path, given_splits())


def test_one_click_makes_a_clean_version_and_the_diff_names_what_went(client):
    client.force_login(make_user())
    dataset = imported(planted())
    page = client.get(f"/datasets/{dataset.slug}/v/1/checks/").content.decode()
    assert "make a version without them" in client.get(f"/datasets/{dataset.slug}/v/1/").content.decode()
    assert page.count('name="without"') == 4
    form = {"version": 1, "without": list(WITHOUT)}
    answer = client.post(f"/datasets/{dataset.slug}/do/clean/", form, follow=True)
    assert "being made" in answer.content.decode()
    tasks.import_dataset(dataset.pk)
    shown = client.get(f"/datasets/{dataset.slug}/v/2/versions/").content.decode()
    assert "test/cat/leak.png" in shown
    assert "v1, cleaned" in shown
    assert 'data-testid="clean"' not in client.get(f"/datasets/{dataset.slug}/v/2/checks/").content.decode()


def test_it_is_made_over_rest_and_the_file_can_still_be_read_again(client, home):
    client.force_login(make_user())
    path = f"/api/v1/datasets/{imported(planted()).slug}/versions/"
    body = json.dumps({"without": ["leaks"]})
    assert client.post(f"{path}1/clean/", body, "application/json").json()["state"] == "importing"
    assert client.post(f"{path}1/clean/", body, "application/json").status_code == 409
    tasks.import_dataset(Dataset.objects.get().pk)
    diff = client.get(f"{path}2/diff/").json()
    assert (diff["removed"], diff["added"], diff["changed"], diff["moved"]) == (1, 0, 0, 0)
    assert diff["items"] == [{"change": "removed", "name": "test/cat/leak.png", "what": []}]
    assert len(files_below(home / "uploads")) == 1
    assert client.post(path, json.dumps({"unreadable": "drop"}), "application/json").status_code == 202
    tasks.import_dataset(Dataset.objects.get().pk)
    assert Dataset.objects.get().asked["version"] == 1
    nothing = client.post(f"{path}2/clean/", body, "application/json")
    assert "nothing to leave out" in nothing.json()["errors"]["without"][0]
    unknown = client.post(f"{path}1/clean/", json.dumps({"without": ["leak"]}), "application/json")
    assert "leaks" in unknown.json()["errors"]["without"][0]


def test_a_version_that_cannot_be_made_leaves_the_others_and_its_page_says_why(client):
    client.force_login(make_user())
    dataset = imported(class_folders())
    form = {"file": "", "unreadable": "stop"}
    (pictures := class_folders())["cat/0.png"] = picture()[:40]
    dataset = imported(pictures, name="broken")
    client.post(f"/datasets/{dataset.slug}/add/", form)
    tasks.import_dataset(dataset.pk)
    dataset.refresh_from_db()
    assert (dataset.state, "Stopped, as you asked" in why(dataset)) == ("ready", True)
    assert "The last import failed" in client.get(f"/datasets/{dataset.slug}/v/1/").content.decode()
