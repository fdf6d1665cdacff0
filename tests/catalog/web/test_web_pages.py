"""The page that adds data from the web, its switch, and the settings of the server."""

import pytest

from accounts.models import AuditEntry
from accounts.server_settings import value_of
from accounts.services import change_setting
from catalog.models import Dataset
from tests.accounts.factories import make_admin, make_user

pytestmark = pytest.mark.django_db
PAGE = "/datasets/new/web/"
CRAWL = {"kind": "crawl", "take": "images", "label_by": "path", "of": "page", "depth": 2, "rate": 1}
CRAWL |= {"max_pages": 10, "max_items": 10, "max_mib": 10}


@pytest.fixture
def root(client):
    found = make_admin("root")
    client.force_login(found)
    return found


def test_while_it_is_off_an_admin_switches_it_on_in_place(client, root):
    assert PAGE in client.get("/datasets/new/").content.decode()
    page = client.get(PAGE).content.decode()
    assert "is off on this server" in page
    assert 'data-testid="crawl"' not in page
    answer = client.post(f"{PAGE}switch-on/", follow=True)
    assert 'data-testid="crawl"' in answer.content.decode()
    assert value_of("url_import") is True
    assert AuditEntry.objects.filter(verb="setting changed", via="page", actor=root).count() == 1


def test_others_are_told_to_ask_an_admin_and_cannot_switch(client):
    client.force_login(make_user("maria"))
    assert "Switch it on" not in client.get(PAGE).content.decode()
    assert client.post(f"{PAGE}switch-on/").status_code == 403
    assert client.post(PAGE, CRAWL | {"start": "https://example.org/"}).status_code == 403
    assert not Dataset.objects.exists()
    client.force_login(make_user("vera", "viewer"))
    assert client.get(PAGE).status_code == 403


def test_a_crawl_is_added_by_the_form(client, root, sent):
    change_setting("url_import", True, root)
    form = CRAWL | {"start": "https://example.org/a\nhttps://example.org/b", "domains": "example.org", "name": "mine"}
    answer = client.post(PAGE, form | {"label_by": "selector", "selector": "h1"})
    dataset = Dataset.objects.get()
    assert answer.url == f"/datasets/{dataset.slug}/"
    crawl = dataset.asked["source"]["crawl"]
    assert [row["url"] for row in crawl["start"]] == ["https://example.org/a", "https://example.org/b"]
    assert (crawl["label"], crawl["max_pages"]) == ({"by": "selector", "selector": "h1"}, 10)
    assert client.get(answer.url).status_code == 200


@pytest.mark.parametrize(
    ("form", "part"),
    [
        (CRAWL | {"start": "https://example.org/\nhttp://10.0.0.1/"}, "Line 2: This address is not allowed"),
        (CRAWL | {"start": "https://example.org/", "pattern": "("}, "not a regular expression"),
        (CRAWL | {"start": "https://example.org/", "depth": 99}, "from 0 to 10"),
        ({"kind": "urls", "take": "images", "urls": "https://example.org/a.png"}, "Line 1: Write the label"),
        ({"kind": "urls", "take": "images", "urls": ""}, "This field is required"),
        ({"kind": "url", "url": "ftp://example.org/"}, "begin with http"),
        ({"kind": "url", "url": ""}, "This field is required"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(client, root, form, part):
    change_setting("url_import", True, root)
    answer = client.post(PAGE, form)
    assert answer.status_code == 400
    assert part in answer.content.decode().replace("&#x27;", "'")
    assert not Dataset.objects.exists()


def test_settings_of_the_server_are_an_admins_own_section(client, root):
    page = client.get("/settings/server/").content.decode()
    assert 'name="web_hosts"' in page
    client.post(
        "/settings/server/", {"url_import": "on", "web_hosts": "a.example\r\nb.example:8080", "web_contact": ""}
    )
    assert (value_of("url_import"), value_of("web_hosts").split()) == (True, ["a.example", "b.example:8080"])
    wrong = client.post("/settings/server/", {"web_hosts": "http://a/"})
    assert (wrong.status_code, value_of("url_import")) == (400, True)
    assert "is no host" in wrong.content.decode()
    client.force_login(make_user("maria"))
    assert client.get("/settings/server/").status_code == client.post("/settings/server/").status_code == 403
    assert "/settings/server/" not in client.get("/settings/").content.decode()
