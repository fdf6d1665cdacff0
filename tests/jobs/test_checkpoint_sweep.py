"""The server's disk: checkpoints that no longer count go, and nothing that somebody may still ask for."""

import hashlib
import os
import time
from pathlib import Path

import pytest
from django.conf import settings

from jobs import checkpoint_sweep, file_store
from jobs.models import Job
from tests.jobs.factories import event, make_gang, make_running

pytestmark = pytest.mark.django_db


@pytest.fixture
def gang(settings, tmp_path):
    settings.FLEETUNE_HOME = tmp_path
    return make_gang()


def hand_in(raw: bytes, age_s: float) -> str:
    """A file of a checkpoint that came `age_s` seconds ago."""
    sha256 = hashlib.sha256(raw).hexdigest()
    assert file_store.append("checkpoints", sha256, 1, 0, len(raw), raw)
    moment = time.time() - age_s
    os.utime(file_store.path_of("checkpoints", sha256), (moment, moment))
    return sha256


def save(gang, step: int, age_s: float = 3600) -> str:
    """All ranks report a checkpoint whose files are on the server; the hash of its weights."""
    manifest_sha256, weights = hand_in(f"manifest of {step}".encode(), age_s), hand_in(b"w%d" % step, age_s)
    files = {"files": [{"name": "model.safetensors", "sha256": weights, "bytes": 2}]}
    facts = {"directory": f"step-{step}", "manifest": files, "manifest_sha256": manifest_sha256, "bytes": 2}
    for agent in gang:
        agent.tell(event("checkpoint", step, **facts))
    return weights


def stored() -> set[str]:
    return {path.name for path in (Path(settings.FLEETUNE_HOME) / "checkpoints").glob("[0-9a-f]*")}


def test_what_no_longer_counts_goes_and_the_newest_stay(gang):
    job = make_running(*gang)
    weights = [save(gang, step) for step in (10, 20, 30)]
    assert checkpoint_sweep.sweep() == len("manifest of 10") + len("w10")
    assert weights[0] not in stored() and set(weights[1:]) < stored()
    assert set(job.checkpoints.exclude(state="pruned").values_list("step", flat=True)) == {20, 30}


def test_what_came_of_late_stays_for_the_report_that_is_still_to_come(gang):
    make_running(*gang)
    early, again = hand_in(b"before its report", age_s=10), hand_in(b"handed in once more", age_s=3600)
    file_store.append("checkpoints", again, 1, len(b"handed in once more"), len(b"handed in once more"), b"")
    assert checkpoint_sweep.sweep() == 0
    assert stored() == {early, again}


def test_what_another_job_began_with_stays(gang):
    job = make_running(*gang)
    weights = [save(gang, step) for step in (10, 20, 30)]
    began = [{"name": "model.safetensors", "sha256": weights[0], "bytes": 2, "kind": "checkpoints"}]
    Job.objects.filter(pk=job.pk).update(began_with=began)
    checkpoint_sweep.sweep()
    assert set(weights) < stored()
