"""Who may speak for which attempt or errand (rule R5): the device of the credential, with the fence it was given."""

from django.utils.translation import gettext as _

from contract import logs
from devices.agent_auth import refuse
from devices.models import Device
from jobs.models import Errand, Rank

ATTEMPT, ERRAND = "attempt", "errand"


class Refusal(Exception):
    """A call that is not taken; `answer()` is what its sender gets, and why its rank stops."""

    status, code = 409, "stale-fence"

    def __init__(self, detail: str = ""):
        super().__init__(detail or _("This attempt has ended. Stop its rank."))

    def answer(self):
        return refuse(self.status, self.code, str(self))


class StaleFence(Refusal):
    """The attempt ended, or another one holds the device now."""


class NotYours(Refusal):
    """No such attempt or errand on this device."""

    status, code = 404, "unknown-attempt"

    def __init__(self) -> None:
        super().__init__(_("This device has no such attempt. Stop its rank."))


def rank_of(device: Device, attempt_id: int, fence: int) -> Rank:
    """The device's rank in this attempt. Raises NotYours or StaleFence."""
    rank = Rank.objects.select_related("attempt").filter(attempt_id=attempt_id, device=device).first()
    if rank is None:
        raise NotYours
    logs.note(job=rank.attempt.job_id, attempt=attempt_id, rank=rank.rank)
    if rank.fence != fence:
        raise StaleFence
    rank.device = device
    return rank


def errand_of(device: Device, errand_id: int, fence: int) -> Errand:
    """The device's errand. Raises NotYours or StaleFence."""
    errand = Errand.objects.filter(pk=errand_id, device=device).first()
    if errand is None:
        raise NotYours
    logs.note(errand=errand_id)
    if errand.fence != fence:
        raise StaleFence
    errand.device = device
    return errand
