"""Calls of agents and supervisors for data."""

from django.urls import path, register_converter

from catalog import agent_views


class Sha256:
    regex = "[0-9a-f]{64}"

    def to_python(self, value: str) -> str:
        return value

    to_url = to_python


register_converter(Sha256, "sha256")

urlpatterns: list = [path("data/<sha256:sha256>", agent_views.data, name="agent_data")]
