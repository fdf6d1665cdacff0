"""Routes. Each app lists its own pages, REST routes and agent calls."""

from django.contrib import admin
from django.urls import include, path
from django.views.i18n import JavaScriptCatalog

from config import api_docs
from config.pages import favicon

urlpatterns = [
    path("admin/", admin.site.urls),
    path("agent/v1/", include("devices.agent_urls")),
    path("agent/v1/", include("catalog.agent_urls")),
    path("agent/v1/", include("jobs.agent_urls")),
    path("api/v1/schema/", api_docs.Schema.as_view(), name="api_schema"),
    path("api/v1/docs/", api_docs.page, name="api_docs"),
    path("api/v1/", include("accounts.api_urls")),
    path("api/v1/", include("devices.api_urls")),
    path("api/v1/", include("catalog.api_urls")),
    path("api/v1/", include("jobs.api_urls")),
    path("api/v1/", include("results.api_urls")),
    path("api/v1/", include("sweeps.api_urls")),
    path("api/v1/", include("checks.api_urls")),
    path("", include("config.health_urls")),
    path("favicon.ico", favicon),
    path("jsi18n/", JavaScriptCatalog.as_view(), name="javascript_catalog"),
    path("", include("accounts.urls")),
    path("", include("devices.urls")),
    path("", include("catalog.urls")),
    path("", include("jobs.urls")),
    path("", include("results.urls")),
    path("", include("sweeps.urls")),
    path("", include("checks.urls")),
]

handler400 = "config.error_pages.bad_request"
handler404 = "config.error_pages.not_found"
handler500 = "config.error_pages.broken"
