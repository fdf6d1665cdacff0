"""Jobs that start from a registered model: submitted, claimed, their files fetched; and recipes with its tokenizer."""

import hashlib

import pytest

from catalog import places
from catalog import tasks as catalog_tasks
from catalog.base_models import services as base_models
from catalog.base_models import tokenizers
from catalog.models import BaseModel, BaseModelState, PreparedData
from catalog.services.datasets import InUse
from contract.problems import Invalid
from jobs import clock, scheduling, services
from jobs.models import Errand, Job
from jobs.preflight import start as start_preflight
from tests.catalog.model_factories import placed, tiny_model
from tests.jobs.factories import STEPS, make_claimed, make_gang, make_job, make_owner, make_version

pytestmark = pytest.mark.django_db
VIT = b'{"model_type": "vit", "architectures": ["ViTForImageClassification"]}'
FROM_TINY = {"source": "registered", "slug": "tiny"}


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    settings.FLEETUNE_HOME = tmp_path
    return tmp_path


@pytest.fixture
def vit() -> BaseModel:
    return placed(tiny_model(config__json=VIT), make_owner())


def problem_of(**parts) -> tuple[str, str]:
    with pytest.raises(Invalid) as refused:
        make_job(**parts)
    (problem,) = refused.value.problems
    return problem.path, str(problem)


def test_a_job_is_tied_to_the_hash_of_the_model_it_names(vit):
    job = make_job(model=FROM_TINY)

    assert job.base_model == vit
    assert job.spec["model"] == FROM_TINY


def test_a_directory_that_was_registered_is_named_by_its_path(vit, tmp_path):
    BaseModel.objects.update(source={"path": "/models/tiny"})

    assert make_job(model={"source": "transformers", "path": "/models/tiny/"}).base_model == vit
    path, sentence = problem_of(model={"source": "transformers", "path": "/models/other"})
    assert path == "model.path" and "The directory /models/other is not registered." in sentence


@pytest.mark.parametrize(
    ("model", "path", "part"),
    [
        ({"source": "registered"}, "model.slug", "by the short name"),
        ({"source": "registered", "slug": "none"}, "model.slug", "No model 'none' that you may use."),
        ({"source": "transformers", "path": "tiny"}, "model.path", "whole path"),
        ({"source": "registered", "slug": "tiny", "step": 3}, "model.step", "step"),
    ],
)
def test_a_model_that_is_not_named_or_not_there_is_refused(vit, model, path, part):
    found, sentence = problem_of(model=model)

    assert found == path and part in sentence


def test_a_model_that_is_not_ready_or_of_another_kind_is_refused(vit):
    BaseModel.objects.update(tasks=["causal-lm"])
    assert "made for causal-lm, not for image-classification" in problem_of(model=FROM_TINY)[1]
    BaseModel.objects.update(state=BaseModelState.IMPORTING)
    assert "still being imported" in problem_of(model=FROM_TINY)[1]
    BaseModel.objects.update(state=BaseModelState.FAILED)
    assert "could not be imported" in problem_of(model=FROM_TINY)[1]


def test_the_devices_of_the_job_fetch_its_files_in_parts_and_others_may_not(vit):
    first, second, idle = make_gang(3)
    make_claimed(first, second, model=FROM_TINY)

    told = first.assignments()[0]["model"]

    assert told == {"hash": vit.content_hash, "files": vit.files}
    for file in told["files"]:
        content = tiny_model(config__json=VIT)[file["name"]]
        url = f"/agent/v1/models/{file['sha256']}"
        assert b"".join(second.client.get(url).streaming_content) == content
        part = second.client.get(url, headers={"range": "bytes=5-"})
        assert (part.status_code, b"".join(part.streaming_content)) == (206, content[5:])
        assert hashlib.sha256(content).hexdigest() == file["sha256"]
        assert idle.client.get(url).status_code == 404
    assert first.client.get(f"/agent/v1/models/{'0' * 64}").status_code == 404


def test_a_preflight_brings_the_model_to_the_device(vit):
    agent = make_gang(1)[0]
    make_job()
    body = {"task": "image-classification", "dataset": "shapes", "model": FROM_TINY, "recipe": STEPS}

    start_preflight(make_owner(), body | {"devices": {"count": 1}})
    scheduling.round(clock.now())

    assert Errand.objects.exists()
    assert agent.assignments()[0]["model"]["hash"] == vit.content_hash
    url = f"/agent/v1/models/{vit.files[0]['sha256']}"
    assert agent.client.get(url).status_code == 200


def test_a_model_stays_while_a_job_needs_it(vit):
    job = make_job(model=FROM_TINY)

    with pytest.raises(InUse, match=f"#{job.pk}"):
        base_models.remove(vit, vit.owner, via="api")
    Job.objects.filter(pk=job.pk).update(state="cancelled")
    assert base_models.remove(vit, vit.owner, via="api")


def test_the_tokenizer_of_a_recipe_must_be_there():
    version = make_version()
    project = version.dataset.project
    placed(tiny_model(tokenizer__json=None), make_owner(), name="mute")
    placed(tiny_model(), make_owner(), name="speaker")

    def told(slug: str) -> list[str]:
        return [str(problem) for problem in tokenizers.problems([{"step": "tokenise", "model": slug}], project)]

    assert told("speaker") == told("") == []
    assert told("none")[0].startswith("No model 'none' in this project.")
    assert told("mute")[0].startswith("The model 'mute' has no tokenizer.json.")
    assert tokenizers.problems([{"step": "tokenise", "model": "none"}], project)[0].path == "recipe.0.model"


def test_preparing_waits_for_a_model_that_is_still_importing_and_then_gets_its_directory(monkeypatch):
    model = placed(tiny_model(), make_owner(), name="speaker")
    BaseModel.objects.update(state=BaseModelState.IMPORTING)
    job = make_job()
    recipe = job.prepared.recipe
    type(recipe).objects.filter(pk=recipe.pk).update(steps=[{"step": "tokenise", "model": "speaker"}])
    PreparedData.objects.update(state="waiting", hash="")
    asked: list[dict] = []
    answer = type("Stopped", (), {"result": None, "stopped": True})()
    monkeypatch.setattr(catalog_tasks, "follow", lambda _t, request, _n, _l: asked.append(request) or answer)

    catalog_tasks.build_prepared(job.prepared_id)
    assert asked == [] and PreparedData.objects.get().state == "waiting"

    BaseModel.objects.update(state=BaseModelState.READY)
    catalog_tasks.build_prepared(job.prepared_id)
    assert asked[0]["tokenizers"] == {"speaker": str(places.model(model.content_hash))}


def test_a_job_whose_model_was_removed_is_not_tried_again(vit):
    job = make_job(model=FROM_TINY)
    Job.objects.filter(pk=job.pk).update(state="failed")
    base_models.remove(vit, vit.owner, via="api")

    job.refresh_from_db()
    with pytest.raises(services.Refused, match="was removed"):
        services.retry(job, job.owner)
