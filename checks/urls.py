from django.urls import path

from checks import views

urlpatterns = [
    path("fleet/tests/", views.test_list, name="fleet_tests"),
    path("fleet/tests/<int:number>/", views.test_page, name="fleet_test"),
    path("fleet/tests/<int:number>/do/cancel/", views.test_cancel, name="fleet_test_cancel"),
]
