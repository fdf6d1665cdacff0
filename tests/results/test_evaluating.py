"""Any weights of a job on any data: what is asked for, what devices get, and what rows say of it."""

import pytest

from catalog.models import Dataset, PreparedData, PreparedState
from jobs.models import Errand
from results.models import Measurement
from tests.accounts.factories import make_user
from tests.jobs.factories import make_gang, make_owner, make_running, make_version, with_checkpoint
from tests.results.factories import answered, make_result, succeed

pytestmark = pytest.mark.django_db
URL = "/api/v1/evaluations/"
SCHEMA = {"kind": "image", "task": "image-classification"}


@pytest.fixture(autouse=True)
def own_data():
    """What the jobs below learn from."""
    version = make_version(make_owner())
    version.schema = version.schema | SCHEMA | {"classes": ["cat", "dog"]}
    version.save()
    return version


@pytest.fixture
def gang():
    return make_gang()


@pytest.fixture
def running(gang):
    job = make_running(*gang, name="digits")
    for step in (10, 20):
        with_checkpoint(gang[0], step)
    return job


@pytest.fixture
def client(client):
    client.force_login(make_owner())
    return client


def other_data(classes=("cat", "dog"), slug="photos", **more):
    version = make_version(make_owner(), slug=slug)
    version.schema = SCHEMA | {"classes": list(classes), "columns": [], **more}
    version.content_hash = slug.ljust(64, "0")
    version.splits = {"test": {"count": 4, "classes": {}}}
    version.save()
    Dataset.objects.filter(slug=slug).update(state="ready", task=more.get("task", "image-classification"))
    return version


def ask(client, **body):
    return client.post(URL, {"devices": ["lab-1-cpu-0"], **body}, content_type="application/json")


def test_a_checkpoint_of_a_running_job_is_measured_by_its_step(client, gang, running):
    [told] = ask(client, job=running.pk, checkpoint=10).json()
    assert (told["artifact"], told["checkpoint"], told["result"], told["job"]) == ("checkpoint", 10, "", running.pk)

    payload = Errand.objects.get(kind="evaluate").payload
    [file] = running.checkpoints.get(step=10).manifest["files"]
    assert [one["sha256"] for one in payload["files"]] == [file["sha256"]] == [told["sha256"]]
    assert payload["artifact"] == "model.safetensors" and payload["source"] == running.pk


@pytest.mark.parametrize(
    ("body", "path", "sentence"),
    [
        ({"checkpoint": 15}, "checkpoint", "no checkpoint of step 15. It has: 20, 10."),
        ({"checkpoint": "10"}, "checkpoint", "It has: 20, 10."),
        ({}, "artifact", "Name a 'checkpoint' that is on the server: 20, 10."),
        ({"checkpoint": 10, "artifact": "model.onnx"}, "checkpoint", "not both"),
        ({"checkpoint": 10, "foreign": "photos"}, "foreign", "Only 'out_of_distribution' looks at it"),
        ({"checkpoint": 10, "dataset": "nope"}, "dataset", "No dataset 'nope' that you may use"),
        ({"checkpoint": 10, "dataset": "photos", "split": "train"}, "split", "no samples in its split 'train'"),
    ],
)
def test_what_cannot_be_measured_is_refused_with_what_can(client, running, body, path, sentence):
    other_data()
    refused = ask(client, job=running.pk, **body)
    assert refused.status_code == 400 and sentence in refused.json()["errors"][path][0]
    assert not Errand.objects.filter(kind="evaluate").exists()


def test_checkpoints_stand_beside_the_result_and_never_for_it(client, gang, running):
    ask(client, job=running.pk, checkpoint=10)
    answered(Measurement.objects.get(), metrics={"accuracy": 0.1, "loss": 3.0})
    assert "checkpoint of step 10" in client.get(f"/jobs/{running.pk}/evaluate/").content.decode()
    succeed(running, gang)

    found = client.get("/api/v1/results/digits/versions/1/").json()
    assert found["headline"]["value"] == 0.9 and {row["checkpoint"] for row in found["evaluations"]} == {None}
    assert [row["checkpoint"] for row in found["elsewhere"]] == [10]
    assert "checkpoint of step 10" in client.get("/results/digits/v/1/").content.decode()


