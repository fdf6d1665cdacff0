"""From a version and a recipe to prepared data: once, taken up again, with reasons when it fails."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Project
from catalog import following, places, recipes, services, tasks
from catalog.locks import alone
from catalog.models import Dataset, DatasetState, PreparedData, PreparedState
from catalog.services import importing
from contract.problems import Invalid
from recipes.prepared import open_prepared, verify
from tests.accounts.factories import make_user
from tests.catalog.factories import (
    built,
    class_folders,
    colour_jpegs_of_mixed_sizes,
    imported,
    upload,
    version_of,
    why,
    zipped,
)

pytestmark = pytest.mark.django_db


def test_jpegs_of_mixed_sizes_are_prepared_by_the_default_recipe():
    version = version_of(imported(colour_jpegs_of_mixed_sizes()))
    steps = recipes.default_steps(version, "image-classification")
    assert steps[:2] == [{"step": "rgb"}, {"step": "resize", "size": [48, 48], "mode": "pad"}]
    assert recipes.check(steps, version.schema) == []
    prepared = built(version, steps)
    assert prepared.state == PreparedState.READY
    assert verify(places.prepared_data(prepared.hash)) == prepared.hash
    data = open_prepared(places.prepared_data(prepared.hash))
    assert data.split("train").column("image").shape == (48, 3, 48, 48)
    assert data.manifest["classes"] == ["apple", "pear", "plum"]


def test_small_pictures_that_are_alike_stay_as_they_are():
    version = version_of(imported(class_folders(width=28, height=28, mode="L")))
    steps = recipes.default_steps(version, "image-classification")
    assert steps == [{"step": "scale", "to": [0, 1]}]
    assert built(version, steps).manifest["input"]["shape"] == [1, 28, 28]


@pytest.mark.parametrize(
    ("width", "height", "mode", "side"), [(90, 90, "L", 64), (9, 30, "RGB", 8), (38, 33, "RGB", 32)]
)
def test_the_default_size_is_a_small_multiple_of_eight(width, height, mode, side):
    files = class_folders(each=4, width=width, height=height, mode=mode)
    files |= {"cat/odd.png": class_folders(each=1, width=width + 1, height=height, mode=mode)["dog/0.png"]}
    steps = recipes.default_steps(version_of(imported(files)), "image-classification")
    assert steps[0]["step"] == ("grayscale" if mode == "L" else "rgb")
    assert steps[1]["size"] == [side, side]


def test_asking_twice_prepares_once():
    version = version_of(imported(class_folders()))
    first = services.prepare(version, [{"step": "scale"}])
    assert services.prepare(version, [{"step": "decode"}, {"step": "scale", "to": [0, 1.0]}]) == first
    assert services.prepare(version, [{"step": "rgb"}]) != first


def test_a_recipe_that_is_none_is_refused_with_paths():
    version = version_of(imported(class_folders()))
    with pytest.raises(Invalid) as raised:
        services.prepare(version, [{"step": "resize"}])
    assert [problem.path for problem in raised.value.problems] == ["recipe.0.size"]
    assert not PreparedData.objects.exists()


def test_a_recipe_that_does_not_fit_the_data_is_found_before_and_told_after():
    version = version_of(imported(colour_jpegs_of_mixed_sizes()))
    assert [problem.path for problem in recipes.check([{"step": "scale"}], version.schema)] == ["recipe"]
    prepared = built(version, [{"step": "scale"}])
    assert prepared.state == PreparedState.FAILED
    assert "Add a 'resize' step" in why(prepared)


def test_what_failed_is_tried_again_when_it_is_asked_for_again():
    version = version_of(imported(class_folders()))
    directory = places.version(version.content_hash)
    moved = directory.rename(directory.with_name("away"))
    assert built(version, [{"step": "scale"}]).state == PreparedState.FAILED
    moved.rename(directory)
    assert built(version, [{"step": "scale"}]).state == PreparedState.READY


def test_a_file_that_kills_its_reader_is_left_out_and_the_rest_goes_on(monkeypatch):
    version = version_of(imported(class_folders()))
    from recipes.sandbox import outside
    from recipes.version import read_items

    victim = next(read_items(places.version(version.content_hash)))
    run, killed = outside.run, []

    def dies_once(target, request, **options):
        if victim.file not in request["skip"]:
            killed.append(victim.file)
            return outside.Answer(died="killed by signal 11", at=victim.file)
        return run(target, request, **options)

    monkeypatch.setattr(following.outside, "run", dies_once)
    prepared = built(version, [{"step": "scale"}])
    assert (prepared.state, killed) == (PreparedState.READY, [victim.file])
    (dropped,) = prepared.manifest["dropped"]["items"]
    assert "ended the process" in dropped["reason"]


def test_silent_work_is_sent_again_and_not_twice_at_once(sent, django_capture_on_commit_callbacks):
    dataset = services.add_upload(make_user(), Project.default(), "pets", upload(zipped(class_folders())))
    prepared = services.prepare(version_of(imported(class_folders(), name="other")), [{"step": "scale"}])
    later = timezone.now() + timedelta(seconds=5)
    with django_capture_on_commit_callbacks(execute=True):
        assert services.take_up_again(later) == 2
        assert services.take_up_again(later + timedelta(seconds=14)) == 0
        assert services.take_up_again(later + timedelta(seconds=16)) == 2
    assert sent.count(("import_dataset", dataset.pk)) == sent.count(("build_prepared", prepared.pk)) == 2


def test_finished_failed_and_removed_work_is_left_alone():
    built(version_of(imported(class_folders())), [{"step": "scale"}])
    imported({"cat/1.png": b"x"}, name="bad")
    removed = services.add_builtin(make_user("other"), Project.default(), "mnist-5k")
    services.remove(removed, actor=removed.owner, via="page")
    assert services.take_up_again(timezone.now() + timedelta(hours=1)) == 0


def test_a_message_that_comes_twice_does_the_work_once():
    dataset = imported(class_folders())
    tasks.import_dataset(dataset.pk)
    assert dataset.versions.count() == 1
    second = services.add_upload(dataset.owner, dataset.project, "again", upload(zipped(class_folders())))
    with alone(f"import-{second.pk}"):
        tasks.import_dataset.apply([second.pk])
    assert not second.versions.exists()


def test_a_worker_that_is_told_to_stop_leaves_its_import_for_the_next_one(monkeypatch):
    dataset = services.add_upload(make_user(), Project.default(), "pets", upload(zipped(class_folders())))
    with monkeypatch.context() as stopping:
        stopping.setattr(following.worker_state, "should_stop", 0)
        tasks.import_dataset(dataset.pk)
    left = Dataset.objects.get(pk=dataset.pk)
    assert (left.state, left.worker_seen_at) == (DatasetState.IMPORTING, None)
    tasks.import_dataset(dataset.pk)
    assert Dataset.objects.get(pk=dataset.pk).state == DatasetState.READY


def test_progress_of_something_removed_says_that_it_is_not_wanted():
    dataset = services.add_builtin(make_user(), Project.default(), "mnist-5k")
    assert importing.progress(dataset, 0.5)
    services.remove(dataset, actor=dataset.owner, via="page")
    assert not importing.progress(dataset, 0.6)


def test_a_killed_childs_leftovers_are_removed(home):
    dataset = services.add_upload(make_user(), Project.default(), "pets", upload(zipped(class_folders())))
    left = places.incoming(dataset.pk) / ".writing-1-abc"
    left.mkdir(parents=True)
    tasks.import_dataset(dataset.pk)
    assert not left.exists()
