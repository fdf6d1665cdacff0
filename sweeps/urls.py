from django.urls import path

from sweeps import views

urlpatterns = [
    path("sweeps/", views.sweep_list, name="sweeps"),
    path("sweeps/new/", views.sweep_new, name="sweep_new"),
    path("sweeps/<int:number>/", views.sweep_page, name="sweep"),
    path("sweeps/<int:number>/do/<slug:verb>/", views.sweep_do, name="sweep_do"),
]
