from django.urls import path

from checks import api

urlpatterns = [
    path("fleet-tests/", api.FleetTests.as_view(), name="api-fleet-tests"),
    path("fleet-tests/<int:number>/", api.FleetTestDetail.as_view(), name="api-fleet-test"),
    path("fleet-tests/<int:number>/cancel/", api.CancelFleetTest.as_view(), name="api-fleet-test-cancel"),
]
