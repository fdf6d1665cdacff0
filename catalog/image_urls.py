"""Addresses of the pictures that pages show."""

from django.urls import path

from catalog import image_views

urlpatterns = [
    path("datasets/<slug:slug>/v/<int:version>/images/<int:number>.png", image_views.image, name="dataset_image"),
    path(
        "datasets/<slug:slug>/v/<int:version>/preview/<int:number>.png",
        image_views.preview_image,
        name="dataset_preview_image",
    ),
]
