from django.urls import path

from results import evaluate_views, sample_views, views

MEASURED = "results/measured/<int:measurement>/"

urlpatterns = [
    path("results/", views.result_list, name="results"),
    path("results/of-job/<int:job>/", views.result_of_job, name="result_of_job"),
    path(MEASURED + "samples/", sample_views.measured_samples, name="measured_samples"),
    path(MEASURED + "rows/<int:row>.png", sample_views.measured_row_image, name="measured_row_image"),
    path("jobs/<int:number>/evaluate/", evaluate_views.evaluate, name="job_evaluate"),
    path("results/<slug:slug>/", views.result, name="result"),
    path("results/<slug:slug>/v/<int:number>/", views.result_version, name="result_version"),
    path("results/<slug:slug>/v/<int:number>/do/<slug:verb>/", views.version_do, name="result_do"),
]
