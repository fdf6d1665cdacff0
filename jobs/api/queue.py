"""`/api/v1/queue/`: who waits for which device, and the order."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import conditional
from accounts.audit import address_of
from accounts.idempotency import once
from accounts.permissions import require
from config.rest import Conflict
from contract.problems import Invalid, Problem, gettext_noop
from jobs import services, waiting
from jobs.api.lookup import find, only
from jobs.api.queue_shapes import QueueMoveSerializer, QueueSerializer


class Queue(APIView):
    """Per device: what runs there and who waits for it."""

    @extend_schema(responses=QueueSerializer)
    def get(self, request: Any) -> Response:
        only(request)
        require(request.user, "see", token=request.auth)
        return Response(waiting.queue_json(request.user))


class Move(APIView):
    """Move a waiting job up, down or to the top among those of its priority."""

    @extend_schema(request=QueueMoveSerializer, responses=QueueSerializer)
    @once
    def post(self, request: Any) -> Response:
        body = conditional.fields_of(request.data, ("job", "to"))
        if type(body.get("job")) is not int or not 0 < body["job"] < 2**53:
            raise Invalid([Problem("job", gettext_noop("Expected the number of a job."))])
        job = find(request, str(body["job"]), "change")
        try:
            services.move(job, request.user, str(body.get("to")), via="api", address=address_of(request))
        except services.Refused as refused:
            raise Conflict(str(refused)) from refused
        return Response(waiting.queue_json(request.user))


class Pause(APIView):
    """No waiting job starts until the queue goes on."""

    @extend_schema(request=None, responses=QueueSerializer)
    @once
    def post(self, request: Any) -> Response:
        require(request.user, "prioritise", token=request.auth)
        services.pause_queue(request.user, via="api", address=address_of(request))
        return Response(waiting.queue_json(request.user))


class Resume(APIView):
    """Waiting jobs start again."""

    @extend_schema(request=None, responses=QueueSerializer)
    @once
    def post(self, request: Any) -> Response:
        require(request.user, "prioritise", token=request.auth)
        services.resume_queue(request.user, via="api", address=address_of(request))
        return Response(waiting.queue_json(request.user))
