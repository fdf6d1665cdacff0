"""Withdrawal: a resume drops the points that earlier attempts reported past its first step."""

import numpy as np

from jobs.metrics import chunks, heads, seal
from jobs.metrics.pack import pack, unpack
from jobs.metrics.points import Points
from jobs.models import Attempt, Chunk, Frame


def drop_points(attempt: Attempt, after_step: int) -> None:
    """Drop points of attempts before `attempt` past `after_step`: whole chunks and frames, and parts of those that
    straddle it. What is left of them is sealed. The caller holds the job, and rebuilds the heads afterwards."""
    Chunk.objects.filter(job_id=attempt.job_id, first_step__gt=after_step).delete()
    for chunk in Chunk.objects.filter(job_id=attempt.job_id, last_step__gt=after_step):
        _cut_chunk(chunk, after_step)
    earlier = Frame.objects.filter(job_id=attempt.job_id, attempt__number__lt=attempt.number)
    earlier.filter(first_step__gt=after_step).delete()
    for frame in earlier.filter(last_step__gt=after_step):
        _cut_frame(frame, after_step)
    for older in Attempt.objects.filter(job_id=attempt.job_id, number__lt=attempt.number):
        for rank in set(Frame.objects.filter(attempt=older).values_list("rank", flat=True)):
            seal.seal(heads.lock(attempt.job_id, [rank])[rank], older)


def _cut_chunk(chunk: Chunk, after_step: int) -> None:
    points = chunks.decode(chunk.data, chunk.count)
    kept = seal.row(chunk.job_id, chunk.rank, chunk.key, _until(points, after_step), (chunk.first_seq, chunk.seq))
    kept.pk = chunk.pk
    kept.save()


def _cut_frame(frame: Frame, after_step: int) -> None:
    columns = [_until(points, after_step) for points in unpack(bytes(frame.data), frame.count, frame.keys).values()]
    frame.data = pack(columns[0].steps, columns[0].times, [points.values for points in columns])
    frame.count = len(columns[0])
    frame.last_step = int(columns[0].steps[-1])
    frame.save(update_fields=["data", "count", "last_step"])


def _until(points: Points, after_step: int) -> Points:
    return points.take(slice(0, int(np.searchsorted(points.steps, after_step, side="right"))))
