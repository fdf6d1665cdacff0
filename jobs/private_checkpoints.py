"""Checkpoints of a private training hold the key of its noise: with the result, noise could be taken out again.

They are never handed out, and when the job has succeeded nobody goes on from them: the server forgets their keys.
"""

from jobs import checkpoints, file_store
from jobs.models import Job

KEY_FILE = "privacy.json"


def forget(job: Job) -> None:
    """Delete the keys that the server keeps of a private job; its checkpoints no longer count."""
    if not job.spec.get("security", {}).get("dp"):
        return
    checkpoints.take_back(job, None)
    for row in job.checkpoints.all():
        for file in row.manifest["files"]:
            if file["name"] == KEY_FILE and file_store.has("checkpoints", file["sha256"]):
                file_store.path_of("checkpoints", file["sha256"]).unlink()
