"""Password guessing: 5 failures of one name from one address are counted by django-axes; an address has 50 an hour."""

from datetime import timedelta

from axes.models import AccessAttempt
from django.db.models import Sum
from django.utils import timezone

RETRY_AFTER_S = 15 * 60
MOST_OF_AN_ADDRESS = 50


def address_tries_too_much(address: str | None) -> bool:
    """Whether this address failed 50 times in the last hour, under whatever names."""
    recent = AccessAttempt.objects.filter(ip_address=address, attempt_time__gte=timezone.now() - timedelta(hours=1))
    return (recent.aggregate(failures=Sum("failures_since_start"))["failures"] or 0) >= MOST_OF_AN_ADDRESS
