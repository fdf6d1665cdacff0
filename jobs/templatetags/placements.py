"""`{% placements as places %}{% with place=places|place:row.id %}`: what runs on each device, for pages of devices."""

from typing import Any

from django import template

from jobs import placements as placing

register = template.Library()


@register.simple_tag(takes_context=True)
def placements(context) -> dict[int, dict[str, Any]]:
    return dict(placing.on_devices(context["request"].user))


@register.filter
def place(places: dict[int, dict[str, Any]], device_id: int) -> dict[str, Any]:
    return places.get(device_id) or {"job": None, "hidden": False, "errand": "", "waiting": []}


@register.filter
def share_done(job) -> float:
    """Steps done of all steps, 0 to 1."""
    return min(job.step / job.total_steps, 1) if job.total_steps else 0
