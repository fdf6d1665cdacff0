"""Forms for data from the web. They carry what was typed; `catalog.services.web_sources` says what is wrong with it."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog.web import bucket_asked
from catalog.web.asked import BOUNDS
from contract.problems import Invalid

PLAIN = {"autocomplete": "off", "spellcheck": "false"}
TAKE = [("images", gettext_lazy("Pictures")), ("texts", gettext_lazy("Texts"))]
LABEL_BY = [
    ("path", gettext_lazy("The path")),
    ("section", gettext_lazy("The nearest heading above")),
    ("selector", gettext_lazy("What a CSS selector finds")),
]
OF = [("page", gettext_lazy("of the page")), ("image", gettext_lazy("of the picture"))]
OWN_NAMES = {
    "crawl.label.by": "label_by",
    "crawl.label.pattern": "pattern",
    "crawl.label.of": "of",
    "crawl.label.selector": "selector",
}


class FromWeb(forms.Form):
    kind = ""
    name = forms.CharField(
        label=gettext_lazy("Name"),
        required=False,
        max_length=120,
        help_text=gettext_lazy("Empty: where it comes from."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, data: Any = None):
        super().__init__(data, auto_id=f"id_{self.kind}_%s")

    def body(self) -> dict[str, Any]:
        """As REST takes it."""
        raise NotImplementedError

    def tell(self, invalid: Invalid) -> None:
        """Put each problem beside its field; one of a line says which line."""
        for problem in invalid.problems:
            sentence = _(problem.sentence) % problem.params
            path, _dot, line = problem.path.rpartition(".")
            if line.isdecimal():
                sentence = _("Line %(line)s: %(problem)s") % {"line": int(line) + 1, "problem": sentence}
            else:
                path = problem.path
            name = OWN_NAMES.get(path, path.removeprefix("crawl.").removeprefix("s3."))
            self.add_error(name if name in self.fields else None, sentence)


class Crawl(FromWeb):
    kind = "crawl"
    start = forms.CharField(
        label=gettext_lazy("Start at"),
        help_text=gettext_lazy("One address a line."),
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "https://example.org/"}),
    )
    take = forms.ChoiceField(label=gettext_lazy("Take"), choices=TAKE)
    label_by = forms.ChoiceField(label=gettext_lazy("Labels come from"), choices=LABEL_BY)
    pattern = forms.CharField(
        label=gettext_lazy("Pattern"),
        required=False,
        help_text=gettext_lazy("A regular expression with (?P<label>…). Empty: the first folder."),
    )
    of = forms.ChoiceField(label=gettext_lazy("Which path"), choices=OF)
    selector = forms.CharField(
        label=gettext_lazy("CSS selector"), required=False, help_text=gettext_lazy("Such as h1 or figcaption.")
    )
    domains = forms.CharField(
        label=gettext_lazy("Allowed domains"),
        required=False,
        help_text=gettext_lazy("Separated by blanks. Empty: only where it starts."),
    )
    depth = forms.IntegerField(label=gettext_lazy("Links to follow in a row"), initial=BOUNDS["depth"].default)
    rate = forms.FloatField(label=gettext_lazy("Requests a second to one host"), initial=BOUNDS["rate"].default)
    max_pages = forms.IntegerField(label=gettext_lazy("Most pages"), initial=BOUNDS["max_pages"].default)
    max_items = forms.IntegerField(label=gettext_lazy("Most items"), initial=BOUNDS["max_items"].default)
    max_mib = forms.IntegerField(label=gettext_lazy("Most MiB"), initial=BOUNDS["max_mib"].default)

    def body(self) -> dict[str, Any]:
        given = self.cleaned_data
        label = {"by": given["label_by"]}
        if label["by"] == "path":
            label |= {"pattern": given["pattern"], "of": given["of"]}
        elif label["by"] == "selector":
            label |= {"selector": given["selector"]}
        own = ("start", "take", "domains", *BOUNDS)
        return {"crawl": {name: given[name] for name in own} | {"label": label}}

    def main_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in ("take", "label_by", "pattern", "of", "selector")]

    def limits(self) -> list[forms.BoundField]:
        return [self[name] for name in ("domains", *BOUNDS)]


class UrlList(FromWeb):
    kind = "urls"
    urls = forms.CharField(
        label=gettext_lazy("Addresses and labels"),
        help_text=gettext_lazy("One a line: the address, a blank, its label."),
        widget=forms.Textarea(attrs={"rows": 4, "placeholder": "https://example.org/1.jpg cat"}),
    )
    take = forms.ChoiceField(label=gettext_lazy("They are"), choices=TAKE)

    def body(self) -> dict[str, Any]:
        return {"urls": self.cleaned_data["urls"] or [], "take": self.cleaned_data["take"]}


class OneFile(FromWeb):
    kind = "url"
    url = forms.CharField(
        label=gettext_lazy("Address of an archive or a table"),
        widget=forms.TextInput(attrs={"inputmode": "url", "placeholder": "https://example.org/data.zip"}),
    )

    def body(self) -> dict[str, Any]:
        return {"url": self.cleaned_data["url"]}


class Bucket(FromWeb):
    kind = "s3"
    bucket = forms.CharField(label=gettext_lazy("Bucket"), widget=forms.TextInput(attrs=PLAIN))
    prefix = forms.CharField(  # type: ignore[assignment]  # a form's own prefix is not used here
        label=gettext_lazy("Prefix"),
        required=False,
        strip=False,
        help_text=gettext_lazy("A folder such as pets/, or one archive or table. Empty: everything."),
        widget=forms.TextInput(attrs=PLAIN),
    )
    endpoint = forms.CharField(
        label=gettext_lazy("Address of the storage"),
        required=False,
        help_text=gettext_lazy("Empty: Amazon's own."),
        widget=forms.TextInput(attrs=PLAIN | {"inputmode": "url", "placeholder": "https://storage.example.org"}),
    )
    region = forms.CharField(
        label=gettext_lazy("Region"),
        required=False,
        help_text=gettext_lazy("Empty: us-east-1."),
        widget=forms.TextInput(attrs=PLAIN),
    )
    access_key = forms.CharField(
        label=gettext_lazy("Access key"),
        required=False,
        help_text=gettext_lazy("Leave both keys empty for a bucket that everybody may read."),
        widget=forms.TextInput(attrs=PLAIN),
    )
    secret_key = forms.CharField(
        label=gettext_lazy("Secret key"),
        required=False,
        help_text=gettext_lazy("Kept encrypted until everything is here, then deleted."),
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )

    def body(self) -> dict[str, Any]:
        return {"s3": {name: self.cleaned_data[name] for name in bucket_asked.FIELDS}}

    def main_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in bucket_asked.FIELDS]


FORMS: dict[str, type[FromWeb]] = {form.kind: form for form in (Crawl, UrlList, OneFile, Bucket)}
