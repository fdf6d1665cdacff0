"""Finding the job of a request: 404 for what the caller may not see, 410 for what was removed."""

from http import HTTPStatus
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException, NotFound

from accounts.permissions import require, visible
from contract.problems import Invalid, Problem, gettext_noop, unknown
from jobs import queries
from jobs.models import Job


class Gone(APIException):
    """410: who removed it, and when."""

    status_code = HTTPStatus.GONE


def find(request: Any, number: str, verb: str = "see") -> Job:
    """The job with all its parts, if the caller may `verb` it. Raises NotFound, Gone or PermissionDenied."""
    job = visible(request.user, queries.with_parts(Job.objects.filter(pk=int(number)))).first()
    if job is None:
        raise NotFound(_("There is nothing here that you may see."))
    require(request.user, verb, job, token=request.auth)
    if job.removed_at is not None:
        who = job.removed_by.username if job.removed_by else ""
        raise Gone(_("%(who)s removed this job at %(when)s.") % {"who": who, "when": queries.iso(job.removed_at)})
    return job


def only(request: Any, *names: str) -> None:
    """Refuse query parameters other than `names`, and repeated ones. Raises Invalid."""
    problems = []
    for name, values in request.query_params.lists():
        if name not in names:
            problems.append(unknown(name, name, names) if names else Problem(name, gettext_noop("Unknown parameter.")))
        elif len(values) > 1:
            problems.append(Problem(name, gettext_noop("Give this parameter once.")))
    if problems:
        raise Invalid(problems)
