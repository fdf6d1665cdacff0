"""After a job ran out of memory, its device is asked which batch would have fitted: a preflight that nobody sees.

`reason_params` of the job then hold `probe` (the errand) and, once it has answered, `fits`: samples per device, 0 when
not even one has room; or `probed` alone, when the device found out nothing.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from contract.reasons import EndReason
from devices.models import Device
from jobs import errands, live
from jobs.models import Errand, ErrandState, Job
from jobs.states import JobState

WITHIN = timedelta(minutes=15)
"""of the end of a job: a device that is busy for longer than this is not asked any more"""


def drive(now: datetime) -> None:
    """Ask for jobs that just ended so, and note answers that came. Safe to do twice."""
    ended = Job.objects.filter(state=JobState.FAILED, end_reason=EndReason.OUT_OF_MEMORY, ended_at__gt=now - WITHIN)
    for job in ended.filter(removed_at=None).select_related("owner"):
        params = job.reason_params
        if "probe" not in params:
            _ask(job, now)
        elif "probed" not in params:
            _note(job, params["probe"])


def _ask(job: Job, now: datetime) -> None:
    device = Device.objects.filter(slug=job.reason_params.get("device", ""), removed_at=None).first()
    if device is None:
        _remember(job, {"probe": None, "probed": True})
        return
    payload = {"spec": job.spec, "prepared": job.prepared_id, "source": job.source_id, "base_model": job.base_model_id}
    with transaction.atomic():
        [errand] = errands.create("preflight", job.owner, [device], payload, now)
        _remember(job, {"probe": errand.pk})


def _note(job: Job, number: int) -> None:
    errand = Errand.objects.filter(pk=number).first()
    if errand is not None and errand.ended_at is None:
        return
    answer = errand.answer if errand is not None and errand.state == ErrandState.DONE else {}
    told: dict[str, Any] = {"fits": answer["fits"]} if "fits" in answer else {}
    _remember(job, {"probed": True, **told})


@transaction.atomic
def _remember(job: Job, more: dict[str, Any]) -> None:
    """Add to what is known of the end, and tell whoever looks at the job."""
    same = Job.objects.filter(pk=job.pk, state=JobState.FAILED, end_reason=EndReason.OUT_OF_MEMORY)
    row = same.select_for_update(no_key=True).first()
    if row is not None:
        same.update(reason_params=row.reason_params | more)
        transaction.on_commit(lambda: live.publish_state(job.pk), robust=True)
