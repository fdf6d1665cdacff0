"""What agents call about their device: come in, prove anew, live. Attempts and data: `jobs` and `catalog`."""

from typing import Any

from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts.audit import address_of
from contract.agent_calls import Enrolled, EnrolRequest, Heartbeat, NewCredential
from devices import broker, enrolment, heartbeats, hooks
from devices.agent_auth import Unreadable, agent_call, read, refuse
from devices.models import Device

after_heartbeat = hooks.after_heartbeat
ENSURE_BROKER_USER_EVERY_S = 10
_looked_at: dict[int, float] = {}


@csrf_exempt
@require_POST
def enrol(request: HttpRequest) -> JsonResponse:
    """A host comes in with its one-use token: 201 with a credential for each device; 409 used, 410 expired."""
    try:
        message = read(request, EnrolRequest)
        made = enrolment.enrol(message, address=address_of(request))
    except Unreadable as error:
        return error.answer
    except enrolment.TokenRefused as error:
        return refuse(error.status, error.code, str(error))
    except enrolment.CannotEnrol as error:
        return refuse(422, "cannot-enrol", str(error))
    answer = Enrolled(made[0].device.host.name, [_enrolled(secrets, request) for secrets in made])
    return JsonResponse(answer.to_json(), status=201)


@agent_call(None, methods=("POST",))
def credential(request: HttpRequest, device: Device, _message: None) -> JsonResponse:
    """Rotation: 201 with a new credential; the one of this call lives an hour more."""
    enrolled = _enrolled(enrolment.rotate(device), request)
    parts = ("credential", "broker_url", "key_prefix", "queue")
    return JsonResponse(NewCredential(**{part: enrolled[part] for part in parts}).to_json(), status=201)


@agent_call(Heartbeat)
def heartbeat(request: HttpRequest, device: Device, message: Heartbeat) -> JsonResponse:
    """The agent lives; 409 `device-taken` while another agent speaks for this device."""
    now = timezone.now()
    try:
        answer = heartbeats.beat(device, message, now)
    except heartbeats.DeviceTakenByOther:
        return refuse(409, "device-taken", _("Another agent runs as this device. Stop it, or join this one anew."))
    _ensure_broker_user(device, now.timestamp())
    for listener in hooks.after_heartbeat:
        listener(device, message)
    return JsonResponse(answer.to_json())


def _enrolled(secrets: enrolment.Secrets, request: HttpRequest) -> dict[str, Any]:
    device = secrets.device
    return {
        "id": device.pk,
        "slug": device.slug,
        "kind": device.kind,
        "index": device.index,
        "credential": secrets.credential,
        "queue": device.queue,
        "broker_url": enrolment.broker_address(secrets, request.get_host().rpartition(":")[0].strip("[]")),
        "key_prefix": broker.key_prefix(device.pk),
    }


def _ensure_broker_user(device: Device, now: float) -> None:
    """A broker that was restarted, or a rotation whose overlap is over: put right while the device is heard of."""
    if now - _looked_at.get(device.pk, 0) > ENSURE_BROKER_USER_EVERY_S:
        _looked_at[device.pk] = now
        broker.ensure(device)
