"""What people can ask devices to measure."""

import pytest

from jobs import assignments
from jobs.models import Errand
from results import suites
from results.models import Measurement
from tests.jobs.factories import make_owner
from tests.results.factories import answered, make_result

pytestmark = pytest.mark.django_db
PAGE = "/results/digits/v/1/"
URL = "/api/v1/evaluations/"


@pytest.fixture
def version():
    return make_result(name="digits")


@pytest.fixture
def client(client, version):
    client.force_login(make_owner())
    return client


def measure(client, **body):
    sent = {"result": "digits", "artifact": "model.onnx", "devices": ["lab-1-cpu-0"], **body}
    return client.post(URL, sent, content_type="application/json")


def rows(client):
    found = client.get("/api/v1/results/digits/versions/1/").json()
    return [row for row in found["evaluations"] if row["artifact"] == "model.onnx"]


def test_the_words_on_the_page_and_the_work_on_devices_name_the_same_suites():
    from training.suites import DEFAULT, SUITES

    assert (set(suites.SUITES), suites.DEFAULT) == (set(SUITES), DEFAULT)


def test_what_was_chosen_goes_to_the_device_and_the_usual_when_nothing_was(client):
    assert measure(client).status_code == measure(client, suites=["speed", "speed"]).status_code == 202
    usual, chosen = Errand.objects.filter(kind="evaluate").order_by("id")

    assert usual.payload["suites"] == ["quality", "speed"] and chosen.payload["suites"] == ["speed"]
    assert assignments._of_errand(chosen)["errand"]["suites"] == ["speed"]


def test_an_unknown_suite_and_none_at_all_are_refused_with_the_way_out(client):
    assert "Did you mean 'quality'" in measure(client, suites=["qualty"]).json()["errors"]["suites.0"][0]
    assert "at least one" in measure(client, suites=[]).json()["errors"]["suites"][0]
    assert "Unknown" in measure(client, suites=[{}]).json()["errors"]["suites.0"][0]


def test_the_form_offers_each_with_a_sentence_and_sends_what_is_ticked(client):
    page = client.get(PAGE).content.decode()
    assert all(f'name="suite" value="{name}"' in page for name in ("quality", "speed"))
    client.post(
        f"{PAGE}do/measure/",
        {"artifact": "model.onnx", "split": "test", "device": ["lab-1-cpu-0"], "suite": ["speed"]},
    )
    assert Errand.objects.get(kind="evaluate").payload["suites"] == ["speed"]


def test_a_later_measurement_adds_to_the_row_and_takes_nothing_away(client):
    measure(client)
    answered(Measurement.objects.get())
    measure(client, suites=["speed"])
    answered(Measurement.objects.first(), metrics={}, details={}, latency_ms={"p50": 1.0, "p90": 1, "p99": 1, "n": 9})

    [row] = rows(client)
    assert (row["metrics"]["accuracy"], row["latency_ms"]["p50"]) == (0.9, 1.0)


def test_a_suite_that_could_not_run_says_why_beside_the_others(client):
    measure(client)
    answered(Measurement.objects.get(), quality={"not_measured": "the time for this evaluation ran out"})
    assert rows(client)[0]["suites"] == {"quality": {"not_measured": "the time for this evaluation ran out"}}


def test_what_is_not_measured_yet_has_its_own_row_beside_what_was(client):
    measure(client)
    answered(Measurement.objects.get())
    measure(client)
    assert [row["state"] for row in rows(client)] == ["done", "pending"]
