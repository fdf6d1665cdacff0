"""The files of a job on a device: who writes which, and how they are written.

    <device home>/
        credential                    0600, read by agent and supervisors only
        active.lock                   flock held by the supervisor that may run a rank here
        jobs/<job>/checkpoints/step-<n>/         whole checkpoints, manifest last (kept across attempts)
        jobs/<job>/attempts/<attempt>/           one `RunDir`

An errand's run directory is `errands/<errand>/` with the same files.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path


def write_json(path: Path, value) -> None:
    """Replace `path` by `value` as JSON so that a reader sees the old or the new file, never a part."""
    temporary = path.with_name(f"{path.name}.tmp-{os.getpid()}")
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, allow_nan=False)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def read_json(path: Path):
    """The value in `path`, or None when the file is not there (yet)."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


@dataclass(frozen=True)
class RunDir:
    """Paths of one attempt (or errand) on one device."""

    path: Path

    @property
    def assignment(self) -> Path:
        """What the server asked for (`agent_calls.Assignment`), written by the agent before anything starts."""
        return self.path / "assignment.json"

    @property
    def run(self) -> Path:
        """Identities of supervisor and rank (`ProcessIdentity`), written by the supervisor."""
        return self.path / "run.json"

    @property
    def go(self) -> Path:
        """`Go`: rendezvous, resume step, data directory. Written by the supervisor, read once by the rank."""
        return self.path / "go.json"

    @property
    def wanted(self) -> Path:
        """One word: run, drain, cancel or stop. Written by the supervisor, looked at by the rank each step."""
        return self.path / "wanted"

    @property
    def progress(self) -> Path:
        """The rank's last sign of life (`Progress`), rewritten in place at most each 0.25 s."""
        return self.path / "progress.json"

    @property
    def spool(self) -> Path:
        """Batches, one JSON object a line; line n is batch n. Written by the rank, after its end by the supervisor."""
        return self.path / "spool.jsonl"

    @property
    def log(self) -> Path:
        """stdout and stderr of the rank."""
        return self.path / "rank.log"

    @property
    def exit(self) -> Path:
        """The rank's own last word (`ExitReport` fields), written before it exits. Missing = it was killed."""
        return self.path / "exit.json"

    @property
    def artifacts(self) -> Path:
        """Files for the user, written by rank 0 before its exit report."""
        return self.path / "artifacts"


def job_dir(device_home: Path, job: int) -> Path:
    return device_home / "jobs" / str(job)


def checkpoints_dir(device_home: Path, job: int) -> Path:
    return job_dir(device_home, job) / "checkpoints"


def attempt_dir(device_home: Path, job: int, attempt: int) -> RunDir:
    return RunDir(job_dir(device_home, job) / "attempts" / str(attempt))


def errand_dir(device_home: Path, errand: int) -> RunDir:
    return RunDir(device_home / "errands" / str(errand))
