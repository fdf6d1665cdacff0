"""A site on loopback becomes a dataset: three sections are three classes; a killed worker asks for nothing again."""

import os
import signal
from pathlib import Path

import pytest

from tests.catalog.web.factories import LICENCE, SECTIONS, sections
from tests.catalog.web.sites import Site, site
from tests.waiting import wait_until

pytestmark = pytest.mark.integration
ALLOW = """
from accounts.models import User
from accounts.services import change_settings
change_settings({"url_import": True, "web_hosts": "%s"}, User.objects.get(username="admin"))
"""


@pytest.fixture
def served():
    with site(sections(each=3)) as found:
        yield found


def test_a_crawl_makes_three_classes_and_goes_on_where_a_killed_worker_was(own_stack, served: Site):
    stack = own_stack.start()
    asked = {"name": "fruit", "crawl": {"start": [f"{served.url}/"], "rate": 2}}
    assert stack.api("POST", "/datasets/", asked)[0] == 403
    stack.manage("shell", "--no-imports", "-c", ALLOW % served.host)
    status, dataset = stack.api("POST", "/datasets/", asked)
    assert status == 202, dataset
    path = f"/datasets/{dataset['slug']}/"
    wait_until(lambda: (stack.api("GET", path)[1]["fetching"] or {}).get("items", 0) >= 1, within=120)
    kill_server_worker(stack)
    assert stack.api("GET", path)[1]["fetching"]["waiting"] > 0
    ended = wait_until(lambda: (told := stack.api("GET", path)[1])["state"] != "importing" and told, within=120)

    assert (ended["state"], ended["version"]["classes"]) == ("ready", list(SECTIONS)), ended
    assert ended["version"]["items"] == 9
    assert not [asked_for for asked_for in served.paths if asked_for.startswith("/private")]
    fetched_again = len(served.paths) - len(set(served.paths))
    assert fetched_again <= 1, served.paths  # what was on its way when the worker was killed
    items = stack.api("GET", f"{path}versions/1/items/")[1]["items"]
    pictures = {f"{served.url}/{name}/{number}.png" for name in SECTIONS for number in range(3)}
    assert {item["origin"]["url"] for item in items} == pictures
    assert {item["class"]: item["origin"]["licence"] for item in items} == {
        "apples": LICENCE,
        "pears": LICENCE,
        "plums": "unknown",
    }


def kill_server_worker(stack) -> None:
    """Its child, which fetches, goes with it; the keeper starts another one."""
    for pid in stack.living():
        if b"server_worker" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)
            return
    raise AssertionError("no server worker runs")
