"""`/api/v1/results/` and `/api/v1/evaluations/`."""

import pytest

from accounts.models import AuditEntry
from jobs.models import Errand, ErrandState
from results.models import Measurement
from tests.accounts.factories import make_admin, make_user
from tests.jobs.factories import make_owner
from tests.results.factories import answered, digest, end, make_result

pytestmark = pytest.mark.django_db


@pytest.fixture
def version():
    return make_result(name="digits")


@pytest.fixture
def client(client, version):
    client.force_login(make_owner())
    return client


def patch(client, body, number=1, **headers):
    url = f"/api/v1/results/digits/versions/{number}/"
    return client.patch(url, body, content_type="application/json", headers=headers)


def measure(client, **body):
    return client.post("/api/v1/evaluations/", {"result": "digits", **body}, content_type="application/json")


def test_the_list_names_the_newest_version_with_its_leading_metric_and_where_it_is_the_same(client, version):
    [row] = client.get("/api/v1/results/").json()["results"]

    assert (row["slug"], row["newest"], row["stage"], row["job"]) == ("digits", 1, "candidate", version.job_id)
    assert row["headline"] == {"metric": "accuracy", "value": 0.9, "split": "test", "higher_is_better": True}
    assert row["devices"] == {"measured": 2, "same": 2}


def test_the_list_is_filtered_by_task_stage_and_name(client):
    for query, count in (("task=object-detection", 0), ("stage=candidate", 1), ("search=DIG", 1), ("search=x", 0)):
        assert client.get(f"/api/v1/results/?{query}").json()["count"] == count
    assert client.get("/api/v1/results/?colour=red").status_code == 400


def test_a_version_says_what_it_is_made_from_and_which_files_it_has(client, version):
    found = client.get("/api/v1/results/digits/versions/1/").json()

    assert found["lineage"]["dataset"]["slug"] == "shapes"
    assert found["lineage"]["prepared"] == version.job.prepared.hash
    assert {file["name"]: file["sha256"] for file in found["artifacts"]}["model.onnx"] == digest("model.onnx")
    assert found["card"] == {"text": "what is in card.md", "written_by_hand": False}
    assert found["security"]["pickled_files"] == []
    assert {file["certificate"]["verdict"] for file in found["artifacts"]} == {"unchecked"}


def test_a_version_that_is_not_there_or_not_mine_is_not_found(client):
    assert client.get("/api/v1/results/digits/versions/2/").status_code == 404
    client.force_login(make_user("stranger", role=""))
    assert client.get("/api/v1/results/digits/versions/1/").status_code == 404
    assert client.get("/api/v1/results/digits/").status_code == 404
    assert client.get("/api/v1/results/").status_code == 200


def test_a_stage_needs_a_reason_and_leaves_an_audit_entry(client):
    refused = patch(client, {"stage": "retired"})
    assert refused.status_code == 400 and "reason" in refused.json()["errors"]
    assert "stage" in patch(client, {"stage": "golden", "reason": "x"}).json()["errors"]

    assert patch(client, {"stage": "retired", "reason": "a better one came"}).json()["stage"] == "retired"
    assert AuditEntry.objects.filter(verb="staged", after__stage="retired").exists()


def test_approving_needs_an_admin(client):
    assert patch(client, {"stage": "approved", "reason": "good"}).status_code == 403
    client.force_login(make_admin())
    assert patch(client, {"stage": "approved", "reason": "good"}).json()["stage"] == "approved"


def test_a_change_made_meanwhile_is_not_overwritten(client):
    tag = client.get("/api/v1/results/digits/versions/1/").headers["ETag"]
    assert patch(client, {"card": "# Ours"}, **{"If-Match": tag}).json()["card"]["written_by_hand"] is True
    assert patch(client, {"card": "# Theirs"}, **{"If-Match": tag}).status_code == 412
    assert patch(client, {"card": ""}).json()["card"]["text"] == "what is in card.md"


