"""Rules for passwords beside Django's own. Nothing is cut or trimmed: every character counts as typed."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

LONGEST = 128
CONTEXT_WORDS = ("fleetune", "finetune", "fine-tune")


class NotTooLong:
    """Hashing must not become a way to keep the server busy."""

    def validate(self, password: str, user: Any = None) -> None:
        if len(password) > LONGEST:
            raise ValidationError(_("Use at most %(most)s characters.") % {"most": LONGEST})

    def get_help_text(self) -> str:
        return _("Use at most %(most)s characters.") % {"most": LONGEST}


class NotAboutUs:
    """A password made of this product's name and little else is the first that is guessed."""

    def validate(self, password: str, user: Any = None) -> None:
        rest = password.lower()
        for word in CONTEXT_WORDS:
            rest = rest.replace(word, "")
        if rest != password.lower() and len(rest) < 8:
            raise ValidationError(_("This is mostly the name of this product. Choose something nobody would try."))

    def get_help_text(self) -> str:
        return _("Do not build it from the name of this product.")
