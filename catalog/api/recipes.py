"""REST of recipes and their steps."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.audit import address_of
from accounts.permissions import may, require, visible
from catalog import api_schema, queries, recipes
from catalog.api.finding import dataset_at, version_at
from catalog.models import Dataset, DatasetVersion, KeptRecipe, Recipe
from catalog.request_bodies import object_of, refuse_unknown
from catalog.services import kept_recipes
from catalog.services.preparing import keep_recipe
from contract.problems import Invalid, Problem, gettext_noop, unknown
from recipes.recipe import names_problems
from recipes.steps import STEPS


class RecipeList(GenericAPIView):
    """Recipes that were used or kept, with every parameter written out; POST checks one and keeps it, under a name when
    one is given."""

    @extend_schema(responses=api_schema.RecipeSerializer(many=True))
    def get(self, request) -> Response:
        require(request.user, "see", token=request.auth)
        page = self.paginate_queryset(Recipe.objects.order_by("-id"))
        return self.get_paginated_response([_recipe_json(recipe) for recipe in page])

    @extend_schema(request=api_schema.NewRecipeSerializer, responses={201: api_schema.RecipeSerializer})
    def post(self, request) -> Response:
        require(request.user, "run", token=request.auth)
        body = object_of(request.data)
        refuse_unknown(body, {"steps", "dataset", "name"})
        kind, project = "", None
        if "dataset" in body:
            version = _version_named(request, body["dataset"])
            kind, project = version.schema["kind"], version.dataset.project
            require(request.user, "run", project, token=request.auth)
            if problems := recipes.check(body.get("steps"), version.schema, "steps", queries.task_of(version)):
                raise Invalid(problems)
        if "name" not in body:
            return Response(_recipe_json(keep_recipe(body.get("steps"), "steps", kind)), status=201)
        told: dict[str, Any] = {"kind": kind, "project": project, "via": "api", "address": address_of(request)}
        kept = kept_recipes.keep(request.user, body["name"], body.get("steps"), **told)
        return Response(_kept_json(kept), status=201)


class KeptRecipeList(GenericAPIView):
    """Recipes that somebody keeps under a name."""

    @extend_schema(responses=api_schema.KeptRecipeSerializer(many=True))
    def get(self, request) -> Response:
        require(request.user, "see", token=request.auth)
        page = self.paginate_queryset(_kept_for(request))
        return self.get_paginated_response([_kept_json(kept) for kept in page])


class KeptRecipeDetail(APIView):
    @extend_schema(responses=api_schema.KeptRecipeSerializer)
    def get(self, request, pk: int) -> Response:
        kept = get_object_or_404(_kept_for(request), pk=pk)
        require(request.user, "see", kept, token=request.auth)
        return Response(_kept_json(kept))

    @extend_schema(request=api_schema.RenameSerializer, responses=api_schema.KeptRecipeSerializer)
    def patch(self, request, pk: int) -> Response:
        """Another name for the same steps."""
        kept = get_object_or_404(_kept_for(request), pk=pk)
        require(request.user, "change", kept, token=request.auth)
        body = object_of(request.data)
        refuse_unknown(body, {"name"})
        kept_recipes.rename(kept, body.get("name"), request.user, via="api", address=address_of(request))
        return Response(_kept_json(kept))

    @extend_schema(responses={204: None})
    def delete(self, request, pk: int) -> Response:
        """Forget the name. Jobs and prepared data hold the steps themselves and stay as they are."""
        kept = get_object_or_404(_kept_for(request), pk=pk)
        require(request.user, "change", kept, token=request.auth)
        kept_recipes.forget(kept, request.user, via="api", address=address_of(request))
        return Response(status=204)


class RecipesFor(APIView):
    """What a job on the newest version of a dataset can choose from: the steps chosen for it, those of the data
    prepared last, the recipes kept that fit it, and every step there is for such data. POST `steps` and the name of
    another one to `add`: at which place it goes. Nothing is kept."""

    @extend_schema(responses=api_schema.RecipesForSerializer)
    def get(self, request, slug: str) -> Response:
        version = _newest(request, slug)
        kind, task = version.schema["kind"], queries.task_of(version)
        prepared = queries.newest_prepared(version)
        fitting = [
            kept
            for kept in _kept_for(request).filter(project=version.dataset.project)
            if not recipes.check(kept.recipe.steps, version.schema, task=task)
        ]
        return Response(
            {
                "dataset": slug,
                "kind": kind,
                "default": recipes.default_steps(version, task),
                "prepared": prepared.recipe.steps if prepared else None,
                "kept": [_offered_json(kept, request) for kept in fitting],
                "may_keep": may(request.user, "run", version.dataset.project, token=request.auth),
                "steps": [_step_json(name) for name, step in STEPS.items() if kind in step.kinds],
            }
        )

    @extend_schema(request=api_schema.PlaceOfStepSerializer, responses=api_schema.PlaceSerializer)
    def post(self, request, slug: str) -> Response:
        version = _newest(request, slug)
        body = object_of(request.data)
        refuse_unknown(body, {"steps", "add"})
        steps: Any = body.get("steps")
        name = str(body.get("add", ""))
        problems = names_problems(steps, "steps")
        if name not in STEPS:
            problems.append(unknown("add", name, STEPS))
        if problems:
            raise Invalid(problems)
        return Response({"place": recipes.last_place(name, steps, version.schema, queries.task_of(version))})


class StepList(APIView):
    """The steps that a recipe can have, with their parameters and defaults."""

    @extend_schema(responses=api_schema.StepSerializer(many=True))
    def get(self, request) -> Response:
        return Response([_step_json(name) for name in STEPS])


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


def _newest(request, slug: str) -> DatasetVersion:
    version = queries.latest(dataset_at(request, slug))
    if version is None:
        raise Http404
    require(request.user, "see", version.dataset, token=request.auth)
    return version


def _version_named(request, slug: Any) -> DatasetVersion:
    try:
        version = queries.latest(queries.dataset_for(request.user, str(slug)))
    except Dataset.DoesNotExist:
        version = None
    if version is None:
        sentence = gettext_noop("No dataset '%(slug)s' that you may use. Choose one under Datasets.")
        raise Invalid([Problem("dataset", sentence, {"slug": str(slug)[:120]})])
    return version


def _kept_for(request) -> QuerySet[KeptRecipe]:
    return visible(request.user, KeptRecipe.objects.select_related("recipe", "owner"))


def _step_json(name: str) -> dict[str, Any]:
    step = STEPS[name]
    return {
        "step": name,
        "about": _(step.about),
        "kinds": list(step.kinds),
        "once": step.once,
        "parameters": step.parameters(),
        "parameter_kinds": step.parameter_kinds(),
        "expects": {parameter: _(step.check_value(parameter, None)) for parameter in step.parameters()},
        "choices": {parameter: list(words) for parameter, words in step.choices.items()},
        "protects": _(step.protects) if step.protects else "",
        "does_not_protect": _(step.does_not_protect) if step.does_not_protect else "",
    }


def _kept_json(kept: KeptRecipe) -> dict[str, Any]:
    return {"id": kept.pk, "name": kept.name, "owner": kept.owner.username, **_recipe_json(kept.recipe)}


def _offered_json(kept: KeptRecipe, request) -> dict[str, Any]:
    return _kept_json(kept) | {"may_change": may(request.user, "change", kept, token=request.auth)}


def _recipe_json(recipe: Recipe) -> dict[str, Any]:
    return {"hash": recipe.hash, "steps": recipe.steps, "words": recipes.words(recipe.steps)}
