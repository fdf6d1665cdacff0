"""Two versions of one model next to each other."""

import pytest

from results.models import Measurement, ResultVersion
from tests.jobs.factories import make_owner
from tests.results.answering import answer, ask, pictured_result

pytestmark = pytest.mark.django_db
TRUE = [0, 1] * 50


def test_two_versions_are_compared_by_the_same_rows_and_the_better_figure_stands_out(client):
    first = pictured_result()
    client.force_login(make_owner())
    twin = first.job
    twin.pk, twin.spec = None, twin.spec | {"training": twin.spec["training"] | {"seed": 7}}
    twin.save()
    ResultVersion.objects.create(result=first.result, number=2, job=twin)
    answer(ask(client, version=1), TRUE, [0, 0] * 50, [0.5] * 100)
    second = ask(client, version=1)
    answer(second, TRUE, [0, 1] * 45 + [1, 0] * 5, [0.5] * 100, latency_ms={"p50": 9.0, "p90": 9, "p99": 9, "n": 30})
    Measurement.objects.filter(pk=second.pk).update(job=twin)

    told = client.get("/api/v1/results/digits/versions/2/against/1/").json()
    figures = {row["name"]: (row["this"], row["other"], row["better"]) for row in told["rows"]}
    assert figures["accuracy"] == (0.9, 0.5, True) and figures["latency_ms"] == (9.0, 2.0, False)
    assert told["difference"]["difference"] == pytest.approx(0.4) and told["difference"]["low"] > 0.2
    assert [row["this"] for row in told["made_from"]] == [7]

    page = client.get("/results/digits/v/2/?against=1").content.decode()
    assert 'data-testid="side-by-side"' in page and "+40.0 points" in page
    assert client.get("/api/v1/results/digits/versions/2/against/9/").status_code == 404