def test_measuring_sends_an_errand_to_each_device(client):
    answer = measure(client, artifact="model.onnx", split="test", devices=["lab-1-cpu-0", "lab-1-cpu-1"])

    assert answer.status_code == 202
    assert [row["state"] for row in answer.json()] == ["pending", "pending"]
    assert {errand.payload["artifact"] for errand in Errand.objects.filter(kind="evaluate")} == {"model.onnx"}
    assert client.get("/api/v1/evaluations/?result=digits").json()["count"] == 2


def test_bad_wishes_name_every_problem(client):
    problems = measure(client, artifact="model.onnx", split="dev", devices=["lab-1-cpu-0", "nowhere"]).json()["errors"]
    assert set(problems) == {"split", "devices.1"}
    assert "artifact" in measure(client, artifact="config.json").json()["errors"]
    assert "devices" in measure(client, devices=[]).json()["errors"]


def test_a_viewer_may_look_and_not_measure(client):
    client.force_login(make_user("viewer", role="viewer"))
    assert client.get("/api/v1/results/digits/versions/1/").status_code == 200
    assert measure(client).status_code == 403


def test_what_a_device_answers_is_on_the_version_and_certifies_the_file(client, version):
    measure(client, artifact="model.onnx", devices=["lab-1-cpu-0"])
    answered(Measurement.objects.get())

    found = client.get("/api/v1/results/digits/versions/1/").json()
    [row] = [row for row in found["evaluations"] if row["artifact"] == "model.onnx"]
    assert row["latency_ms"]["p50"] == 2.0 and row["state"] == "done"
    assert certificates(found) == {"model.onnx": "passed"}


def test_a_file_that_answers_differently_gets_a_red_certificate_with_the_number(client, version):
    measure(client, artifact="model.onnx", devices=["lab-1-cpu-0"])
    parity = {"max_difference": 0.5, "agreement": 0.8, "limit": 1e-4, "passed": False}
    answered(Measurement.objects.get(), parity=parity)

    found = client.get("/api/v1/results/digits/versions/1/").json()
    assert certificates(found) == {"model.onnx": "failed"}


def test_a_device_that_disappears_is_a_row_with_its_reason_and_counts_as_nothing(client, version):
    measure(client, artifact="model.onnx", devices=["lab-1-cpu-0"])
    end(Measurement.objects.get(), ErrandState.FAILED, {"ok": False, "reason": "device_lost"})

    found = client.get("/api/v1/results/digits/versions/1/").json()
    [row] = [row for row in found["evaluations"] if row["artifact"] == "model.onnx"]
    assert (row["state"], row["metrics"]) == ("failed", {})
    assert row["reason"] == "Lost lab-1-cpu-0: it stopped answering before this was done."
    assert found["devices"] == {"measured": 2, "same": 2}


def test_a_device_that_lacks_the_runtime_says_so_and_not_that_models_differ(client, version):
    measure(client, artifact="model.onnx", devices=["lab-1-cpu-0"])
    answer = {"ok": False, "reason": "version_mismatch", "detail": "onnxruntime is not installed on this device"}
    end(Measurement.objects.get(), ErrandState.FAILED, answer)

    [row] = client.get("/api/v1/evaluations/").json()["results"]
    assert row["reason"] == "lab-1-cpu-0 lacks what this needs. onnxruntime is not installed on this device"


def certificates(found) -> dict[str, str]:
    checked = {file["name"]: file["certificate"]["verdict"] for file in found["artifacts"]}
    return {name: verdict for name, verdict in checked.items() if verdict != "unchecked"}


def test_many_files_on_two_devices_are_still_two_devices(client, version):
    for artifact in ("model.onnx", "model.safetensors"):
        measure(client, artifact=artifact, devices=["lab-1-cpu-0", "lab-1-cpu-1"])
    for row in Measurement.objects.all():
        answered(row)

    assert client.get("/api/v1/results/digits/versions/1/").json()["devices"] == {"measured": 2, "same": 2}
