"""REST routes of the catalog."""

from django.urls import path

from catalog.api import datasets, recipes, uploads, versions
from catalog.base_models import api_urls as base_model_api_urls

VERSION = "datasets/<slug:slug>/versions/<int:number>/"
urlpatterns: list = [
    path("datasets/", datasets.DatasetList.as_view(), name="api_datasets"),
    path("datasets/<slug:slug>/", datasets.DatasetDetail.as_view(), name="api_dataset"),
    path("datasets/<slug:slug>/cancel/", datasets.ImportCancel.as_view(), name="api_dataset_cancel"),
    path("datasets/<slug:slug>/commit/", datasets.ImportCommit.as_view(), name="api_dataset_commit"),
    path("datasets/<slug:slug>/found/", datasets.Found.as_view(), name="api_dataset_found"),
    path("datasets/<slug:slug>/versions/", versions.VersionList.as_view(), name="api_dataset_versions"),
    path(f"{VERSION}clean/", versions.VersionClean.as_view(), name="api_dataset_clean"),
    path(f"{VERSION}items/", versions.VersionItems.as_view(), name="api_dataset_items"),
    path(f"{VERSION}diff/", versions.VersionDiff.as_view(), name="api_dataset_diff"),
    path(f"{VERSION}preview/", recipes.Preview.as_view(), name="api_dataset_preview"),
    path(f"{VERSION}prepare/", versions.VersionPrepare.as_view(), name="api_dataset_prepare"),
    path("uploads/", uploads.UploadList.as_view(), name="api_uploads"),
    path("uploads/<uuid:upload_id>/", uploads.UploadDetail.as_view(), name="api_upload"),
    path("recipes/", recipes.RecipeList.as_view(), name="api_recipes"),
    path("recipes/kept/", recipes.KeptRecipeList.as_view(), name="api_kept_recipes"),
    path("recipes/kept/<int:pk>/", recipes.KeptRecipeDetail.as_view(), name="api_kept_recipe"),
    path("recipes/for/<slug:slug>/", recipes.RecipesFor.as_view(), name="api_recipes_for"),
    path("recipes/steps/", recipes.StepList.as_view(), name="api_recipe_steps"),
    *base_model_api_urls.urlpatterns,
]
