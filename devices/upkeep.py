"""What the reconciler has done now and then: readings thinned; tokens, credentials, sessions that ran out forgotten."""

from datetime import datetime, timedelta

from django.db.models import Min
from django.db.models.functions import TruncHour, TruncMinute

from accounts.upkeep import forget_expired
from devices.models import Credential, EnrolmentToken, Reading

RAW_FOR = timedelta(minutes=15)
BY_MINUTE_FOR = timedelta(hours=24)
BY_HOUR_FOR = timedelta(days=30)
SPENT_FOR = timedelta(days=7)
"""a used or expired token is kept so long that a second try is told which of the two it is"""


def housekeeping(now: datetime) -> dict[str, int]:
    """All of it; how many rows went. Cheap to call once a minute, safe to call twice."""
    return forget_expired(now) | {
        "readings": thin_readings(now),
        "tokens": EnrolmentToken.objects.filter(expires_at__lt=now - SPENT_FOR).delete()[0],
        "credentials": Credential.objects.filter(expires_at__lt=now - SPENT_FOR).delete()[0],
    }


def thin_readings(now: datetime) -> int:
    """Keep all of the last 15 min, one a minute of the last 24 h, one an hour of the last 30 d."""
    return (
        _keep_one(TruncMinute, now - BY_MINUTE_FOR, now - RAW_FOR)
        + _keep_one(TruncHour, now - BY_HOUR_FOR, now - BY_MINUTE_FOR)
        + Reading.objects.filter(at__lt=now - BY_HOUR_FOR).delete()[0]
    )


def _keep_one(bucket: type[TruncMinute] | type[TruncHour], since: datetime, until: datetime) -> int:
    """Of each device and bucket between the two moments only the first reading stays."""
    span = Reading.objects.filter(at__gte=since, at__lt=until)
    firsts = span.annotate(bucket=bucket("at")).values("device", "bucket").annotate(first=Min("pk")).values("first")
    return span.exclude(pk__in=firsts).delete()[0]
