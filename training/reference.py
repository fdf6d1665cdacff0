"""What the trained model itself answered, kept beside its weights: files that are run later are held against this."""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from training.data import Data
from training.outputs import as_tuple
from training.runners import Runner

FILE = "reference.safetensors"
ROWS = 256
NUMBERS = 1 << 22
"""of outputs at most, so that a large vocabulary does not fill the disk"""
LIMIT = 1e-4
"""how far an output may differ, relative to the largest one, where numbers are float32"""
LEAST_AGREEMENT = 0.99
"""of predictions, where a format computes with fewer bits"""
FEWER_BITS = ("int8", "bf16", "fp16")


def write_reference(model: nn.Module, data: Data, split: str, path: Path) -> None:
    """The answers of `model` (on the CPU, inputs as prepared) to the first rows of `split`."""
    with torch.inference_mode():
        one = as_tuple(data.task.exported(model(first_rows(data, split, 1))))
        rows = max(1, min(ROWS, NUMBERS // sum(part.numel() for part in one)))
        outputs = as_tuple(data.task.exported(model(first_rows(data, split, rows))))
    save_file({f"output.{number}": part.float().contiguous() for number, part in enumerate(outputs)}, path)


def compared(runner: Runner, data: Data, split: str, path: Path) -> dict[str, Any] | None:
    """Answers of `runner` (which runs the file at `path`) against the reference beside it; None without one.

    max_difference, agreement (share of equal predictions), rows, limit, passed.
    """
    if not (path.parent / FILE).is_file():
        return None
    kept = load_file(path.parent / FILE)
    ours = tuple(kept[f"output.{number}"] for number in range(len(kept)))
    theirs = as_tuple(runner(first_rows(data, split, len(ours[0]))))
    difference = max(_difference(mine, other) for mine, other in zip(ours, theirs, strict=True))
    agreement = data.task.agreement(*(parts if len(parts) > 1 else parts[0] for parts in (ours, theirs)))
    few = any(word in path.name for word in FEWER_BITS)
    passed = agreement >= LEAST_AGREEMENT if few else difference <= LIMIT
    limit = 1 - LEAST_AGREEMENT if few else LIMIT
    facts = {"max_difference": difference, "agreement": agreement, "rows": len(ours[0])}
    return facts | {"limit": limit, "judged_by": "agreement" if few else "difference", "passed": bool(passed)}


def first_rows(data: Data, split: str, rows: int) -> torch.Tensor:
    inputs, _targets = data.task.collate(data.splits[split], torch.arange(min(rows, len(data.splits[split]))))
    return inputs


def _difference(mine: torch.Tensor, other: torch.Tensor) -> float:
    """The largest, relative to the largest number of the reference (to 1 at least). Not finite counts as infinite."""
    largest = float((mine - other.float()).abs().max()) / max(1.0, float(mine.abs().max()))
    return largest if largest == largest else float("inf")
