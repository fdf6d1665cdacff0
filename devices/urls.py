from django.urls import path

from devices import views

urlpatterns = [
    path("devices/", views.device_list, name="devices"),
    path("devices/add/", views.device_add, name="device_add"),
    path("devices/<slug:slug>/", views.device_detail, name="device"),
    path("devices/<slug:slug>/join/", views.new_join_command, name="device_join"),
    path("devices/<slug:slug>/steps/", views.join_steps, name="device_steps"),
    path("devices/<slug:slug>/environment.json", views.device_environment, name="device_environment"),
]
