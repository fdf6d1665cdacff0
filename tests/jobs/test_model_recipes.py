"""Recipes for registered models: their own tokens, pictures of their size."""

import json

import pytest

from catalog.models import Dataset, DatasetVersion
from contract.problems import Invalid
from jobs import model_recipes, services
from tests.catalog.model_factories import CONFIG, placed, tiny_model
from tests.jobs.factories import make_job, make_owner, make_version

pytestmark = pytest.mark.django_db
VIT = {"model_type": "vit", "architectures": ["ViTForImageClassification"], "image_size": 32}
TEXTS = {"kind": "text", "classes": ["a", "b"], "lengths": {"min": 1, "median": 40, "max": 90}}


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    settings.FLEETUNE_HOME = tmp_path


def model_with(**config):
    return placed(tiny_model(config__json=json.dumps(config).encode()), make_owner())


def texts() -> DatasetVersion:
    version = make_version(slug="texts")
    Dataset.objects.filter(pk=version.dataset_id).update(task="text-classification")
    DatasetVersion.objects.filter(pk=version.pk).update(schema=TEXTS)
    return version


def body(**more) -> dict:
    model = {"source": "registered", "slug": "tiny"}
    return {"task": "text-classification", "dataset": "texts", "model": model, **more}


def test_a_text_model_gets_its_own_tokens_and_no_more_than_it_can_read():
    model_with(**CONFIG, max_position_embeddings=48)
    texts()

    job = services.submit(make_owner(), body(), via="api")

    assert job.spec["recipe"] == [{"step": "tokenise", "model": "tiny", "max_length": 48}]


def test_bytes_for_a_model_that_has_a_tokenizer_are_refused_with_what_to_write():
    model_with(**CONFIG)
    texts()

    with pytest.raises(Invalid) as refused:
        services.submit(make_owner(), body(recipe=[{"step": "tokenise"}]), via="api")

    (problem,) = refused.value.problems
    assert problem.path == "recipe.0.model" and str(problem).endswith('Give this step "model": "tiny".')


def test_an_unknown_tokenizer_is_refused_at_submit():
    texts()
    asked = body(recipe=[{"step": "tokenise", "model": "nobody"}]) | {"model": {"source": "text"}}

    with pytest.raises(Invalid, match="No model 'nobody' in this project"):
        services.submit(make_owner(), asked, via="api")


@pytest.mark.parametrize(("channels", "colour"), [(3, "rgb"), (1, "grayscale"), (None, "rgb")])
def test_a_picture_model_gets_pictures_of_its_size(channels, colour):
    model_with(**VIT, **({"num_channels": channels} if channels else {}))

    job = make_job(model={"source": "registered", "slug": "tiny"}, recipe=[])

    assert [step["step"] for step in job.spec["recipe"]] == [colour, "resize", "scale"]
    assert job.spec["recipe"][1]["size"] == [32, 32]


def test_a_written_recipe_and_jobs_without_a_registered_model_stay_as_they_are():
    steps = [{"step": "scale", "to": [0, 1]}]
    assert model_recipes.fitted(steps, None) == steps
    assert model_recipes.problems([{"step": "tokenise"}], None) == []
    model_with(**VIT)
    assert make_job(model={"source": "registered", "slug": "tiny"}).spec["recipe"] == steps


def test_the_new_job_form_shows_the_recipe_that_the_chosen_model_asks_for(client):
    model_with(**CONFIG, max_position_embeddings=48)
    texts()
    client.force_login(make_owner())

    plain = client.get("/jobs/new/", {"dataset": "texts"}).context
    fitted = client.get("/jobs/new/", {"dataset": "texts", "model": "tiny"}).context

    assert (plain["recipe_chosen_for"], fitted["recipe_chosen_for"]) == (
        "Chosen for this data",
        "Chosen for this data and model",
    )
    assert json.loads(fitted["recipe_chosen"]) == [{"step": "tokenise", "model": "tiny", "max_length": 48}]
    job = services.submit(make_owner(), body(), via="api")
    assert job.spec["recipe"] == json.loads(fitted["recipe_chosen"])


def test_a_job_that_goes_on_from_a_model_s_tokens_reads_the_same_tokens():
    model_with(**CONFIG, max_position_embeddings=48)
    texts()
    first = services.submit(make_owner(), body(), via="api")

    second = services.submit(make_owner(), body(model={"source": "job", "id": first.pk}), via="api")
    written = services.submit(
        make_owner(), body(model={"source": "job", "id": first.pk}, recipe=[{"step": "tokenise"}]), via="api"
    )

    assert second.spec["recipe"] == [{"step": "tokenise", "model": "tiny", "max_length": 48}]
    assert written.spec["recipe"][0].get("model", "") == ""