def test_another_dataset_is_prepared_as_the_model_takes_it_and_the_row_names_it(client):
    version, other = make_result(name="digits"), other_data(["dog", "cat"])
    [told] = ask(client, result="digits", artifact="model.onnx", dataset="photos").json()
    assert told["dataset"] == {"slug": "photos", "version": 1, "own": False}

    prepared = PreparedData.objects.get(like=version.job.prepared)
    payload = Errand.objects.get(kind="evaluate").payload
    assert (payload["prepared"], payload["dataset"], prepared.version) == (prepared.pk, "photos", other)
    assert prepared.recipe == version.job.prepared.recipe

    answered(Measurement.objects.get(), metrics={"accuracy": 0.2, "loss": 3.0}, parity=None)
    found = client.get("/api/v1/results/digits/versions/1/").json()
    assert found["headline"]["value"] == 0.9 and found["elsewhere"][0]["metrics"]["accuracy"] == 0.2
    assert "photos v1" in client.get("/results/digits/v/1/").content.decode()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"classes": ["cat", "fox"]}, "does not know these classes of 'photos': fox. It knows: cat, dog."),
        ({"multi": True}, "several classes each"),
        ({"task": "object-detection"}, "is for the task object-detection"),
    ],
)
def test_data_that_the_model_cannot_answer_is_refused_with_what_is_missing(client, data, sentence):
    make_result(name="digits")
    other_data(**data)
    refused = ask(client, result="digits", dataset="photos").json()
    assert sentence in refused["errors"]["dataset"][0]


def test_columns_that_the_model_looks_at_have_to_be_there(client, own_data):
    make_result(name="digits")
    own_data.schema = own_data.schema | {
        "columns": [{"name": "age", "type": "number"}, {"name": "colour", "type": "category"}]
    }
    own_data.save()
    other_data(columns=[{"name": "age", "type": "number"}])
    refused = ask(client, result="digits", dataset="photos").json()
    assert "lacks columns that the model looks at: colour (category)" in refused["errors"]["dataset"][0]


def test_foreign_data_goes_along_with_the_model_s_own_whatever_its_classes(client):
    make_result(name="digits")
    other_data(["day", "night"])
    [told] = ask(client, result="digits", suites=["out_of_distribution"], foreign="photos").json()
    assert told["foreign"] == "photos" and told["dataset"]["own"]
    payload = Errand.objects.get(kind="evaluate").payload
    assert payload["foreign"] == {"dataset": "photos", "prepared": PreparedData.objects.exclude(like=None).get().pk}

    PreparedData.objects.exclude(like=None).update(state=PreparedState.FAILED)
    both = [ask(client, result="digits", suites=["out_of_distribution"], foreign=name) for name in ("photos", "shapes")]
    assert [reply.status_code for reply in both] == [202, 400]
    assert "is what the model learned from" in both[1].json()["errors"]["foreign"][0]


def test_the_page_of_a_job_offers_every_file_checkpoint_and_dataset_and_sends_what_is_chosen(client, gang, running):
    other_data()
    url = f"/jobs/{running.pk}/evaluate/"
    page = client.get(f"{url}?checkpoint=10").content.decode()
    assert '<option value="checkpoint:10" selected>' in page and '<option value="photos">' in page
    sent = {"artifact": "checkpoint:10", "split": "test", "device": ["lab-1-cpu-0"], "suite": ["quality"]}
    client.post(url, sent | {"dataset": "photos"})
    assert "1 device measures it" in client.get(url).content.decode()
    row = Measurement.objects.get()
    assert (row.step, row.dataset.slug, row.is_of_own_data) == (10, "photos", False)

    client.post(url, sent | {"artifact": "checkpoint:x"})
    assert "no checkpoint of step x" in client.get(url).content.decode()
    client.force_login(make_user("stranger", role=""))
    assert client.get(url).status_code == 404


def test_samples_belong_to_the_data_that_was_measured(client):
    make_result(name="digits")
    other_data()
    sent = ask(client, result="digits", artifact="model.onnx", dataset="photos")
    assert sent.status_code == 202, sent.content
    row = Measurement.objects.get()
    answered(row)
    Dataset.objects.filter(slug="photos").update(sensitive=True)
    client.force_login(make_user("viewer", role="viewer"))
    assert client.get(f"{URL}{row.pk}/").status_code == 200
    assert client.get(f"{URL}{row.pk}/samples/").status_code == 403
