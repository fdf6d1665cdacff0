"""REST routes of the catalog."""

from django.urls import path

from catalog import api

urlpatterns: list = [
    path("datasets/", api.DatasetList.as_view(), name="api_datasets"),
    path("datasets/<slug:slug>/", api.DatasetDetail.as_view(), name="api_dataset"),
    path("datasets/<slug:slug>/versions/", api.VersionList.as_view(), name="api_dataset_versions"),
    path(
        "datasets/<slug:slug>/versions/<int:number>/prepare/", api.VersionPrepare.as_view(), name="api_dataset_prepare"
    ),
    path("recipes/", api.RecipeList.as_view(), name="api_recipes"),
    path("recipes/steps/", api.StepList.as_view(), name="api_recipe_steps"),
]
