"""Adding, renaming, marking and removing datasets."""

import time

import pytest
from celery import Celery

from accounts.models import AuditEntry, Project
from catalog import places, services, tasks
from catalog.models import Dataset, DatasetState
from config.celery import app
from contract.problems import Invalid
from tests.accounts.factories import make_admin, make_user
from tests.catalog.factories import built, class_folders, files_below, imported, upload, version_of, zipped

pytestmark = pytest.mark.django_db


def test_adding_tells_the_server_worker_after_commit(sent, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        dataset = services.add_builtin(make_user(), Project.default(), "digits-8x8")
        assert sent == []
    assert sent == [("import_dataset", dataset.pk)]


def test_a_broker_that_is_away_costs_no_dataset_and_no_patience(monkeypatch, django_capture_on_commit_callbacks):
    monkeypatch.setattr(app, "send_task", Celery.send_task.__get__(app))
    monkeypatch.setattr(app.conf, "broker_url", "redis://127.0.0.1:1/0")
    began = time.monotonic()
    with django_capture_on_commit_callbacks(execute=True):
        dataset = services.add_builtin(make_user(), Project.default(), "digits-8x8")
    assert time.monotonic() - began < 3
    assert Dataset.objects.get(pk=dataset.pk).state == DatasetState.IMPORTING


def test_slugs_are_never_used_twice():
    owner, data = make_user(), zipped(class_folders())
    names = ["Cats and dogs", "cats AND dogs", "猫和狗", "猫和狗"]
    slugs = [services.add_upload(owner, Project.default(), name, upload(data)).slug for name in names]
    assert slugs == ["cats-and-dogs", "cats-and-dogs-2", "dataset", "dataset-2"]


@pytest.mark.parametrize("name", ["", "   ", "x" * 121, "a\x00b", "a\u202eb", "a\ud800b", 7])
def test_names_that_cannot_be_are_refused_and_nothing_is_kept(name, home):
    """S39"""
    with pytest.raises(Invalid):
        services.rename(imported(class_folders()), name, actor=make_user("other"), via="page")
    with pytest.raises(Invalid):
        services.add_builtin(make_user("third"), Project.default(), "mnist-5k", name=name or " ")


def test_a_file_that_is_no_zip_is_refused_at_once_and_nothing_changes(home):
    owner = make_user()
    with pytest.raises(Invalid, match="not a zip archive"):
        services.add_upload(owner, Project.default(), "x", upload(b"\x89PNG"))
    assert not Dataset.objects.exists()
    assert not (home / "uploads").exists()


def test_changes_are_in_the_audit_log():
    dataset, admin = imported(class_folders()), make_admin()
    services.rename(dataset, "Pets", actor=admin, via="api")
    services.set_sensitive(dataset, True, actor=admin, via="api")
    assert (dataset.name, dataset.sensitive, dataset.slug) == ("Pets", True, "pictures")
    verbs = AuditEntry.objects.filter(object_type="catalog.dataset").values_list("verb", "via")
    assert list(verbs) == [("marked", "api"), ("renamed", "api"), ("added", "page")]


def test_a_used_dataset_is_not_removed_and_its_users_are_named(monkeypatch):
    dataset = imported(class_folders())
    monkeypatch.setattr(services.datasets, "users_of_dataset", [lambda _: [{"text": "#12 pets", "url": "/jobs/12/"}]])
    with pytest.raises(services.InUse, match="#12 pets"):
        services.remove(dataset, actor=dataset.owner, via="page")
    dataset.refresh_from_db()
    assert dataset.removed_at is None


def test_removing_hides_the_dataset_and_sweeps_files_that_nobody_shares(home):
    one, two = imported(class_folders(), name="one"), imported(class_folders(), name="two")
    prepared = built(version_of(one), [{"step": "scale"}])
    content_hash = version_of(one).content_hash
    assert version_of(two).content_hash == content_hash
    assert services.remove(one, actor=one.owner, via="page")
    tasks.sweep_removed(one.pk)
    assert places.version(content_hash).exists()
    assert not places.prepared_data(prepared.hash).exists()
    services.remove(two, actor=two.owner, via="page")
    tasks.sweep_removed(two.pk)
    assert not places.version(content_hash).exists()
    assert not services.remove(two, actor=two.owner, via="page")


def test_files_are_not_swept_while_the_same_content_comes_in_anew(home, monkeypatch):
    asked = []
    monkeypatch.setattr(tasks.sweep_removed, "apply_async", lambda args, **how: asked.append((args, how["countdown"])))
    old = imported(class_folders(), name="old")
    content_hash = version_of(old).content_hash
    services.remove(old, actor=old.owner, via="page")
    services.add_upload(old.owner, Project.default(), "anew", upload(zipped(class_folders())))
    tasks.sweep_removed(old.pk)
    assert places.version(content_hash).exists()
    assert asked == [((old.pk,), tasks.SWEEP_AGAIN_S)]


def test_removing_stops_an_import(home):
    dataset = services.add_upload(make_user(), Project.default(), "pets", upload(zipped(class_folders())))
    services.remove(dataset, actor=dataset.owner, via="page")
    tasks.import_dataset(dataset.pk)
    assert not dataset.versions.exists()
    tasks.sweep_removed(dataset.pk)
    assert files_below(places.uploads()) == set()
