from django.urls import path

from devices import agent_views, package

urlpatterns = [
    path("enrol", agent_views.enrol, name="agent_enrol"),
    path("credential", agent_views.credential, name="agent_credential"),
    path("heartbeat", agent_views.heartbeat, name="agent_heartbeat"),
    path("join.py", package.join_script, name="join_script"),
    path("package.zip", package.package, name="agent_package"),
    path("constraints.txt", package.constraints, name="agent_constraints"),
]
