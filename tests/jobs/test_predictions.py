"""Trying a model: one picture goes through the recipe, a device (or the server) answers, and nothing stays for long."""

import base64
from datetime import timedelta

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile

from catalog import one_item
from catalog.models import DatasetVersion, PreparedData
from contract.problems import Invalid
from jobs import clock, file_store, predictions
from jobs.models import Artifact, Errand, Job
from jobs.predictions import answers, asking
from recipes import one_item as recipes_of_one
from recipes.sandbox.inside import Refused, Reporter
from recipes.sandbox.outside import Answer
from tests.accounts.factories import make_user
from tests.jobs.factories import (
    FakeAgent,
    make_claimed,
    make_gang,
    make_job,
    make_owner,
    make_running,
    sha256_of,
    with_checkpoint,
)
from tests.recipes.pictures import noise, written
from tests.recipes.rows import built, column, table

pytestmark = pytest.mark.django_db
GREY = [{"step": "grayscale"}, {"step": "resize", "size": [8, 8]}]
ANSWER = {
    "ok": True,
    "prediction": {"classes": [{"name": "dog", "probability": 0.75}, {"name": "cat", "probability": 0.25}]},
    "seconds": {"load": 0.02, "run": 0.003},
    "runtime": "torch 2 (cpu)",
}


@pytest.fixture(autouse=True)
def recipes_run_here(monkeypatch):
    """Not in a child process, which costs half a second; one test below has a real one."""
    monkeypatch.setattr(one_item.outside, "run", run_here)


def run_here(target: str, order: dict, **limits) -> Answer:
    if target == "training.predict:on_server":
        return Answer(result=ANSWER)
    try:
        return Answer(result=getattr(recipes_of_one, target.partition(":")[2])(order, Reporter(lambda line: None)))
    except Refused as refused:
        return Answer(refused=refused.sentence, params=refused.params)


@pytest.fixture
def gang():
    return make_gang()


@pytest.fixture
def pictures(tmp_path):
    """A version of two pictures and its prepared data, on disk."""
    version = written(settings.FLEETUNE_HOME / "datasets", [("train", 0, noise(1)), ("test", 1, noise(2))])
    return version, built(version, GREY)


def of_data(job: Job, version, prepared, kind: str = "image", **schema) -> Job:
    """The job, as if it had learned from this data."""
    known = {"task": "image-classification", "kind": kind, "classes": ["cat", "dog"], "columns": [], **schema}
    splits = {"train": {"count": 1}, "validation": {"count": 0}, "test": {"count": 1}}
    facts = {"content_hash": version.name, "schema": known, "items": 2, "splits": splits}
    DatasetVersion.objects.filter(pk=job.version_id).update(**facts)
    PreparedData.objects.filter(pk=job.prepared_id).update(manifest=prepared.manifest)
    Job.objects.filter(pk=job.pk).update(spec=job.spec | {"recipe": prepared.manifest["recipe"]["steps"]})
    return Job.objects.select_related("version__dataset__project", "prepared").get(pk=job.pk)


