"""A user who changes nothing gets prepared data for every task, and sees eight samples before and after."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.models import Project
from catalog import queries, recipes, services, tasks
from catalog.models import PreparedState
from recipes.recipe import Recipe
from tests.accounts.factories import make_user
from tests.catalog.data_factories import coco, texts_csv
from tests.catalog.factories import built, imported, zipped

pytestmark = pytest.mark.django_db


def rows_csv(target) -> str:
    rows = [
        f"{number},{'' if number % 7 == 0 else number / 2},{'rgb'[number % 3]},{target(number)}" for number in range(40)
    ]
    return "\n".join(["age,height,colour,label", *rows]) + "\n"


def chats_jsonl() -> str:
    talks = (
        [{"role": "user", "content": f"Say {number}."}, {"role": "assistant", "content": f"It is {number}."}]
        for number in range(40)
    )
    return "".join(json.dumps({"messages": talk}) + "\n" for talk in talks)


DATA = {
    "text-classification": ("texts.csv", texts_csv()),
    "causal-lm": ("chats.jsonl", chats_jsonl()),
    "tabular-classification": ("rows.csv", rows_csv(lambda number: ("no", "yes")[number % 2])),
    "tabular-regression": ("rows.csv", rows_csv(lambda number: number * 1.5 + 0.25)),
    "object-detection": ("boxes.zip", zipped(coco(40))),
}
"""file by task"""


@pytest.fixture(params=DATA)
def version(request):
    name, content = DATA[request.param]
    data = content if isinstance(content, bytes) else content.encode()
    dataset = services.add_upload(make_user(), Project.default(), "mine", SimpleUploadedFile(name, data))
    tasks.import_dataset(dataset.pk)
    dataset.refresh_from_db()
    version = dataset.versions.get()
    assert queries.task_of(version) == request.param
    return version


def test_the_default_recipe_works_and_its_samples_are_shown_before_and_after(client, version):
    task = queries.task_of(version)
    steps = recipes.default_steps(version, task)
    assert recipes.check(steps, version.schema, task=task) == []
    prepared = built(version, steps)
    assert (prepared.state, prepared.error) == (PreparedState.READY, "")
    assert prepared.manifest["task"] == task
    rows = queries.preview(version, steps)
    assert len(rows) == 8
    assert [row["problem"] for row in rows] == [""] * 8
    assert all(row["before"] and row["after"] for row in rows if "image" not in row)
    assert rows == queries.preview(version, steps)
    client.force_login(version.dataset.owner)
    page = client.get(f"{reverse('dataset_version', args=[version.dataset.slug, version.number])}samples/")
    assert page.status_code == 200
    assert page.content.decode().count('data-testid="before-after"') == (0 if task == "object-detection" else 8)
    assert all(recipes.words(prepared.recipe.steps))
    told = client.post(f"/api/v1/datasets/{version.dataset.slug}/versions/{version.number}/preview/", {})
    assert (told.status_code, told.json()) == (200, {"recipe": steps, "items": rows})


GREY = '[{"step": "grayscale"}, {"step": "resize", "size": [8, 8]}]'


def test_another_recipe_is_tried_on_samples_and_taken_along_to_a_job(client, boxes):
    page = client.get(samples_of(boxes), {"recipe": GREY})
    shapes = [row["shape_after"] for row in page.context["preview"]]
    assert shapes == [{"channels": 1, "height": 8, "width": 8}] * 8
    assert page.context["tried"].which == "own"
    assert f'formaction="/jobs/new/" name="dataset" value="{boxes.dataset.slug}"' in page.content.decode()
    form = client.get("/jobs/new/", {"dataset": boxes.dataset.slug, "recipe": GREY}).context
    assert (form["dataset"], json.loads(form["recipe_text"])) == (boxes.dataset.slug, json.loads(GREY))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("grayscale", "The recipe is not JSON."),
        ("[" * 3000, "The recipe is not JSON."),
        ('[{"step": "one-hot"}]', "Step 1, one-hot: "),
        ('[{"step": "scale"}, {"step": "grey"}]', "Step 2, grey: "),
        ('[{"step": "scale"}, {"step": "balance"}]', "Step 2, balance: 'balance' needs data"),
        ('[{"step": "decode"}, {"step": "balance"}]', "Step 2, balance: 'balance' needs data"),
        ('[{"step": "scale"}, {"step": "resize", "size": [8]}]', "Step 2, resize, size: Expected [height, width]"),
    ],
)
def test_a_recipe_that_does_not_fit_says_why_once_and_beside_its_text(client, boxes, text, sentence):
    page = client.get(samples_of(boxes), {"recipe": text})
    assert (page.status_code, page.context["preview"]) == (200, [])
    assert page.content.decode().count('<span class="error">') == len(page.context["tried"].errors)
    assert any(one["sentence"].startswith(sentence) for one in page.context["tried"].errors)


def test_samples_say_whether_their_steps_are_those_prepared_last_or_those_chosen_for_the_data(client, boxes):
    chosen = recipes.default_steps(boxes, "object-detection")
    here = samples_of(boxes)
    built(boxes, chosen)
    assert client.get(here).context["tried"].which == "chosen"
    built(boxes, json.loads(GREY))
    tried = client.get(here).context["tried"]
    assert (tried.which, tried.steps, json.loads(tried.text)) == ("prepared", *[with_defaults(GREY)] * 2)
    for empty in ("", "[]"):
        tried = client.get(here, {"recipe": empty}).context["tried"]
        assert (tried.which, tried.steps, tried.text) == ("chosen", chosen, "")
    offered = client.get(f"/api/v1/recipes/for/{boxes.dataset.slug}/").json()
    assert (offered["default"], offered["prepared"]) == (chosen, with_defaults(GREY))


def with_defaults(text) -> list:
    return Recipe.parse(json.loads(text)).to_json()


@pytest.fixture
def boxes(client):
    version = imported(coco()).versions.get()
    client.force_login(version.dataset.owner)
    return version


def samples_of(version) -> str:
    return reverse("dataset_version", args=[version.dataset.slug, version.number, "samples"])
