"""What a version was made from, as a graph with links."""

import re

import pytest

from config import release
from results import queries
from results.lineage_graph import BOX_WIDTH, graph
from tests.jobs.factories import make_owner
from tests.results.factories import make_result

pytestmark = pytest.mark.django_db


def test_data_recipe_model_and_code_lead_to_the_job_and_the_job_to_the_version(client):
    version = make_result(name="a name that is far too long for one small box")
    assert version.code == release.running()._asdict()
    drawn = graph(queries.version_json(version))
    at = {(box.x + BOX_WIDTH, box.y): box.key for box in drawn["boxes"]}
    to = {(box.x, box.y): box.key for box in drawn["boxes"]}
    half = 28
    pairs = {(at[arrow.x1, arrow.y1 - half], to[arrow.x2, arrow.y2 - half]) for arrow in drawn["arrows"]}
    assert pairs == {("data", "recipe"), ("recipe", "job"), ("model", "job"), ("code", "job"), ("job", "version")}
    texts = {box.key: box.text for box in drawn["boxes"]}
    assert texts["data"] == "shapes v1" and texts["model"] == "conv" and texts["version"].endswith("…")

    client.force_login(make_owner())
    page = client.get(f"/results/{version.result.slug}/v/1/").content.decode()
    svg = page[page.index('data-testid="lineage-graph"') :].split("</svg>")[0]
    for url in re.findall(r'href="([^"]+)"', svg):
        assert client.get(url).status_code == 200, url
    assert f"/jobs/{version.job_id}/" in svg
