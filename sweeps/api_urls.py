from django.urls import path

from sweeps import api

urlpatterns = [
    path("sweeps/", api.Sweeps.as_view(), name="api-sweeps"),
    path("sweeps/<int:number>/", api.SweepDetail.as_view(), name="api-sweep"),
    path("sweeps/<int:number>/pause/", api.Pause.as_view(), name="api-sweep-pause"),
    path("sweeps/<int:number>/resume/", api.Resume.as_view(), name="api-sweep-resume"),
    path("sweeps/<int:number>/extend/", api.Extend.as_view(), name="api-sweep-extend"),
    path("sweeps/<int:number>/cancel/", api.Cancel.as_view(), name="api-sweep-cancel"),
]
