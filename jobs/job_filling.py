"""A new job while it is filled in: what was posted, what is wrong with it, and how each field shows it."""

from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import QueryDict
from django.utils.translation import gettext as _

from accounts.models import User
from catalog import recipes
from contract.problems import Invalid, Problem
from contract.spec import JobSpec
from jobs import job_opening, spec_diff, spec_form, spec_presets, spec_text
from jobs.services import submitting
from jobs.spec_fields import FIELDS, SpecField


@dataclass(frozen=True)
class Told:
    """A problem as people read it, with the line of the text it stands on (0 = not known)."""

    path: str
    sentence: str
    line: int = 0
    about: str = ""
    """the path as people read it: steps of a recipe have names, and are counted from 1"""

    @property
    def anchor(self) -> str:
        """The id of the field that this is about; a part of a list belongs to its list."""
        path = self.path
        while path and path not in FIELDS and path not in ANCHORS:
            path = path.rpartition(".")[0]
        return f"field-{path.replace('.', '-')}" if path else "spec-text"


ANCHORS = ("task", "dataset", "model.source", "model.id", "devices.ids", "recipe")


@dataclass(frozen=True)
class Shown:
    """One field of the form with its value and what is wrong with it."""

    field: SpecField
    value: Any
    errors: list[Told]

    @property
    def id(self) -> str:
        return f"field-{self.field.path.replace('.', '-')}"

    @property
    def default(self) -> str:
        return spec_form.shown(self.field.kind, self.field.default)

    @property
    def stray(self) -> bool:
        """A value that none of the choices has: it came in as text and stays visible."""
        return self.field.kind in ("choice", "switch") and self.value not in [item.value for item in self.field.choices]

    @property
    def changed(self) -> bool:
        """Whether the value is another than the default, written as it is shown."""
        return isinstance(self.value, str) and self.value != self.default


@dataclass
class Filling:
    body: dict[str, Any]
    problems: list[Told] = field(default_factory=list)
    spec: JobSpec | None = None
    """set when nothing is wrong"""
    steps: list[dict[str, Any]] | None = None
    """of its recipe, once the data is known"""
    text: str = ""
    """what the raw tab shows"""
    language: str = "yaml"

    @property
    def values(self) -> dict[str, Any]:
        return spec_form.values_of(self.body)

    def fields(self, group: tuple[SpecField, ...]) -> list[Shown]:
        values = self.values
        return [Shown(item, values[item.path], self.errors(item.path)) for item in group]

    def errors(self, path: str) -> list[Told]:
        return [told for told in self.problems if told.path == path or told.path.startswith(f"{path}.")]


def of_body(body: dict[str, Any], actor: User, language: str = "yaml") -> Filling:
    """A filling that shows `body` in form and text alike."""
    filling = Filling(body, language=language)
    _check(filling, actor, {})
    filling.text = spec_text.write(spec_form.complete(body), language)
    return filling


def of_post(form: QueryDict, actor: User, before: dict[str, Any] | None = None) -> Filling:
    """What was posted: the text when that was edited last, else the fields; then the button that was pressed.

    `before` is the spec that is cloned, to which single changes can be put back.
    """
    language = "json" if form.get("language") == "json" else "yaml"
    verb, _colon, what = form.get("do", "").partition(":")
    if form.get("source") == "text" or verb == "text":
        return of_text(form.get("text", ""), actor, language)
    body = spec_form.body_of(form)
    if verb == "preset":
        body = spec_presets.apply(what, body)
    if verb == "set":
        path, _equals, value = what.partition("=")
        spec_form.put(body, path, int(value) if value.isdecimal() else value)
    if verb == "data":
        job_opening.follow(actor, spec_form.json_or_text(form.get("rest", ""), {}), body)
    if verb == "way":
        _take_way(body, what)
    if verb == "undo" and before is not None:
        body = spec_diff.undo(what, before, spec_form.complete(body))
    return of_body(body, actor, language)


def _take_way(body: dict[str, Any], what: str) -> None:
    """A way that the planner proposed: "strategy|shares|device,device"."""
    strategy, shares, devices = [*what.split("|"), "", ""][:3]
    body["devices"] = {"ids": devices.split(",")}
    spec_form.put(body, "parallel.strategy", strategy)
    spec_form.put(body, "parallel.shares", shares)


def of_text(text: str, actor: User, language: str = "yaml") -> Filling:
    try:
        read = spec_text.read(text)
    except Invalid as invalid:
        return Filling({}, [told(problem) for problem in invalid.problems], text=text, language=language)
    body = read.body if isinstance(read.body, dict) else {}
    filling = Filling(body, text=text, language=language)
    _check(filling, actor, read.lines, whole=read.body)
    return filling


def _check(filling: Filling, actor: User, lines: dict[str, int], whole: Any = None) -> None:
    body = filling.body if whole is None else whole
    try:
        checked = submitting.check(actor, body)
        filling.spec, filling.steps = checked.spec, checked.steps
    except PermissionDenied:
        _check_shape(filling, body, lines)
    except Invalid as invalid:
        filling.problems = [told(problem, lines, body) for problem in invalid.problems]


def _check_shape(filling: Filling, body: Any, lines: dict[str, int]) -> None:
    """Who may not start a job may still fill one in, and export it."""
    try:
        filling.spec = JobSpec.parse(body)
    except Invalid as invalid:
        filling.problems = [told(problem, lines, body) for problem in invalid.problems]


def told(problem: Problem, lines: dict[str, int] | None = None, body: Any = None) -> Told:
    path, recipe = problem.path, body.get("recipe") if isinstance(body, dict) else None
    about = recipes.where(path, recipe) if path.startswith("recipe.") else path
    return Told(path, _(problem.sentence) % problem.params, (lines or {}).get(path, 0), about)
