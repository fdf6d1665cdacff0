"""Pages of base models."""

from django.urls import path

from catalog.base_models import views

urlpatterns: list = [
    path("models/", views.model_list, name="models"),
    path("models/new/", views.model_add, name="model_add"),
    path("models/<slug:slug>/", views.model, name="model"),
    path("models/<slug:slug>/remove/", views.model_remove, name="model_remove"),
]
