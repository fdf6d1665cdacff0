from django.urls import path

from catalog import image_urls, views
from catalog.base_models import urls as base_model_urls

urlpatterns: list = [
    path("datasets/", views.dataset_list, name="datasets"),
    path("datasets/new/", views.dataset_add, name="dataset_add"),
    path("datasets/<slug:slug>/", views.dataset, name="dataset"),
    path("datasets/<slug:slug>/do/<slug:verb>/", views.dataset_do, name="dataset_do"),
    path("datasets/<slug:slug>/v/<int:number>/", views.dataset_version, name="dataset_version"),
    path("datasets/<slug:slug>/v/<int:number>/<slug:tab>/", views.dataset_version, name="dataset_version"),
    *image_urls.urlpatterns,
    *base_model_urls.urlpatterns,
]
