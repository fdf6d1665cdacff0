"""How good a version is, on its page and over REST: numbers with intervals, figures, the samples behind them."""

import json

import numpy as np
import pytest

from catalog import places
from recipes.prepared import Column, Writer
from results.models import Measurement
from tests.accounts.factories import make_user
from tests.jobs.factories import make_owner
from tests.results.factories import answered, make_result
from training.quality.exam import packed

pytestmark = pytest.mark.django_db
PAGE = "/results/digits/v/1/"
TRUE, SAID = [0, 0, 1, 1], [0, 1, 1, 1]
INTERVAL = {"value": 0.75, "low": 0.5, "high": 1.0, "n": 4, "resamples": 1000}


@pytest.fixture
def client(client, measurement):
    client.force_login(make_owner())
    return client


@pytest.fixture
def measurement(client):
    """Four small pictures of two classes, one of them answered wrongly, whose prepared data lies on the server."""
    version = make_result(name="digits")
    prepared = version.job.prepared
    with Writer(
        places.prepared(),
        task="image-classification",
        kind="image",
        classes=["cat", "dog"],
        columns={"image": Column("uint8", (1, 6, 6)), "label": Column("int64")},
        input_column="image",
        target_column="label",
    ) as writer:
        for label in TRUE:
            writer.add("test", image=np.full((1, 6, 6), 90 * label, np.uint8), label=label)
        path = writer.finish()
    prepared.hash, prepared.manifest = path.name, json.loads((path / "manifest.json").read_text())
    prepared.save()
    client.force_login(make_owner())
    body = {"result": "digits", "artifact": "model.onnx", "devices": ["lab-1-cpu-0"]}
    assert client.post("/api/v1/evaluations/", body, content_type="application/json").status_code == 202
    found = Measurement.objects.get()
    columns = {"true": np.array(TRUE), "answer": np.array(SAID), "loss": np.array([0.1, 2.0, 0.3, 0.2])}
    rows = {name: packed(column) for name, column in columns.items()}
    answered(found, metrics={"accuracy": 0.75, "ece": 0.1}, details=details(), rows=rows)
    return found


def details():
    bins = [{"low": 0.9, "high": 1.0, "count": 4, "confidence": 0.95, "accuracy": 0.75}]
    return {
        "confusion": [[1, 1], [0, 2]],
        "intervals": {"accuracy": INTERVAL},
        "per_class": {"f1": [0.6666, 0.8]},
        "calibration": bins,
        "worst": [1, 2],
    }


def test_the_page_shows_each_number_with_its_range_and_the_figures(client):
    page = client.get(PAGE).content.decode()
    assert "50.0% to 100.0%, n = 4" in page
    assert 'data-testid="figure-reliability"' in page and 'data-testid="figure-per-class"' in page
    assert 'data-testid="worst"' in page


def test_a_cell_of_the_matrix_opens_the_samples_behind_it(client, measurement):
    address = f"{PAGE}measured/{measurement.pk}/samples/?true=0&said=1"
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
    assert client.get(f"{PAGE}measured/{measurement.pk}/rows/9.png").status_code == 404
    client.force_login(make_user("stranger", role=""))
    assert client.get(f"/api/v1/evaluations/{measurement.pk}/samples/").status_code == 404
    assert client.get(f"{PAGE}measured/{measurement.pk}/rows/0.png").status_code == 404


def test_rows_lie_apart_from_the_answer(client, measurement):
    found = client.get(f"/api/v1/evaluations/{measurement.pk}/").json()
    assert found["rows_of"] == measurement.pk and "rows" not in found["details"]
    measurement.errand.refresh_from_db()
    assert "rows" not in measurement.errand.answer
