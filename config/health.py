"""`/healthz`: does every part answer? No sign-in, no secrets: names and counts only."""

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import JsonResponse
from django.views.decorators.http import require_safe

from devices.models import Device, DeviceState

ANSWER_WITHIN_S = 1


@require_safe
def healthz(request):
    """200 when database and broker answer, else 503 that says which does not."""
    database, online = _database()
    broker = _broker()
    ok = database == broker == "ok"
    body = {"status": "ok" if ok else "failing", "database": database, "broker": broker, "agents": {"online": online}}
    return JsonResponse(body, status=200 if ok else 503)


def _database() -> tuple[str, int]:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        online = Device.objects.filter(state__in=[DeviceState.ONLINE, DeviceState.DRAINING], removed_at=None).count()
    except DatabaseError as error:
        return f"does not answer: {type(error).__name__}", 0
    return "ok", online


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
