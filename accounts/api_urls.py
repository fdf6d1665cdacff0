from django.urls import path
from rest_framework.routers import SimpleRouter

from accounts import api, own_api

router = SimpleRouter()
router.register("people", api.People, basename="person")
router.register("projects", api.Projects, basename="project")
router.register("audit", api.Audit, basename="audit")
router.register("tokens", own_api.Tokens, basename="token")
router.register("drafts", own_api.Drafts, basename="draft")
urlpatterns = [*router.urls, path("settings/", api.Settings.as_view(), name="server-settings")]
