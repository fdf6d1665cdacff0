"""The agents' calls about attempts and errands (`contract/agent_calls.py`). Thin: find who speaks, call, answer."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils.translation import gettext as _

from contract import logs
from contract.agent_calls import Acknowledge, ExitReport, LeaseRequest, PostEvents, StoredBatches
from contract.events import Batch
from devices.agent_auth import agent_call, refuse
from devices.models import Device
from jobs import assignments, attempts, clock, errands, ingest
from jobs.agent_access import ATTEMPT, Refusal, StaleFence, errand_of, rank_of
from jobs.models import Errand, Rank

RETRY_AFTER_S = 2
View = Callable[..., HttpResponseBase]


def refusals_answered(view: View) -> View:
    """A refusal of rule R5 becomes its answer; a database that is locked or away becomes "later"."""

    @wraps(view)
    def wrapped(request: HttpRequest, device: Device, message: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            logs.note(device=device.slug)
            return view(request, device, message, **kwargs)
        except Refusal as refusal:
            return refusal.answer()
        except DatabaseError as error:
            answer = refuse(503, "database-away", _("The database does not answer: %(error)s") % {"error": error})
            answer.headers["Retry-After"] = str(RETRY_AFTER_S)
            return answer

    return wrapped


def speaker(device: Device, kind: str, id: int, fence: int) -> Rank | Errand:
    """The rank or errand that a call names. Raises a Refusal."""
    return rank_of(device, id, fence) if kind == ATTEMPT else errand_of(device, id, fence)


def speaker_of_query(request: HttpRequest, device: Device) -> Rank | Errand:
    """The same for calls without a JSON body: `?kind=attempt&id=12&fence=7`."""
    query = request.GET
    try:
        return speaker(device, query.get("kind", ""), int(query.get("id", "")), int(query.get("fence", "")))
    except ValueError as error:
        raise StaleFence(_("Name the attempt in the query: kind, id, fence.")) from error


@agent_call(None)
@refusals_answered
def assignments_view(_request: HttpRequest, device: Device, _message: None) -> HttpResponseBase:
    return JsonResponse(assignments.of_device(device).to_json())


@agent_call(Acknowledge)
@refusals_answered
def acknowledge(_request: HttpRequest, device: Device, message: Acknowledge) -> HttpResponseBase:
    who = speaker(device, message.kind, message.id, message.fence)
    try:
        if isinstance(who, Rank):
            attempts.acknowledge(who, message, clock.now())
        else:
            errands.acknowledge(who)
    except (KeyError, TypeError, ValueError) as error:
        return refuse(422, "impossible", _("These checkpoints cannot be read: %(error)r") % {"error": error})
    return JsonResponse({"v": 1})


@agent_call(LeaseRequest)
@refusals_answered
def lease(_request: HttpRequest, device: Device, message: LeaseRequest) -> HttpResponseBase:
    who = speaker(device, message.kind, message.id, message.fence)
    if isinstance(who, Rank):
        return JsonResponse(attempts.renew(who, message, clock.now()).to_json())
    return JsonResponse(errands.renew(who, message, clock.now()).to_json())


@agent_call(None, methods=("GET",))
@refusals_answered
def stored_events(request: HttpRequest, device: Device, _message: None) -> HttpResponseBase:
    who = speaker_of_query(request, device)
    return JsonResponse(StoredBatches(who.last_batch if isinstance(who, Rank) else 0).to_json())


@agent_call(PostEvents)
@refusals_answered
def post_events(_request: HttpRequest, device: Device, message: PostEvents) -> HttpResponseBase:
    who = speaker(device, message.kind, message.id, message.fence)
    try:
        batches = [Batch.from_json(body) for body in message.batches]
        if isinstance(who, Errand):
            return JsonResponse(StoredBatches(batches[-1].number if batches else 0).to_json())
        last = ingest.store(who, batches)
    except ingest.Superseded as error:
        raise StaleFence from error
    except ValueError as error:
        return refuse(422, "impossible", str(error))
    attempts.settle(who.attempt_id, clock.now())
    return JsonResponse(StoredBatches(last).to_json())


@agent_call(ExitReport)
@refusals_answered
def report_exit(_request: HttpRequest, device: Device, message: ExitReport) -> HttpResponseBase:
    who = speaker(device, message.kind, message.id, message.fence)
    if isinstance(who, Rank):
        attempts.report_exit(who, message, clock.now())
    else:
        errands.report_exit(who, message, clock.now())
    return JsonResponse({"v": 1})
