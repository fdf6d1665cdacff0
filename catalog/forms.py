"""What people fill in about datasets."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from catalog.imports.options import NAMES, Options
from catalog.services import BUILTINS
from contract.tasks import TASKS

ACCEPTED = ".zip,.tar,.tgz,.gz,.bz2,.xz,.csv,.tsv,.json,.jsonl,.parquet,.txt"
DETECT = ("", _("Find out"))
PLAIN = forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})


class ImportForm(forms.Form):
    """A file or a finished upload, and what is not to be left to detection."""

    file = forms.FileField(
        label=_("File"), required=False, allow_empty_file=True, widget=forms.FileInput(attrs={"accept": ACCEPTED})
    )
    upload = forms.UUIDField(required=False, widget=forms.HiddenInput())
    directory = forms.CharField(
        label=_("Directory of the server"), max_length=1000, required=False, widget=PLAIN, strip=False
    )
    task = forms.ChoiceField(label=_("Task"), required=False, choices=[DETECT, *((task, task) for task in TASKS)])
    label_column = forms.CharField(
        label=_("Column of labels, or of answers"), max_length=200, required=False, widget=PLAIN
    )
    text_column = forms.CharField(
        label=_("Column of texts, or of prompts"), max_length=200, required=False, widget=PLAIN
    )
    group_column = forms.CharField(
        label=_("Column of groups"),
        max_length=200,
        required=False,
        help_text=_("Rows of one group stay in one split."),
        widget=PLAIN,
    )
    delimiter = forms.ChoiceField(
        label=_("Between fields stands"),
        required=False,
        choices=[DETECT, ("comma", _("a comma")), ("semicolon", _("a semicolon")), ("tab", _("a tab")),
                 ("pipe", _("a vertical bar"))],
    )  # fmt: skip
    decimal = forms.ChoiceField(
        label=_("Decimals stand after"),
        required=False,
        choices=[DETECT, ("point", _("a point")), ("comma", _("a comma"))],
    )
    encoding = forms.CharField(
        label=_("Encoding"), max_length=40, required=False, help_text=_("For example utf-8 or gb18030."), widget=PLAIN
    )
    unreadable = forms.ChoiceField(
        label=_("What cannot be read"),
        required=False,
        choices=[("", _("is left out and listed")), ("stop", _("stops the import"))],
    )

    review = forms.ChoiceField(
        label=_("Show what was found before it is imported"),
        required=False,
        choices=[("unclear", _("when something had to be guessed or left out")), ("always", _("always")),
                 ("never", _("never"))],
    )  # fmt: skip

    def when_to_ask(self) -> str:
        """One of `services.REVIEWS`."""
        return self.cleaned_data["review"] or "unclear"

    def options(self) -> Options:
        """What was decided; of a form that is not valid what it began with."""
        given = self.cleaned_data if self.is_bound and self.is_valid() else self.initial
        return Options.parse({name: given.get(name) for name in NAMES})


class AddDatasetForm(ImportForm):
    """Or one of the sets that ship with Fleetune."""

    builtin = forms.ChoiceField(required=False, choices=[("", ""), *BUILTINS.items()])
    name = forms.CharField(
        label=_("Name"),
        max_length=120,
        required=False,
        help_text=_("Empty: the name of the file."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and not any(cleaned.get(name) for name in ("file", "upload", "directory", "builtin")):
            self.add_error("file", _("Choose a file, or one of the sets below."))
        return cleaned


class AddVersionForm(ImportForm):
    """`again`: the file of the newest version is still there, and is read again when no other is chosen."""

    def __init__(self, *args: Any, again: bool, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._again = again

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if (
            not self._again
            and not self.errors
            and not any(cleaned.get(name) for name in ("file", "upload", "directory"))
        ):
            self.add_error("file", _("Choose a file: the one of the newest version is not kept."))
        return cleaned
