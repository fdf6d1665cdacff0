"""What people fill in about datasets."""

from django import forms
from django.utils.translation import gettext_lazy as _

from catalog.services import BUILTINS


class AddDatasetForm(forms.Form):
    """A zip of class folders, or one of the sets that ship with Fleetune."""

    file = forms.FileField(
        label=_("Zip file"),
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".zip,application/zip"}),
    )
    builtin = forms.ChoiceField(required=False, choices=[("", ""), *BUILTINS.items()])
    name = forms.CharField(
        label=_("Name"),
        max_length=120,
        required=False,
        help_text=_("Empty: the name of the file."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean(self):
        cleaned = super().clean()
        if not cleaned.get("file") and not cleaned.get("builtin") and not self.errors:
            self.add_error("file", _("Choose a zip file, or one of the sets below."))
        return cleaned