def finished(job: Job) -> Job:
    """It left a model that lies on the server."""
    for name in ("model.safetensors", "config.json"):
        path = file_store.path_of("artifacts", sha256_of(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
        more = {"format": "x", "sha256": sha256_of(name), "bytes": 1, "verified_at": clock.now()}
        Artifact.objects.create(job=job, attempt=job.attempts.last(), name=name, **more)
    Job.objects.filter(pk=job.pk).update(state="succeeded")
    job.refresh_from_db()
    return job


@pytest.fixture
def model(gang, pictures):
    return finished(of_data(make_job(), *pictures))


def reply(*agents: FakeAgent, answer=ANSWER):
    """What happens while somebody waits: the device that is asked answers."""

    def between():
        for agent in agents:
            if agent.assignments():
                assert agent.ack().status_code == 200
                agent.lease(port=5000)
                agent.post("exit", outcome="succeeded", answer=answer, gone=True)

    return between


def upload(data: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("mine.png", data)


def test_a_picture_is_answered_by_a_free_device(gang, model, monkeypatch):
    monkeypatch.undo()
    told = predictions.ask(model, {"image": upload(noise(7))}, make_owner(), between=reply(*gang))
    assert (told.state, told.device, told.step) == ("done", "lab-1-cpu-0", None)
    assert told.prediction["classes"][0]["name"] == "dog"
    assert set(told.seconds) == {"recipe", "queue", "load", "run"}
    assert base64.b64decode(told.picture).startswith(b"\x89PNG")


def test_the_device_gets_the_model_and_one_prepared_row_and_no_data(gang, model):
    told = predictions.ask(model, {"image": upload(noise(7))}, make_owner(), within=0.2)
    [assigned] = gang[0].assignments()
    assert told.is_open and assigned["errand"]["kind"] == "predict"
    assert assigned["data"] == {} and assigned["model"]["hash"]
    assert {file["name"] for file in assigned["model"]["files"]} == {"model.safetensors", "config.json"}
    assert assigned["errand"]["input"]["shape"] == [1, 8, 8]
    got = gang[0].client.get(f"/agent/v1/models/{sha256_of('config.json')}?{gang[0].query}")
    assert got.status_code == 200


def test_a_sample_of_the_data_is_asked_by_its_number(gang, model):
    assert predictions.ask(model, {"sample": 1}, make_owner(), between=reply(*gang)).state == "done"
    with pytest.raises(Invalid, match="no such sample"):
        predictions.ask(model, {"sample": 2}, make_owner())


def test_a_running_job_is_asked_by_its_newest_checkpoint_on_the_server(gang, pictures, monkeypatch):
    monkeypatch.setattr(asking, "_here", lambda subject, payload: None)
    job = of_data(make_running(*gang), *pictures)
    with pytest.raises(predictions.Nothing, match="No checkpoint has come"):
        predictions.ask(job, {"image": upload(noise(7))}, make_owner())
    with_checkpoint(gang[0], 10)
    with_checkpoint(gang[0], 20)
    gang[0].save(30, "on the device only")
    told = predictions.ask(job, {"image": upload(noise(7))}, make_owner(), within=0.1)
    assert (told.state, told.step) == ("waiting", 20)
    assert told.sentence.startswith(f"Waiting for lab-1-cpu-0. Job #{job.pk} is using it")


def test_when_every_device_trains_the_server_answers(gang, pictures):
    job = of_data(make_running(*gang), *pictures)
    with_checkpoint(gang[0], 10)
    told = predictions.ask(job, {"image": upload(noise(7))}, make_owner())
    assert (told.state, told.device, told.step, told.id) == ("done", "server", 10, None)
    assert not Errand.objects.exists()


def test_nothing_is_kept_for_longer_than_the_page_needs(gang, model):
    told = predictions.ask(model, {"image": upload(noise(7))}, make_owner(), between=reply(*gang))
    ended = Errand.objects.get(pk=told.id).ended_at
    assert predictions.forget(ended + timedelta(seconds=answers.KEPT_S)) == 0
    assert predictions.forget(ended + timedelta(seconds=answers.KEPT_S + 1)) == 1


def test_what_a_language_model_said_becomes_words_once(gang, model):
    told = {**ANSWER, "prediction": {"tokens": [ord(letter) + 4 for letter in "yes"]}}
    found = predictions.ask(model, {"image": upload(noise(7))}, make_owner(), between=reply(*gang, answer=told))
    assert found.prediction == {"text": "yes", "count": 3}
    assert predictions.of_errand(Errand.objects.get(pk=found.id)) == found


def asked(client, job, **body):
    return client.post(f"/api/v1/jobs/{job.pk}/predict/", body, content_type="application/json")


def test_what_cannot_be_asked_is_a_problem_with_its_path(client, model):
    client.force_login(make_owner())
    big = base64.b64encode(b"x" * 1000).decode()
    for body, path, words in (
        ({}, "image", "looks at pictures"),
        ({"text": "hello"}, "text", "looks at pictures"),
        ({"image": "not base64!"}, "image", "bytes in base64"),
        ({"image": big}, "image", "Not a picture"),
        ({"image": big, "colour": 1}, "colour", "Unknown"),
        ({"image": big, "device": "lab-9"}, "device", "Unknown"),
    ):
        answer = asked(client, model, **body)
        assert answer.status_code == 400, body
        assert words in answer.json()["errors"][path][0]
    sent = client.post(f"/api/v1/jobs/{model.pk}/predict/", {"image": upload(b"x" * (10 * 2**20 + 1))})
    assert "larger than 10 MiB" in sent.json()["errors"]["image"][0]


def test_a_row_needs_its_columns(gang, tmp_path):
    rows = [("train", [n, "ab"[n % 2]], n % 2) for n in range(10)]
    version = table(settings.FLEETUNE_HOME / "datasets", [column("n"), column("c", "category")], rows)
    steps = [{"step": "one-hot"}, {"step": "standardise"}]
    columns = [column("n"), column("c", "category")]
    more = {"columns": columns, "task": "tabular-classification"}
    job = finished(of_data(make_job(), version, built(version, steps), "table", **more))
    told = predictions.ask(job, {"row": {"n": "3", "c": "b"}}, make_owner(), between=reply(*gang))
    assert told.state == "done"
    for row, path, words in (
        ({"n": "three", "c": "b"}, "row.n", "Expected a number"),
        ({"n": 3}, "row.c", "none is missing"),
        ({"n": 3, "c": "b", "d": 1}, "row.d", "Unknown"),
        ({"n": "inf", "c": "b"}, "row.n", "Expected a number"),
    ):
        with pytest.raises(Invalid) as refused:
            predictions.ask(job, {"row": row}, make_owner())
        assert [problem.path for problem in refused.value.problems] == [path]
        assert words in str(refused.value)


def test_only_who_may_run_may_ask_and_only_they_see_the_answer(client, gang, model):
    told = predictions.ask(model, {"image": upload(noise(7))}, make_owner(), between=reply(*gang))
    client.force_login(make_owner())
    assert client.get(f"/api/v1/predictions/{told.id}/").json()["prediction"] == ANSWER["prediction"]
    client.force_login(make_user("viewer", role="viewer"))
    assert asked(client, model, sample=1).status_code == 403
    assert client.get(f"/api/v1/predictions/{told.id}/").status_code == 404
    assert client.get(f"/jobs/{model.pk}/try/").status_code == 403
    client.force_login(make_user("stranger", role=""))
    assert asked(client, model, sample=1).status_code == 404


def test_a_job_without_weights_is_a_conflict_that_says_why(client, gang, pictures):
    job = of_data(make_claimed(*gang), *pictures)
    client.force_login(make_owner())
    answer = asked(client, job, sample=1)
    assert answer.status_code == 409 and "No checkpoint has come" in answer.json()["detail"]


def test_the_page_shows_samples_and_bars_and_reads_without_scripts(client, gang, model, monkeypatch):
    client.force_login(make_owner())
    form = client.get(f"/jobs/{model.pk}/try/").content.decode()
    assert 'name="image"' in form and 'name="sample" value="1"' in form and "The finished model answers." in form
    seen = []
    monkeypatch.setattr(asking.time, "sleep", lambda seconds: seen.append(reply(*gang)()))
    page = client.post(f"/jobs/{model.pk}/try/", {"sample": "1"}).content.decode()
    assert 'data-testid="top-class">dog' in page and "75%" in page and 'value="0.7500"' in page
    wrong = client.post(f"/jobs/{model.pk}/try/", {"image": upload(b"no picture")})
    assert wrong.status_code == 400 and "Not a picture" in wrong.content.decode()
