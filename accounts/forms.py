"""The forms of signing in and of one's own settings. They check shape; `services` decides and writes."""

import zoneinfo
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts import server_settings
from accounts.models import Scope, User
from accounts.passwords import LONGEST
from accounts.permissions import SCOPE_RANKS, role_of

NEW_PASSWORD = {"autocomplete": "new-password"}


class SignIn(forms.Form):
    username = forms.CharField(
        label=_("User name"), max_length=150, widget=forms.TextInput({"autocomplete": "username", "autofocus": True})
    )
    password = forms.CharField(
        label=_("Password"), strip=False, widget=forms.PasswordInput({"autocomplete": "current-password"})
    )


class FirstSteps(forms.Form):
    """What the first sign-in asks for. Both may be left empty: the way in must not be blocked."""

    password = forms.CharField(
        label=_("Choose a password"),
        required=False,
        strip=False,
        help_text=_("At least 12 characters. Without one you come in by a link again."),
        widget=forms.PasswordInput(NEW_PASSWORD),
    )
    language = forms.ChoiceField(label=_("Language"), required=False, choices=settings.LANGUAGES)


class Profile(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=150, required=False)
    language = forms.ChoiceField(label=_("Language"), required=False, choices=[("", _("Browser")), *settings.LANGUAGES])
    time_zone = forms.ChoiceField(label=_("Time zone"), required=False)
    single_keys = forms.BooleanField(label=_("Single-key shortcuts"), required=False)

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        zones = sorted(zoneinfo.available_timezones())
        self.fields["time_zone"].choices = [("", "UTC"), *((zone, zone) for zone in zones)]  # type: ignore[attr-defined]


class NewPassword(forms.Form):
    """The current one is asked for when there is one."""

    current = forms.CharField(
        label=_("Current password"),
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
    )
    password = forms.CharField(
        label=_("New password"), strip=False, max_length=LONGEST * 4, widget=forms.PasswordInput(NEW_PASSWORD)
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.user = user
        if not user.has_usable_password():
            del self.fields["current"]

    def clean_current(self) -> str:
        current = self.cleaned_data["current"]
        if not self.user.check_password(current):
            raise forms.ValidationError(_("This is not your current password."))
        return current


class NewToken(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120)
    scope = forms.ChoiceField(label=_("May"))
    days = forms.IntegerField(label=_("Days until it expires"), min_value=1, max_value=3650, initial=90)

    def __init__(self, user: User, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        rank = role_of(user, None)
        allowed = [(scope.value, scope.label) for scope in Scope if SCOPE_RANKS[scope] <= rank]
        self.fields["scope"].choices = allowed  # type: ignore[attr-defined]


class ServerSettings(forms.Form):
    """Every setting of the whole server that is changed in place."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        for key, known in server_settings.KNOWN.items():
            told = {"label": known.label, "help_text": known.help, "required": False}
            if isinstance(known.default, bool):
                self.fields[key] = forms.BooleanField(**told)
            else:
                self.fields[key] = forms.CharField(**told, widget=forms.Textarea({"rows": 2}))
