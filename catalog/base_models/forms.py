"""What people fill in to register a model."""

from django import forms
from django.utils.translation import gettext_lazy as _

from catalog.base_models import roots


class AddModelForm(forms.Form):
    """An archive of a model's directory, or, where the server allows it, a directory of its own."""

    file = forms.FileField(
        label=_("Archive"),
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".zip,.tar,.gz,.tgz,.bz2,.xz"}),
    )
    path = forms.CharField(
        label=_("Directory on the server"),
        max_length=400,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    name = forms.CharField(
        label=_("Name"),
        max_length=120,
        required=False,
        help_text=_("Empty: the name of the file or directory."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["path"].help_text = _("Below %(roots)s.") % {"roots": ", ".join(map(str, roots.allowed()))}

    def clean(self):
        cleaned = super().clean()
        if not cleaned.get("file") and not cleaned.get("path") and not self.errors:
            self.add_error("file", _("Choose an archive, or name a directory of the server."))
        return cleaned
