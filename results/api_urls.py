from django.urls import path

from results import api, limits_api, reliability_api, sample_api

urlpatterns = [
    path("results/", api.Results.as_view(), name="api-results"),
    path("results/<slug:slug>/requirements/", limits_api.Requirements.as_view(), name="api-result-requirements"),
    path(
        "results/<slug:slug>/versions/<int:number>/requirements/",
        limits_api.Verdicts.as_view(),
        name="api-result-verdicts",
    ),
    path("results/<slug:slug>/", api.ResultDetail.as_view(), name="api-result"),
    path("results/<slug:slug>/versions/<int:number>/", api.Version.as_view(), name="api-result-version"),
    path("results/<slug:slug>/versions/<int:number>/predict/", api.Predict.as_view(), name="api-result-predict"),
    path(
        "results/<slug:slug>/versions/<int:number>/reliability/",
        reliability_api.Reliability.as_view(),
        name="api-result-reliability",
    ),
    path(
        "results/<slug:slug>/versions/<int:number>/against/<int:other>/",
        reliability_api.Against.as_view(),
        name="api-result-against",
    ),
    path("evaluations/<int:number>/", sample_api.MeasurementDetail.as_view(), name="api-measurement"),
    path("evaluations/<int:number>/samples/", sample_api.Samples.as_view(), name="api-measurement-samples"),
    path("evaluations/<int:number>/weakest/", sample_api.Weakest.as_view(), name="api-measurement-weakest"),
    path("evaluations/", api.Measurements.as_view(), name="api-measurements"),
]
