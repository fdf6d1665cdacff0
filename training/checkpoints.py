"""Saving while training goes on, and going on from what was saved.

Every rank writes the same bytes: weights, optimizer, random states of all ranks, position. So any copy serves any
rank, and equal manifests prove that the ranks still hold one model.
"""

import errno
import json
import threading
import time
from pathlib import Path
from typing import Any

from contract.events import EventType
from contract.faults import fault
from contract.reasons import EndReason
from contract.timing import CHECKPOINTS_KEEP
from training import checkpoint_files as files
from training.agreement import agree
from training.checkpoint_files import Contents, Damaged
from training.failures import Failure
from training.hashing import hash_of
from training.models.source import WEIGHTS
from training.rank import Rank
from training.rendezvous import Group


class Checkpoints:
    """Those of one job on this device. One save at a time is under way, on a thread of its own."""

    def __init__(self, rank: Rank, directory: Path, group: Group):
        self.directory = directory
        self._rank = rank
        self._group = group
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    def save(self, step: int, contents: Contents) -> None:
        """Write `contents` (tensors that nobody changes any more) as the checkpoint of `step`, in the background.

        Raises Failure: diverged when ranks hold other weights, nan_loss when a value is not finite.
        """
        self.wait()
        if not contents.finite():
            raise Failure(EndReason.NAN_LOSS, f"weights are not finite after step {step}", step=step)
        agree(self._group, {"weights": hash_of(contents.tensors[WEIGHTS])}, EndReason.DIVERGED)
        self.prune()
        self._thread = threading.Thread(target=self._write, args=(step, contents), name="checkpoint")
        self._thread.start()

    def prune(self) -> None:
        """Keep the newest CHECKPOINTS_KEEP. Only where every rank is known to have written all of its own.

        A rank that is behind would otherwise be left with none that the others still have.
        """
        fault("ckpt.prune")
        files.prune(self.directory, CHECKPOINTS_KEEP)

    def wait(self) -> None:
        """Return when nothing is being written. Raises what the last save ended with."""
        if self._thread:
            while self._thread.is_alive():
                self._thread.join(0.1)
                self._rank.sign.touch()
            self._thread = None
        if self._failure:
            raise self._failure

    def resume(self, wanted: int) -> Contents | None:
        """The contents to go on from: of step `wanted`, or of the newest before it that is whole on every rank.

        None is the beginning. Whatever lies past the step is deleted.
        """
        loadable = self._verified_up_to(wanted)
        per_rank = [set(json.loads(text)) for text in self._group.gather(json.dumps(loadable).encode())]
        step = max(set.intersection(*per_rank), default=0)
        if step != wanted:
            reason = f"the checkpoint of step {wanted} is damaged or missing on a device"
            self._rank.reporter.choice("resume step", str(step), reason)
            self._rank.reporter.log(f"Going on from step {step}: {reason}", "warning")
        files.clean(self.directory, beyond=step)
        return files.read(self.directory / f"step-{step}") if step else None

    def _verified_up_to(self, wanted: int) -> list[int]:
        whole = []
        for step in files.steps(self.directory):
            if step <= wanted:
                try:
                    files.verify(self.directory / f"step-{step}")
                    whole.append(step)
                except Damaged as error:
                    self._rank.reporter.log(f"Checkpoint damaged: {error}", "warning")
                    files.set_apart(self.directory, step)
        return whole

    def _write(self, step: int, contents: Contents) -> None:
        began = time.monotonic()
        assignment = self._rank.assignment
        head = {"job": assignment.job, "world_size": self._group.world_size}
        try:
            self._rank.reporter.flush()  # whoever goes on from here cannot tell these points again
            manifest = files.write(self.directory, step, assignment.fence, contents, head)
            self._report(step, manifest, time.monotonic() - began)
        except OSError as error:
            self._warn(step, contents, error)
        except BaseException as error:  # handed to the main thread, which raises it at the next save or wait
            self._failure = error

    def _report(self, step: int, manifest: dict[str, Any], seconds: float) -> None:
        fault("ckpt.report")
        self._rank.reporter.event(
            EventType.CHECKPOINT,
            step,
            step=step,
            directory=f"step-{step}",
            manifest=manifest,
            manifest_sha256=files.file_hash(self.directory / f"step-{step}" / files.MANIFEST),
            bytes=sum(entry["bytes"] for entry in manifest["files"]),
            seconds=round(seconds, 3),
        )

    def _warn(self, step: int, contents: Contents, error: OSError) -> None:
        need = f": {contents.bytes} bytes are needed" if error.errno == errno.ENOSPC else ""
        text = f"No checkpoint at step {step}, training goes on ({error.strerror}){need}. Older ones are kept."
        self._rank.reporter.log(text, "warning")
