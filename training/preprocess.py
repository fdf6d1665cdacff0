"""Stage 1: the prepared data on this device is whole, is what the server named, and is the same on every rank."""

from pathlib import Path

from contract.agent_calls import Go
from contract.reasons import EndReason
from recipes.prepared import Damaged, Prepared, open_prepared, verify
from training.agreement import agree
from training.data import Data
from training.failures import BadData, Failure
from training.rank import Rank
from training.rendezvous import Group
from training.tasks import task_of

READ_BYTES_PER_S = 50e6
"""a slow disk; only for the budget of the sign of life"""
STAGE = "preprocess"


def open_data(go: Go) -> Prepared:
    """The prepared data that `go` names, unproved: only its manifest is read."""
    try:
        return open_prepared(Path(go.data_dir))
    except Damaged as error:
        raise BadData(str(error)) from error


def prove_data(rank: Rank, prepared: Prepared, group: Group, needed: tuple[str, ...] = ()) -> Data:
    """Check every byte and every target. Raises Failure: bad_data, or recipe_mismatch when ranks hold other data.

    `needed`: splits that must have samples; those of a training when none is named.
    """
    manifest = prepared.manifest
    rank.sign.enter(STAGE, 60 + sum(file["bytes"] for file in manifest["files"]) / READ_BYTES_PER_S)
    rank.reporter.stage(STAGE, "began")
    found = _verified(rank, prepared)
    group.meet(rank.still_waiting)
    agree(group, {"prepared data": found}, EndReason.RECIPE_MISMATCH)
    data = Data.of(prepared, task_of(rank.spec["task"], manifest, rank.spec["training"]))
    counts = {name: len(split) for name, split in data.splits.items()}
    for name, split in data.splits.items():
        data.task.check(name, split)
        rank.sign.touch()
    for name in needed or ("train", rank.spec["evaluation"]["split"]):
        if not counts.get(name):
            raise BadData(f"the data has no samples in its split '{name}'", split=name)
    rank.reporter.stage(STAGE, "ended", data_hash=found, samples=sum(counts.values()), splits=counts)
    return data


def _verified(rank: Rank, prepared: Prepared) -> str:
    return verified(prepared, rank.assignment.data.get("hash", ""))


def verified(prepared: Prepared, named: str) -> str:
    """The hash of the bytes that lie here: the one that the server `named`, if it named one. Raises Failure."""
    try:
        found = verify(prepared.directory)
    except Damaged as error:
        raise BadData(str(error)) from error
    if found != (named or found):
        sentence = f"the data on this device is {found}, the server named {named}"
        raise Failure(EndReason.RECIPE_MISMATCH, sentence, what="prepared data", values=[named, found])
    return found
