"""What people fill in about devices."""

import re

from django import forms
from django.utils.translation import gettext_lazy as _


class AddDeviceForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=120,
        help_text=_("What people will call it, for example gpu-3."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )
    host = forms.CharField(
        label=_("Host"),
        max_length=120,
        required=False,
        help_text=_("The machine it is in. Left empty: the same as the name."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "list": "known-hosts"}),
    )
    labels = forms.CharField(
        label=_("Labels"),
        max_length=200,
        required=False,
        help_text=_("Words to filter by, with commas between: lab, 24gb."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean_labels(self) -> list[str]:
        """At most ten labels of letters, digits, dots, dashes and underscores."""
        labels = [part.strip() for part in self.cleaned_data["labels"].split(",") if part.strip()]
        odd = next((label for label in labels if not re.fullmatch(r"[\w.\-]{1,40}", label)), None)
        if odd is not None:
            raise forms.ValidationError(
                _("'%(label)s' cannot be a label: use letters, digits, dots, dashes."), params={"label": odd}
            )
        if len(labels) > 10:
            raise forms.ValidationError(_("At most 10 labels."))
        return list(dict.fromkeys(labels))

    def clean(self):
        cleaned = super().clean()
        cleaned["host"] = cleaned.get("host") or cleaned.get("name", "")
        return cleaned


class DrainForm(forms.Form):
    reason = forms.CharField(
        label=_("Why?"),
        max_length=200,
        required=False,
        help_text=_("Others see it, for example: fan swap."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class RenameForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"}))
