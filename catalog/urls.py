from django.urls import path

from catalog import image_urls
from catalog.base_models import urls as base_model_urls
from catalog.views import adding, doing, versions, web

urlpatterns: list = [
    path("datasets/", versions.dataset_list, name="datasets"),
    path("datasets/new/", adding.dataset_add, name="dataset_add"),
    path("datasets/new/web/", web.add_from_web, name="dataset_add_web"),
    path("datasets/new/web/switch-on/", web.switch_on, name="dataset_web_switch_on"),
    path("datasets/<slug:slug>/", versions.dataset, name="dataset"),
    path("datasets/<slug:slug>/add/", adding.version_add, name="version_add"),
    path("datasets/<slug:slug>/do/<slug:verb>/", doing.dataset_do, name="dataset_do"),
    path("datasets/<slug:slug>/v/<int:number>/", versions.dataset_version, name="dataset_version"),
    path("datasets/<slug:slug>/v/<int:number>/<slug:tab>/", versions.dataset_version, name="dataset_version"),
    *image_urls.urlpatterns,
    *base_model_urls.urlpatterns,
]
