"""Work that fell silent is taken up again: a lost message, a worker that was killed, a server that was restarted."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from catalog import enqueue
from catalog.models import BaseModel, BaseModelState, Dataset, PreparedData, PreparedState
from catalog.services import reviewing, uploading

SILENT_S = 15


@transaction.atomic
def take_up_again(now: datetime) -> int:
    """Send every import and build again that gave no sign for SILENT_S; how many. Asked by the reconciler."""
    uploading.forget_abandoned(now)
    reviewing.forget_abandoned(now)
    lately = now - timedelta(seconds=2)
    long_silent = Q(worker_seen_at__lt=now - timedelta(seconds=SILENT_S))
    silent = Q(worker_seen_at=None, created_at__lt=lately) | long_silent
    models = BaseModel.objects.filter(silent, state=BaseModelState.IMPORTING, removed_at=None)
    not_begun = Q(worker_seen_at=None, importing_since__lt=lately)
    imports = Dataset.objects.filter(not_begun | long_silent, removed_at=None).exclude(importing_since=None)
    states = [PreparedState.WAITING, PreparedState.BUILDING]
    builds = PreparedData.objects.filter(silent, state__in=states)
    builds = PreparedData.objects.filter(pk__in=builds.filter(version__dataset__removed_at=None).values("pk"))
    sent = 0
    for rows, send in (
        (models, enqueue.import_model_after_commit),
        (imports, enqueue.import_after_commit),
        (builds, enqueue.build_after_commit),
    ):
        ids = list(rows.values_list("pk", flat=True))
        rows.model.objects.filter(pk__in=ids).update(worker_seen_at=now)  # not again before it had time to begin
        for row_id in ids:
            send(row_id)
        sent += len(ids)
    return sent
