"""The pages of results, as the server renders them."""

import pytest

from results.models import Measurement
from tests.accounts.factories import make_admin, make_user
from tests.jobs.factories import make_owner
from tests.results.factories import answered, make_result

pytestmark = pytest.mark.django_db
PAGE = "/results/digits/v/1/"


@pytest.fixture
def version():
    return make_result(name="digits", requirements=["eval/accuracy >= 0.97"])


@pytest.fixture
def client(client, version):
    client.force_login(make_owner())
    return client


def text_of(answer) -> str:
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_list_shows_the_result_and_an_empty_one_says_how_to_get_one(client):
    assert "digits" in text_of(client.get("/results/"))
    assert "No result fits" in text_of(client.get("/results/?search=nothing"))


def test_the_short_address_leads_to_the_newest_version(client):
    assert client.get("/results/digits/").headers["Location"] == PAGE
    assert client.get("/results/digits/v/9/").status_code == 404


def test_a_job_that_is_done_leads_to_its_result(client, version):
    line = client.get(f"/api/v1/jobs/{version.job_id}/").json()["state_line"]
    [address] = [action["url"] for action in line["actions"] if action["label"] == "See the result"]
    assert client.get(address).headers["Location"] == PAGE


def test_the_page_says_how_good_it_is_and_where_it_is_the_same(client):
    page = text_of(client.get(PAGE))

    assert "Same on 2 of 2 devices." in page
    assert "model.onnx" in page and "Unchecked" in page
    assert "eval/accuracy &gt;= 0.97" in page
    assert "Never checked here: known issues of dependencies" in page


def test_a_measurement_brings_speed_parity_and_the_confusion_matrix(client, version):
    sent = {"artifact": "model.onnx", "split": "test", "device": ["lab-1-cpu-0"], "suite": ["quality"]}
    assert client.post(f"{PAGE}do/measure/", sent).headers["Location"] == PAGE
    assert "data-poll-url" in text_of(client.get(PAGE))
    answered(Measurement.objects.get())

    page = text_of(client.get(PAGE))
    assert "data-poll-url" not in page
    assert "Passed on 1 device" in page
    assert "2.00 / 3.00 / 4.00" in page or "2 / 3 / 4" in page
    assert 'data-testid="confusion"' in page


def test_people_decide_on_the_page_with_a_reason(client):
    client.post(f"{PAGE}do/stage/", {"stage": "retired", "reason": "older data"})
    assert "older data" in text_of(client.get(PAGE))
    assert client.post(f"{PAGE}do/stage/", {"stage": "approved", "reason": "good"}).status_code == 403
    client.force_login(make_admin())
    client.post(f"{PAGE}do/stage/", {"stage": "approved", "reason": "good"})
    assert "Approved" in text_of(client.get(PAGE))


def test_a_viewer_sees_no_button_that_they_may_not_press(client):
    client.force_login(make_user("viewer", role="viewer"))
    page = text_of(client.get(PAGE))
    assert "do/stage/" not in page and "do/measure/" not in page and "?download=1" not in page
    assert client.post(f"{PAGE}do/measure/", {"artifact": "model.onnx"}).status_code == 403


def test_a_card_written_by_hand_is_shown_as_text(client):
    """S29"""
    client.post(f"{PAGE}do/card/", {"card": "# <script>alert(1)</script>"})
    page = text_of(client.get(PAGE))
    assert "&lt;script&gt;alert(1)" in page and "Written by hand." in page
