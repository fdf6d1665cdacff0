"""What every rank uses, imported once by the starter: importing this module is its whole effect.

Optimizers import `torch._dynamo` lazily (1.1 s in every rank) and the first export resolves 0.4 s of imports more, so
both happen here, on one thread. Left out: pyarrow and onnxruntime, which start threads, and onnx, which only rank 0
needs, once.
"""

from typing import Any

import torch
import torch._dynamo
import torch.distributed
import torch.export

import training.run  # noqa: F401
from training.compile_proof import graph_hash
from training.inputs import example, from_prepared
from training.models import build

IMAGES: dict[str, Any] = {
    "kind": "image",
    "input": {"shape": [1, 8, 8], "dtype": "uint8"},
    "on_device": [{"step": "scale", "to": [0, 1]}, {"step": "normalise", "mean": [0.5], "std": [0.5]}],
}


def _warm_up() -> None:
    """One export and one optimizer step of each preset at its smallest: what they load lazily is loaded now."""
    batch = example(IMAGES, 2, torch.device("cpu"))
    for source in ("dense", "conv"):
        model = from_prepared(IMAGES, build({"source": source}, IMAGES["input"]["shape"], 2, seed=0))
        graph_hash(model, batch)
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.0, fused=True)
        model(batch).sum().backward()
        optimizer.step()


torch.set_num_threads(1)
_warm_up()
