from django.urls import path

from config import system_views
from config.health import healthz

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("metrics", system_views.MetricsView.as_view(), name="metrics"),
    path("system/", system_views.system_page, name="system"),
    path("api/v1/system/", system_views.SystemView.as_view(), name="api-system"),
]
