"""Preparing a source that is far larger than the memory it may take, once each with one process and with one a core.

    .venv/bin/python -m benchmarks.memory [--gib 5]

The limit (512 MiB above the start) is the system's: a process that wants more gets a MemoryError, and the build fails.
"""

import argparse
import io
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from recipes.sandbox import outside
from recipes.sandbox.outside import Limits
from recipes.version import Item, VersionWriter

SIDE = 1000
LIMIT_BYTES = 512 * 2**20
STEPS = [
    {"step": "fill-region", "regions": [[0, 0, 0.1, 0.1]]},
    {"step": "resize", "size": [128, 128]},
    {"step": "normalise"},
]
"""a step that looks at places first, so that every pixel is decoded"""


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--gib", type=float, default=5)
    count = -(-int(parser.parse_args().gib * 2**30) // (SIDE * SIDE * 3))
    home = Path(tempfile.mkdtemp(prefix="fleetune-memory-"))
    try:
        version = pictures(home / "versions", count)
        print(
            f"{count} pictures of {SIDE} × {SIDE}: {count * SIDE * SIDE * 3 / 2**30:.2f} GiB when decoded", flush=True
        )
        return max(prepared(version, home / f"by-{number}", number) for number in sorted({1, os.cpu_count() or 1}))
    finally:
        shutil.rmtree(home, ignore_errors=True)


def prepared(version: Path, parent: Path, processes: int) -> int:
    request = {"version": str(version), "steps": STEPS, "parent": str(parent), "processes": processes}
    began = time.monotonic()
    answer = outside.run("benchmarks.memory:measured", request, limits=Limits(memory_bytes=LIMIT_BYTES))
    if not answer.result:
        print(f"{processes} processes: {answer.refused or answer.died}")
        return 1
    told = answer.result
    print(
        f"{processes} processes: {time.monotonic() - began:.0f} s, {told['hash'][:12]}, largest process "
        f"{told['grown'] / 2**20:.0f} MiB above the start of {told['start'] / 2**20:.0f} MiB",
        flush=True,
    )
    return 0


def measured(request, reporter):
    """In the child: the build, and the peak of the largest process above what this one had before it."""
    import resource

    from recipes.build import build

    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    start = peak_bytes()
    told = build(request, reporter)
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    return told | {"start": start, "grown": max(peak_bytes(), largest) - start}


def peak_bytes() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024


def pictures(parent: Path, count: int) -> Path:
    ramp = np.add.outer(np.arange(SIDE), np.arange(SIDE)).astype(np.uint8)
    with VersionWriter(parent) as writer:
        items = []
        for number in range(count):
            pixels = np.stack([ramp + number % 256, ramp[::-1], ramp.T - number // 256], -1)
            content = io.BytesIO()
            Image.fromarray(pixels.astype(np.uint8)).save(content, "JPEG")
            stored = writer.store(content.getvalue(), ".jpg")
            size = {"width": SIDE, "height": SIDE, "channels": 3}
            target = {"label": number % 2}
            items.append(
                Item(stored.sha256, stored.bytes, "train", f"{number}.jpg", file=stored.file, target=target, **size)
            )
        head = {"task": "image-classification", "kind": "image", "classes": ["a", "b"], "split_rule": "given"}
        return writer.finish(head, items, [])


if __name__ == "__main__":
    sys.exit(main())
