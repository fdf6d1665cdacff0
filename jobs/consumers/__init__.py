"""Websockets: `/ws/jobs/<id>/` for one job, `/ws/live/` for every other page."""
