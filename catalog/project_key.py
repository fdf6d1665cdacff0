"""The secret of a project for the keyed steps of its recipes: never stored, never sent to a device."""

from django.utils.crypto import salted_hmac

from accounts.models import Project


def key_of(project: Project) -> str:
    """256 bits, hexadecimal. Another SECRET_KEY gives other keys, and with them other pseudonyms."""
    return salted_hmac("fleetune.recipes.project-key", str(project.pk), algorithm="sha256").hexdigest()
