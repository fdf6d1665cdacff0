"""The errand `fleet-test`: this device and the others of its gang do, once each, all that a job needs of them.

Every check has its own line in the answer, so that one that fails hides none of those before it. Checks of this device
alone come first; what needs the others is left out, with the reason, when one of them cannot take part.
"""

import shutil
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict
from itertools import permutations
from pathlib import Path
from typing import Any, TypeVar

import torch
import torch.distributed as dist

from contract.agent_calls import Go
from contract.faults import fault
from contract.reasons import EndReason
from training.assembly import WISHES, Begun, begin_model, put_together, sampler_and_plan
from training.compile_proof import BATCH, graph_hash
from training.data import Data
from training.failures import Ending, Failure, ending_of
from training.hashing import hash_of
from training.inputs import example
from training.link_probe import Listener, measure
from training.outputs import in_one_row
from training.preprocess import open_data, prove_data
from training.rank import Rank
from training.reference import compared, first_rows
from training.rendezvous import Door, Group, come_together, form_group, wait_for
from training.runners import runner_of
from training.step import take_step

T = TypeVar("T")
MEET_S = 120.0
"""others may have data to fetch and to check before they come"""
TURN_S = 20.0
"""for one pair to measure its link"""
PART_S = 90.0
"""of no sign of life in one check"""
SIZES = {"small": 1_000, "large": 1_000_000}
"""floats of the exchanges that are timed"""
REPEATS = 10
NEED_ALL = ("exchange", "step", "answers")
"""checks in which every device waits for every other one"""
ANSWERS = 64
"""rows that the artifact answers"""


def fleet_test(rank: Rank, go: Go, door: Door) -> Ending:
    """Always succeeds with an answer: `ok`, and `checks`: {name: {ok, …}}; `ok` None: not run, because of `because`."""
    return Ending("succeeded", answer={"ok": True, "checks": FleetTest(rank, go, door).run()})


