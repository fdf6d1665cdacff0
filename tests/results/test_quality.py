"""How good a version is, on its page and over REST: numbers with intervals, figures, the samples behind them."""

import pytest

from tests.accounts.factories import make_user
from tests.jobs.factories import make_owner
from tests.results.answering import answer, ask, pictured_result

pytestmark = pytest.mark.django_db
PAGE = "/results/digits/v/1/"


@pytest.fixture
def measurement(client):
    pictured_result()
    client.force_login(make_owner())
    return answer(ask(client))


def test_the_page_shows_each_number_with_its_range_and_the_figures(client, measurement):
    page = client.get(PAGE).content.decode()
    assert "50.0% to 100.0%, n = 4" in page
    assert 'data-testid="figure-reliability"' in page and 'data-testid="figure-per-class"' in page
    assert 'data-testid="worst"' in page


def test_a_cell_of_the_matrix_opens_the_samples_behind_it(client, measurement):
    address = f"/results/measured/{measurement.pk}/samples/?true=0&said=1"
    assert address.replace("&", "&amp;") in client.get(PAGE).content.decode()
    page = client.get(address).content.decode()
    assert page.count('data-testid="sample"') == 1 and "true: cat" in page


def test_rest_gives_the_same_samples_the_worst_first(client, measurement):
    url = f"/api/v1/evaluations/{measurement.pk}/samples/"
    found = client.get(url).json()
    assert [item["row"] for item in found["items"]] == [1, 2, 3, 0] and found["count"] == 4
    assert client.get(f"{url}?order=row").json()["items"][0]["row"] == 0
    [item] = client.get(f"{url}?true=0&said=1").json()["items"]
    assert (item["true"], item["said"], item["row"]) == ("cat", "dog", 1)
    assert client.get(item["image"]).content.startswith(b"\x89PNG")
    assert set(client.get(f"{url}?true=x&order=y").json()["errors"]) == {"true", "order"}


def test_a_row_that_is_not_there_has_no_picture_and_a_stranger_sees_nothing(client, measurement):
    assert client.get(f"/results/measured/{measurement.pk}/rows/9.png").status_code == 404
    client.force_login(make_user("stranger", role=""))
    assert client.get(f"/api/v1/evaluations/{measurement.pk}/samples/").status_code == 404
    assert client.get(f"/results/measured/{measurement.pk}/rows/0.png").status_code == 404


def test_parts_of_data_that_does_not_lie_here_any_more_are_not_told(client, measurement):
    assert client.get(f"/api/v1/evaluations/{measurement.pk}/weakest/").json() == {"all": None, "slices": []}


def test_rows_lie_apart_from_the_answer(client, measurement):
    found = client.get(f"/api/v1/evaluations/{measurement.pk}/").json()
    assert found["rows_of"] == measurement.pk and "rows" not in found["details"]
    measurement.errand.refresh_from_db()
    assert "rows" not in measurement.errand.answer
