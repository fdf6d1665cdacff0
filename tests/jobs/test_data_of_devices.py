"""A device may fetch the data of what it was given to do, and nobody else's."""

import pytest

from catalog import places, queries
from tests.jobs.factories import make_claimed, make_gang

pytestmark = pytest.mark.django_db


def test_the_devices_of_a_claimed_job_may_fetch_its_data_and_others_may_not():
    first, second, idle = make_gang(3)
    job = make_claimed(first, second)
    digest = "a" * 64
    job.prepared.manifest["files"] = [{"name": "train.image.bin", "bytes": 1, "sha256": digest}]
    job.prepared.save()
    place = places.prepared_data(job.prepared.hash) / "train.image.bin"
    assert queries.file_for(first.device, digest) == queries.file_for(second.device, digest) == place
    assert queries.file_for(idle.device, digest) is None
    assert queries.file_for(first.device, "b" * 64) is None
