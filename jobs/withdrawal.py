"""A resume takes back what earlier attempts reported past its first step (rule R8)."""

from functools import partial

from django.db import transaction
from django.db.models import F, Max

from jobs import live
from jobs.frames import Message, points_frame, withdrawn_frame
from jobs.metrics import heads
from jobs.metrics.pack import unpack
from jobs.metrics.points import series_json
from jobs.metrics.withdraw import drop_points
from jobs.models import Attempt, Frame, Job


def withdraw(job: Job, after_step: int, attempt: Attempt) -> None:
    """Take back what attempts before `attempt` reported past `after_step`, in the caller's transaction.

    Every attempt but the first needs it when it begins to run, with 0 when it begins anew: only from then on do its
    own points count. Readers get a `withdrawn` frame, then the points that had to wait.
    """
    seq = _take_seq(job.pk)
    drop_points(attempt, after_step)
    Attempt.objects.filter(pk=attempt.pk).update(withdrawn_seq=seq)
    attempt.withdrawn_seq = seq
    frames = [withdrawn_frame(seq, after_step), *_let_waiting_points_count(attempt)]
    heads.rebuild(job.pk)
    furthest = Frame.objects.filter(attempt=attempt).aggregate(last=Max("last_step"))["last"]
    Job.objects.filter(pk=job.pk).update(step=max(after_step, furthest or 0))
    transaction.on_commit(partial(live.publish_frames, job.pk, frames), robust=True)


def _let_waiting_points_count(attempt: Attempt) -> list[Message]:
    """What the attempt reported before gets a number behind the withdrawal: readers take it after they dropped."""
    waiting = Frame.objects.filter(attempt=attempt)
    if not waiting.exists():
        return []
    seq = _take_seq(attempt.job_id)
    waiting.update(seq=seq)
    parts = [(frame.rank, unpack(bytes(frame.data), frame.count, frame.keys)) for frame in waiting]
    series = [series_json(key, rank, points) for rank, columns in parts for key, points in columns.items()]
    return [points_frame(seq, series)]


def _take_seq(job_id: int) -> int:
    """Lock the job, count its `seq` on by one and return the new number."""
    seq = Job.objects.select_for_update(no_key=True).values_list("seq", flat=True).get(pk=job_id)
    Job.objects.filter(pk=job_id).update(seq=F("seq") + 1)
    return seq + 1
