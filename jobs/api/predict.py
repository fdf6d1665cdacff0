"""`POST /jobs/{id}/predict/`: what the newest weights of a job answer to one input; `/predictions/{id}/` goes on."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import conditional
from config.rest import Conflict
from jobs import predictions
from jobs.api import prediction_shapes
from jobs.api.lookup import find, only
from jobs.models import Errand, Job
from jobs.predictions import answers, asking


class Predict(APIView):
    """Try a model: the one that the job left, or the newest checkpoint of a running one."""

    @extend_schema(
        request=prediction_shapes.QuestionSerializer,
        responses={200: prediction_shapes.PredictionSerializer, 202: prediction_shapes.PredictionSerializer},
    )
    def post(self, request: Any, pk: str) -> Response:
        """`image` (a file, or base64), `text`, `row`, or the number of a `sample` of the data; maybe a `device`.

        202: no device was free within ten seconds; ask `url` again.
        """
        return predicted(request, find(request, pk, "run"))


class Prediction(APIView):
    """A question of yours to a model, until ten minutes after its answer."""

    @extend_schema(responses=prediction_shapes.PredictionSerializer)
    def get(self, request: Any, number: int) -> Response:
        only(request)
        errand = Errand.objects.filter(pk=number, kind=answers.KIND, owner=request.user).first()
        if errand is None:
            raise Http404
        return answer(predictions.of_errand(errand))


def predicted(request: Any, job: Job) -> Response:
    """Ask it. Raises Invalid, Conflict and PermissionDenied."""
    only(request)
    body = request.data.dict() if hasattr(request.data, "dict") else request.data
    try:
        told = predictions.ask(job, conditional.fields_of(body, asking.FIELDS), request.user, request.auth)
    except predictions.Nothing as nothing:
        raise Conflict(str(nothing)) from nothing
    return answer(told)


def answer(told: predictions.Told) -> Response:
    return Response(told.to_json(), status=202 if told.is_open else 200)
