"""Prints a one-time sign-in link while no account has a password."""

import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django


def main() -> int:
    django.setup()
    from accounts.models import User
    from accounts.services import signin_url

    people = User.objects.filter(is_active=True)
    if any(user.has_usable_password() for user in people):
        return 0
    admin = people.filter(is_superuser=True).order_by("id").first()
    if admin is None:
        return 0
    print(f"Sign in with this link (once, for 24 hours): {signin_url(admin)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
