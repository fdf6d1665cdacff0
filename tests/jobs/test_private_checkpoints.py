"""The key of a private training's noise does not outlive its success."""

import pytest

from jobs import file_store
from jobs.models import Checkpoint
from jobs.private_checkpoints import forget
from tests.jobs.factories import make_gang, make_running, sha256_of

pytestmark = pytest.mark.django_db
PRIVATE = {"dp": {"epsilon": 1.0}}


def with_checkpoint(**parts):
    """A running job, with a checkpoint of which every file lies on the server."""
    agents = make_gang()
    job = make_running(*agents, **parts)
    files = [{"name": name, "sha256": sha256_of(name), "bytes": len(name)} for name in ("privacy.json", "state.json")]
    for name in ("privacy.json", "state.json", "manifest"):
        path = file_store.path_of("checkpoints", sha256_of(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    attempt = job.attempts.get()
    manifest = {"files": files}
    Checkpoint.objects.create(
        job=job, attempt=attempt, step=4, manifest_hash=sha256_of("manifest"), manifest=manifest, bytes=20, holders=[]
    )
    return job


def kept(name):
    return file_store.has("checkpoints", sha256_of(name))


def test_a_private_job_that_succeeded_leaves_no_key_and_no_checkpoint_to_go_on_from():
    job = with_checkpoint(security=PRIVATE)
    forget(job)
    assert not kept("privacy.json") and kept("state.json")
    assert job.checkpoints.get().state == "pruned"


def test_other_jobs_keep_theirs():
    job = with_checkpoint()
    forget(job)
    assert kept("privacy.json") and job.checkpoints.get().state == "local"
