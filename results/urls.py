from django.urls import path

from results import views

urlpatterns = [
    path("results/", views.result_list, name="results"),
    path("results/of-job/<int:job>/", views.result_of_job, name="result_of_job"),
    path("results/<slug:slug>/", views.result, name="result"),
    path("results/<slug:slug>/v/<int:number>/", views.result_version, name="result_version"),
    path("results/<slug:slug>/v/<int:number>/do/<slug:verb>/", views.version_do, name="result_do"),
]
