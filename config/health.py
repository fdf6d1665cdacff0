"""`/healthz`: does every part answer? No sign-in, no secrets: names and counts only."""

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from devices.models import Device, DeviceState
from jobs.models import Scheduler

ANSWER_WITHIN_S = 1
ROUND_LATE_S = 10
"""A scheduler that is well looks at the queue every second."""


@require_safe
def healthz(request):
    """200 when database, broker and scheduler answer, else 503 that says which does not."""
    database, scheduler, online = _database()
    broker = _broker()
    ok = database == broker == scheduler == "ok"
    parts = {"database": database, "broker": broker, "scheduler": scheduler, "agents": {"online": online}}
    return JsonResponse({"status": "ok" if ok else "failing", **parts}, status=200 if ok else 503)


def scheduler_age() -> float:
    """Seconds since the last round; infinite when there was none."""
    last = Scheduler.objects.values_list("last_full_round_at", flat=True).first()
    return (timezone.now() - last).total_seconds() if last else float("inf")


def _database() -> tuple[str, str, int]:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        online = Device.objects.filter(state__in=[DeviceState.ONLINE, DeviceState.DRAINING], removed_at=None).count()
        age = scheduler_age()
    except DatabaseError as error:
        return f"does not answer: {type(error).__name__}", "unknown", 0
    return "ok", "ok" if age <= ROUND_LATE_S else f"no round for {age:.0f} s", online


def _broker() -> str:
    try:
        client = redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=ANSWER_WITHIN_S, socket_connect_timeout=ANSWER_WITHIN_S
        )
        with client:
            client.ping()
    except (redis.RedisError, OSError) as error:
        return f"does not answer: {type(error).__name__}"
    return "ok"
