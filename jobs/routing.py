"""Websocket routes."""

from django.urls import re_path

from jobs.consumers.job import JobConsumer
from jobs.consumers.live import LiveConsumer

websocket_urlpatterns = [
    re_path(r"^ws/jobs/(?P<job>[0-9]{1,18})/$", JobConsumer.as_asgi()),
    re_path(r"^ws/live/$", LiveConsumer.as_asgi()),
]
