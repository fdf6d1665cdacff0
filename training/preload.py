"""What every rank uses, imported once by the starter: importing this module is its whole effect.

Optimizers import `torch._dynamo` lazily (1.1 s in every rank) and the first export resolves 0.4 s of imports more, so
both happen here, on one thread. Left out: pyarrow and onnxruntime, which start threads, and onnx, which only rank 0
needs, once.
"""

import safetensors.torch  # noqa: F401
import torch
import torch._dynamo
import torch.distributed
import torch.export

import training.run  # noqa: F401


def _warm_up() -> None:
    """One export and one optimizer step of a net of a few weights: what they load lazily is loaded now."""
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(4, 2))
    batch = torch.zeros(2, 1, 4, 4)
    torch.export.export(net.eval(), (batch,), strict=False)
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.0, fused=True)
    net(batch).sum().backward()
    optimizer.step()


torch.set_num_threads(1)
_warm_up()
