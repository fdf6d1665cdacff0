"""Routes of the agents' calls about attempts, errands and their files."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from jobs import agent_files, agent_views


class Sha256(StringConverter):
    regex = "[0-9a-f]{64}"


register_converter(Sha256, "handed_in_file")


def events(request):
    """One route for what is stored (GET) and for more of it (POST)."""
    return agent_views.post_events(request) if request.method == "POST" else agent_views.stored_events(request)


events.csrf_exempt = True  # type: ignore[attr-defined]  # no cookie is looked at

urlpatterns = [
    path("assignments", agent_views.assignments_view),
    path("ack", agent_views.acknowledge),
    path("lease", agent_views.lease),
    path("events", events),
    path("exit", agent_views.report_exit),
    path("artifacts/<handed_in_file:sha256>", agent_files.artifact),
    path("checkpoints/<handed_in_file:sha256>", agent_files.checkpoint),
    path("models/<handed_in_file:sha256>", agent_files.model),
]
