"""REST routes of base models."""

from django.urls import path

from catalog.base_models import api

urlpatterns: list = [
    path("models/", api.ModelList.as_view(), name="api_models"),
    path("models/<slug:slug>/", api.ModelDetail.as_view(), name="api_model"),
]
