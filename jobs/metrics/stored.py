"""Which points of a series are stored already: what the slow path of ingest asks."""

import numpy as np
from django.db.models import QuerySet

from jobs.metrics import chunks
from jobs.metrics.pack import unpack
from jobs.models import Attempt, Chunk, Frame


def waits_for_withdrawal(attempt: Attempt) -> bool:
    """A later attempt's points stay in its own frames, and count for nothing, until the older ones past its first
    step are withdrawn."""
    return attempt.number > 1 and not attempt.withdrawn_seq


def stored_mask(attempt: Attempt, rank: int, key: str, steps: np.ndarray) -> np.ndarray:
    """Which of `steps` (rising) have a point of this series that counts beside those of `attempt`."""
    first, last = int(steps[0]), int(steps[-1])
    found = []
    for frame in _frames(attempt, rank).filter(first_step__lte=last, last_step__gte=first):
        if key in frame.keys:
            found.append(unpack(bytes(frame.data), frame.count, frame.keys)[key].steps)
    if not waits_for_withdrawal(attempt):
        series = Chunk.objects.filter(job_id=attempt.job_id, rank=rank, key=key)
        for chunk in series.filter(first_step__lte=last, last_step__gte=first):
            found.append(chunks.decode(chunk.data, chunk.count).steps)
    return np.isin(steps, np.concatenate(found)) if found else np.zeros(len(steps), bool)


def _frames(attempt: Attempt, rank: int) -> QuerySet[Frame]:
    if waits_for_withdrawal(attempt):
        return Frame.objects.filter(attempt=attempt, rank=rank)
    return Frame.objects.filter(job_id=attempt.job_id, attempt__number__lte=attempt.number, rank=rank)
