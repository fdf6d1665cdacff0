"""How the person at this machine gets in: a one-time link while no account has a password."""

PASSWORD = "Sign in with your password."  # noqa: S105 - a sentence


def way_in() -> str:
    """One line. Django must be set up."""
    from accounts.models import User
    from accounts.services import signin_url

    people = User.objects.filter(is_active=True)
    admin = people.filter(is_superuser=True).order_by("id").first()
    if admin is None or any(user.has_usable_password() for user in people):
        return PASSWORD
    return f"Sign in with this link (once, for 24 hours): {signin_url(admin)}"
