"""REST of recipes and their steps."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import require
from catalog import api_schema, queries, recipes
from catalog.api.finding import version_at
from catalog.models import Dataset, DatasetVersion, Recipe
from catalog.request_bodies import object_of, refuse_unknown
from catalog.services.preparing import keep_recipe
from contract.problems import Invalid, Problem, gettext_noop
from recipes.steps import STEPS


class RecipeList(GenericAPIView):
    """Recipes that were used or kept, with every parameter written out; POST checks one and keeps it."""

    @extend_schema(responses=api_schema.RecipeSerializer(many=True))
    def get(self, request) -> Response:
        require(request.user, "see", token=request.auth)
        page = self.paginate_queryset(Recipe.objects.order_by("-id"))
        return self.get_paginated_response([_recipe_json(recipe) for recipe in page])

    @extend_schema(request=api_schema.NewRecipeSerializer, responses={201: api_schema.RecipeSerializer})
    def post(self, request) -> Response:
        require(request.user, "run", token=request.auth)
        body = object_of(request.data)
        refuse_unknown(body, {"steps", "dataset"})
        kind = ""
        if "dataset" in body:
            version = _version_named(request, body["dataset"])
            kind = version.schema["kind"]
            if problems := recipes.check(body.get("steps"), version.schema, "steps", queries.task_of(version)):
                raise Invalid(problems)
        return Response(_recipe_json(keep_recipe(body.get("steps"), "steps", kind)), status=201)


class StepList(APIView):
    """The steps that a recipe can have, with their parameters and defaults."""

    @extend_schema(responses=api_schema.StepSerializer(many=True))
    def get(self, request) -> Response:
        return Response(
            [
                {
                    "step": name,
                    "kinds": list(step.kinds),
                    "parameters": step.parameters(),
                    "protects": _(step.protects) if step.protects else "",
                    "does_not_protect": _(step.does_not_protect) if step.does_not_protect else "",
                }
                for name, step in STEPS.items()
            ]
        )


class Preview(APIView):
    """Eight samples before and after a recipe (the default one without): pictures as addresses, texts, rows."""

    @extend_schema(request=api_schema.StepsSerializer, responses=api_schema.PreviewSerializer)
    def post(self, request, slug: str, number: int) -> Response:
        version = version_at(request, slug, number)
        require(request.user, "see_raw", version.dataset, token=request.auth)
        body = object_of(request.data)
        refuse_unknown(body, {"recipe"})
        task = queries.task_of(version)
        steps = body.get("recipe") or recipes.default_steps(version, task)
        if problems := recipes.check(steps, version.schema, task=task):
            raise Invalid(problems)
        return Response({"recipe": steps, "items": queries.preview(version, steps)})


def _version_named(request, slug: Any) -> DatasetVersion:
    try:
        version = queries.latest(queries.dataset_for(request.user, str(slug)))
    except Dataset.DoesNotExist:
        version = None
    if version is None:
        sentence = gettext_noop("No dataset '%(slug)s' that you may use. Choose one under Datasets.")
        raise Invalid([Problem("dataset", sentence, {"slug": str(slug)[:120]})])
    return version


def _recipe_json(recipe: Recipe) -> dict[str, Any]:
    return {"hash": recipe.hash, "steps": recipe.steps, "words": recipes.words(recipe.steps)}