class FleetTest:
    """The checks of one rank, in order."""

    def __init__(self, rank: Rank, go: Go, door: Door):
        self.rank, self.go, self.door = rank, go, door
        self.found: dict[str, dict[str, Any]] = {}
        self.failed = ""
        """the first check that failed, or that could not be run"""

    @property
    def _everybody(self) -> range:
        return range(self.go.world_size)

    def run(self) -> dict[str, dict[str, Any]]:
        self._check("disk", self._disk)
        data = self._check("data", self._data)
        begun = self._check("model", lambda: self._model(data)) if data else None
        if self.go.world_size > 1:
            self._with_others(data, begun)
        elif data and begun:
            self._together(Group(0, 1), data, begun)
        return self.found

    def _with_others(self, data: Data | None, begun: Begun | None) -> None:
        listener = Listener(self.door.address)
        store = self._check("meet", self._meet)
        if store is None:
            return
        self._check("links", lambda: self._links(store, listener))
        self._check("others", lambda: self._others(store))
        if self.failed or data is None or begun is None:
            self.found |= {name: {"ok": None, "because": self.failed} for name in NEED_ALL}
        else:
            group = self._check("exchange", lambda: self._exchange(store))
            if group:
                self._together(group, data, begun)
        if self.failed not in NEED_ALL:
            self._leave_together(store)  # after a broken exchange this one leaves at once: so the others hear of it

    def _together(self, group: Group, data: Data, begun: Begun) -> None:
        if self._check("step", lambda: self._step(group, data, begun)) and self.rank.assignment.errand.get("artifact"):
            self._check("answers", lambda: self._answers(group, data))

    def _check(self, name: str, work: Callable[[], tuple[dict[str, Any], T]]) -> T | None:
        """Do one check and note what it found: its facts, or why it failed."""
        self.rank.sign.enter(name, PART_S)
        self.rank.still_waiting()
        try:
            facts, result = work()
        except Exception as error:  # whatever it is, it is what the check found
            ending = ending_of(error, rank=self.go.rank, world_size=self.go.world_size, wanted="run")
            detail = str(ending.params.get("detail", error))
            peer = {"peer": ending.params["peer"]} if "peer" in ending.params else {}
            self.found[name] = {"ok": False, "reason": str(ending.reason), "detail": detail} | peer
            self.failed = self.failed or name
            return None
        self.found[name] = {"ok": True} | facts
        self.failed = self.failed or ("" if self.found[name]["ok"] else name)
        return result

    def _disk(self) -> tuple[dict[str, Any], bool]:
        """Room for the data, a few checkpoints and what the system needs."""
        files = self.rank.assignment.data["manifest"]["files"]
        free = shutil.disk_usage(self.rank.paths.path).free
        return {"free_bytes": free, "data_bytes": sum(file["bytes"] for file in files)}, True

    def _data(self) -> tuple[dict[str, Any], Data]:
        data = prove_data(self.rank, open_data(self.go), Group(0, 1))
        return {"hash": data.hash, "samples": sum(len(split) for split in data.splits.values())}, data

    def _model(self, data: Data) -> tuple[dict[str, Any], Begun]:
        begun = begin_model(self.rank, data, self.go, Group(0, 1), resumes=False)
        graph = graph_hash(begun.model, example(data.manifest, BATCH, self.rank.device))
        return {"hash": graph, "weights": hash_of(begun.model.model.state_dict())}, begun

    def _meet(self) -> tuple[dict[str, Any], dist.TCPStore]:
        began = time.perf_counter()
        store = come_together(self.go, self.door, self.rank.still_waiting, MEET_S)
        return {"seconds": time.perf_counter() - began, "address": self.door.address}, store

    def _links(self, store: dist.TCPStore, listener: Listener) -> tuple[dict[str, Any], bool]:
        """Every device measures its link to every other one, one at a time, so that none slows another down."""
        listener.serve()
        store.set(f"port/{self.go.rank}", listener.address)
        to: dict[int, dict[str, Any]] = {}
        for first, second in permutations(self._everybody, 2):
            turn = f"link/{first}-{second}"
            if first == self.go.rank:
                address = wait_for(store, f"port/{second}", second, self.rank.still_waiting, TURN_S)
                to[second] = _link(address.decode())
                store.set(turn, "done")
            wait_for(store, turn, first, self.rank.still_waiting, TURN_S)
        listener.close()
        broken = [peer for peer, link in to.items() if "error" in link]
        return {"to": to, "ok": not broken}, True

    def _others(self, store: dist.TCPStore) -> tuple[dict[str, Any], bool]:
        """Whether all have passed so far: what comes next needs every device."""
        store.set(f"able/{self.go.rank}", self.failed or "yes")
        words = [wait_for(store, f"able/{peer}", peer, self.rank.still_waiting, MEET_S) for peer in self._everybody]
        unable = {peer: word.decode() for peer, word in enumerate(words) if word != b"yes"}
        return {"unable": unable, "ok": not unable}, True

    def _exchange(self, store: dist.TCPStore) -> tuple[dict[str, Any], Group]:
        group = form_group(self.go, store, self.rank.device, self.door.reach)
        facts: dict[str, Any] = {"backend": dist.get_backend()}
        wanted = sum(range(1, group.world_size + 1))
        for name, size in SIZES.items():
            times = []
            for _repeat in range(REPEATS + 1):
                tensor = torch.full((size,), float(group.rank + 1))
                began = time.perf_counter()
                group.sum(tensor)
                times.append(time.perf_counter() - began)
                if not torch.equal(tensor, torch.full((size,), float(wanted))):
                    raise Failure(EndReason.DIVERGED, f"the sum of {size} floats over all devices is wrong")
            facts[name] = {"floats": size, "seconds": statistics.median(times[1:]), "n": REPEATS}
        return facts, group

    def _step(self, group: Group, data: Data, begun: Begun) -> tuple[dict[str, Any], bool]:
        """One optimizer step on the gradients of all; the weights after it, here and on rank 0."""
        fault("fleet.step")
        sampler, plan = sampler_and_plan(self.rank, data.manifest, group.world_size)
        parts = put_together(self.rank, data, begun, group, sampler, plan)
        parts.model.train()
        step = take_step(parts, 1, (0.0,) * len(WISHES), self.rank.device)
        weights = begun.model.model.state_dict()
        row = in_one_row(tuple(weights.values()))
        difference = float((group.tell(row.clone(), 0) - row).abs().max())
        facts = {"loss": step.loss, "seconds": step.seconds, "samples": step.samples}
        return facts | {"hash": hash_of(weights), "max_difference": difference}, True

    def _answers(self, group: Group, data: Data) -> tuple[dict[str, Any], bool]:
        """What the artifact answers here, against the trained model's own answers and against those on rank 0."""
        path = Path(self.go.model_dir) / self.rank.assignment.errand["artifact"]
        split = self.rank.spec["evaluation"]["split"]
        runner = runner_of(path, self.rank, data)
        row = in_one_row(runner(first_rows(data, split, ANSWERS)))
        theirs = group.tell(row.clone(), 0)
        difference = float((theirs - row).abs().max()) / max(1.0, float(theirs.abs().max()))
        facts = {"artifact": path.name, "runtime": runner.runtime, "parity": compared(runner, data, split, path)}
        return facts | {"hash": hash_of({"answers": row}), "max_difference": difference}, True

    def _leave_together(self, store: dist.TCPStore) -> None:
        """Rank 0 serves the store, so it leaves last. Who is gone by now has been told already."""
        try:
            store.set(f"done/{self.go.rank}", "yes")
            for peer in range(1, self.go.world_size) if self.go.rank == 0 else ():
                wait_for(store, f"done/{peer}", peer, self.rank.still_waiting, TURN_S)
        except (Failure, dist.DistError) as error:
            print(f"left without the others: {error}")


def _link(address: str) -> dict[str, Any]:
    try:
        return asdict(measure(address))
    except OSError as error:
        return {"error": str(error) or type(error).__name__, "address": address}
