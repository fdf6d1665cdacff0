"""Reading the bodies of REST requests."""

from typing import Any

from accounts import project
from accounts.models import Project
from contract.problems import Invalid, Problem, gettext_noop, unknown


def object_of(data: Any) -> dict[str, Any]:
    if not hasattr(data, "items"):
        raise Invalid([Problem("", gettext_noop("Send a JSON object."))])
    return dict(data.items())


def refuse_unknown(body: dict[str, Any], known: set[str]) -> None:
    problems = [unknown(name, name, known) for name in body if name not in known]
    if problems:
        raise Invalid(problems)


def project_of(request) -> Project:
    slug = request.data.get("project", "")
    try:
        return project.named(request.user, str(slug))
    except Project.DoesNotExist as error:
        sentence = gettext_noop("No project '%(slug)s' that you may use.")
        raise Invalid([Problem("project", sentence, {"slug": str(slug)[:120]})]) from error
