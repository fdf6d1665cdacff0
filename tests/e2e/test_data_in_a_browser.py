"""A new user in a browser: a zip of class folders, a COCO zip and a site on loopback become data that is looked at, and
jobs that end. (A table of texts: `test_tasks.py`.)"""

import json
import signal

import pytest

from agent.processes import send
from tests.catalog.data_factories import coco
from tests.catalog.factories import class_folders, zipped
from tests.catalog.web.factories import LICENCE, SECTIONS, sections
from tests.catalog.web.sites import Site, site
from tests.chaos.roles import living
from tests.e2e.person import Person
from tests.waiting import wait_until

pytestmark = pytest.mark.integration
GREY = [{"step": "grayscale"}, {"step": "resize", "size": [16, 16]}, {"step": "scale", "to": [0, 1]}]
EACH = 3
ALLOW = """
from accounts.models import User
from accounts.services import change_settings
change_settings({"web_hosts": "%s"}, User.objects.get(username="admin"))
"""


@pytest.fixture
def served():
    with site(sections(each=EACH)) as found:
        yield found


def test_a_zip_of_class_folders_is_looked_at_gets_another_recipe_and_a_job(quiet):
    with Person(quiet) as ada:
        ada.brings(zipped(class_folders(("cat", "dog"))), "pets.zip")
        ada.sees_version()
        assert ada.page.get_by_test_id("classes").locator("tbody tr").count() == 2
        ada.sees_samples(20, tried=8)
        ada.tries_recipe(json.dumps(GREY))
        assert "→ 16 × 16" in ada.page.get_by_test_id("preview").inner_text()
        ended = quiet.ended(ada.starts_job("conv", "start-with-recipe", training__num_train_epochs=1), within=300)
    assert ended["state"] == "succeeded", (ended["end_reason"], ended["reason_params"])
    assert ended["spec"]["recipe"] == GREY


def test_a_coco_zip_is_looked_at_and_gets_a_job(quiet):
    with Person(quiet) as ada:
        ada.brings(zipped(coco()), "street.zip")
        ada.sees_version()
        assert "boxes in the COCO format" in ada.page.get_by_test_id("detected").inner_text()
        ada.sees_samples(12, tried=8)
        ended = quiet.ended(ada.starts_job("detector", training__num_train_epochs=1), within=300)
    assert ended["state"] == "succeeded", (ended["end_reason"], ended["reason_params"])


def test_a_crawl_makes_three_classes_and_goes_on_where_a_killed_worker_was(quiet, served: Site):
    quiet.manage("shell", "--no-imports", "-c", ALLOW % served.host)
    assert quiet.api("POST", "/datasets/", {"crawl": {"start": [f"{served.url}/"]}})[0] == 403
    with Person(quiet) as ada:
        ada.switches_web_on()
        slug = ada.crawls(f"{served.url}/", name="fruit", rate=2)
        path = f"/datasets/{slug}/"
        wait_until(lambda: (quiet.api("GET", path)[1]["fetching"] or {}).get("items", 0) >= 1, within=120)
        assert send(living(quiet)["server-worker"][0], signal.SIGKILL)  # the keeper starts another one
        assert quiet.api("GET", path)[1]["fetching"]["waiting"] > 0
        told = ada.says_yes()
        assert "It was fetched from the web" in told and all(name in told for name in SECTIONS), told
        ada.sees_version()
        ada.sees_samples(EACH * len(SECTIONS), tried=len(SECTIONS))
        ended = quiet.ended(ada.starts_job("conv", training__num_train_epochs=1), within=300)
    assert ended["state"] == "succeeded", (ended["end_reason"], ended["reason_params"])

    version = quiet.api("GET", path)[1]["version"]
    assert (version["classes"], version["items"]) == (list(SECTIONS), EACH * len(SECTIONS))
    assert not [asked_for for asked_for in served.paths if asked_for.startswith("/private")]
    fetched_again = len(served.paths) - len(set(served.paths))
    assert fetched_again <= 1, served.paths  # what was on its way when the worker was killed
    items = quiet.api("GET", f"{path}versions/1/items/")[1]["items"]
    pictures = {f"{served.url}/{name}/{number}.png" for name in SECTIONS for number in range(EACH)}
    assert {item["origin"]["url"] for item in items} == pictures
    assert {item["class"]: item["origin"]["licence"] for item in items} == {
        "apples": LICENCE,
        "pears": LICENCE,
        "plums": "unknown",
    }
