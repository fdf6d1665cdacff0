from django.urls import path

from results import sample_views, views

MEASURED = "results/<slug:slug>/v/<int:number>/measured/<int:measurement>/"

urlpatterns = [
    path("results/", views.result_list, name="results"),
    path("results/of-job/<int:job>/", views.result_of_job, name="result_of_job"),
    path("results/<slug:slug>/", views.result, name="result"),
    path("results/<slug:slug>/v/<int:number>/", views.result_version, name="result_version"),
    path("results/<slug:slug>/v/<int:number>/do/<slug:verb>/", views.version_do, name="result_do"),
    path(MEASURED + "samples/", sample_views.result_samples, name="result_samples"),
    path(MEASURED + "rows/<int:row>.png", sample_views.result_row_image, name="result_row_image"),
]
