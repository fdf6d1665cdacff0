"""What has run out and is of no use to anyone: first answers, sessions, sign-in links."""

from datetime import datetime, timedelta

from django.contrib.sessions.models import Session

from accounts import idempotency
from accounts.models import SignInLink

SPENT_FOR = timedelta(days=7)


def forget_expired(now: datetime) -> dict[str, int]:
    """Delete it; how many rows of each went."""
    return {
        "answers": idempotency.forget_old(now),
        "sessions": Session.objects.filter(expire_date__lt=now).delete()[0],
        "links": SignInLink.objects.filter(expires_at__lt=now - SPENT_FOR).delete()[0],
    }
