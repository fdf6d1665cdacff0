"""Middleware: log lines of a request for one job's page or REST address carry the job's id."""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from contract import logs

NOTHING = dict.fromkeys(logs.IDS)
OF_A_JOB = re.compile(r"^/(?:api/v1/)?jobs/(\d{1,18})/")


class LogIds:
    """Notes ids for the rest of the request's own context: Django logs a refusal after the last middleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        found = OF_A_JOB.match(request.path_info)
        logs.note(**NOTHING | ({"job": int(found[1])} if found else {}))
        return self.get_response(request)
