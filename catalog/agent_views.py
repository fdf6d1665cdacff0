"""What devices fetch: the files of prepared data, by hash, and only those that they need."""

from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _

from catalog import queries
from config import ranged_file
from devices.agent_auth import agent_call, refuse
from devices.models import Device


@agent_call(None)
def data(request: HttpRequest, device: Device, _message: None, sha256: str) -> HttpResponseBase:
    """One file of prepared data that an assignment of this device names. Ranged, so that a download can go on."""
    path = queries.file_for(device, sha256)
    if path is None or not path.is_file():
        return refuse(404, "unknown-data", _("No assignment of this device names this file."))
    return ranged_file.answer(request, path, sha256)
