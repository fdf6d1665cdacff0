"""Hiding steps through the server: the key stays on it, names too, and what was done is told in words."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import Project
from catalog import places, recipes, services, tasks
from catalog.project_key import key_of
from tests.accounts.factories import make_user
from tests.catalog.factories import built

pytestmark = pytest.mark.django_db
STEPS = [
    {"step": "redact", "what": ["name"], "names": ["Ann Lee"]},
    {"step": "pseudonymise", "what": ["email"]},
    {"step": "tokenise", "max_length": 96},
]


@pytest.fixture
def version():
    rows = [f"Ann Lee wrote to p{n % 5}@x.org about {n} things that matter,{'ab'[n % 2]}" for n in range(40)]
    file = SimpleUploadedFile("mails.csv", "\n".join(["text,label", *rows]).encode())
    dataset = services.add_upload(make_user(), Project.default(), "mails", file)
    tasks.import_dataset(dataset.pk)
    return dataset.versions.get()


def test_neither_key_nor_names_leave_the_server_and_the_report_says_what_was_done(client, version):
    """S68"""
    prepared = built(version, STEPS)
    assert (prepared.state, prepared.error) == ("ready", "")
    directory = places.prepared_data(prepared.hash)
    content = b"".join(path.read_bytes() for path in directory.iterdir())
    key = key_of(version.dataset.project)
    assert key.encode() not in content
    assert b"Ann Lee" not in content
    client.force_login(version.dataset.owner)
    told = client.get(f"/api/v1/datasets/{version.dataset.slug}/versions/").json()["results"][0]["prepared"][0]
    redacted, pseudonymised = told["obfuscation"]
    assert redacted["report"] == {"name": 40}
    assert pseudonymised["report"] == {"email": 40}
    assert "project's key" in pseudonymised["text"]
    assert "your list" in redacted["does_not_protect"]


def test_keys_of_two_projects_differ_and_stay_the_same():
    one, other = Project.default(), Project.objects.create(name="Other", slug="other")
    assert key_of(one) == key_of(one) != key_of(other)
    assert len(bytes.fromhex(key_of(one))) == 32


def test_a_device_is_told_how_many_names_there_are_and_not_which():
    told = recipes.without_private(STEPS)
    assert told[0]["names"] == {"count": 1}
    assert told[1:] == STEPS[1:]
    assert "Ann" not in json.dumps(told)


def test_the_page_says_what_the_steps_protect_and_what_not_before_and_after_preparing(client, version):
    client.force_login(version.dataset.owner)
    page = f"/datasets/{version.dataset.slug}/v/{version.number}/"
    assert 'data-testid="hides"' not in client.get(page).content.decode()
    built(version, STEPS)
    shown = client.get(page).content.decode()
    assert "(name 40)" in shown and "(email 40)" in shown
    assert shown.count("Protects:") == shown.count("Does not protect:") == 2
    assert "names that are not in your list" in shown


def test_the_page_of_a_table_names_the_column_in_which_nothing_was_found(client):
    rows = [f"{('Ann', 'Bo', 'Cy')[n % 3]},{n % 7},{'ab'[n % 2]}" for n in range(60)]
    file = SimpleUploadedFile("people.csv", "\n".join(["who,n,y", *rows]).encode())
    dataset = services.add_upload(make_user(), Project.default(), "people", file)
    tasks.import_dataset(dataset.pk)
    version = dataset.versions.get()
    built(version, [{"step": "redact", "columns": ["who"]}, {"step": "impute"}, {"step": "one-hot"}])
    client.force_login(dataset.owner)
    shown = client.get(f"/datasets/{dataset.slug}/v/{version.number}/").content.decode()
    assert "Nothing was found in who" in shown


@pytest.mark.parametrize(("length", "told"), [(16, "tokens, cut to 16"), (96, "with its beginning and end")])
def test_how_many_tokens_a_text_becomes_is_said_in_words(client, version, length, told):
    client.force_login(version.dataset.owner)
    steps = json.dumps([{"step": "tokenise", "max_length": length}])
    page = client.get(f"/datasets/{version.dataset.slug}/v/{version.number}/samples/", {"recipe": steps})
    assert page.content.decode().count(told) == 8
