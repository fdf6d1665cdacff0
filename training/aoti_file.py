"""The result as an AOTInductor package: native code for one kind of device, made by a C++ compiler.

Whoever loads it runs that code, so it is compared here, where it was made, and never run on another device.
"""

import os
import shutil
from pathlib import Path
from typing import Any

import torch
from torch import nn

from training.data import Data
from training.inputs import example
from training.onnx_file import Exported, NotMade, checked_inputs, largest_difference
from training.outputs import as_tuple

COMPILERS = ("g++", "clang++", "c++", "cl")
FIXED_BATCH = 8
LARGEST_BATCH = 1024


def compiler() -> str:
    """The C++ compiler that would be used; "" when this device has none."""
    wished = os.environ.get("CXX", "")
    return next((found for name in (wished, *COMPILERS) if name and (found := shutil.which(name))), "")


def write_aoti(model: nn.Module, data: Data, split: str, path: Path) -> dict[str, Any]:
    """Compile `model` (on the CPU, inputs as prepared) and run the package on rows of `split`: compiler, parity.

    Raises NotMade without a compiler, when it refuses, and when the package does not say what the model says.
    """
    found = compiler()
    if not found:
        raise NotMade(f"no C++ compiler is installed on this device ({', '.join(COMPILERS[:3])}): install g++")
    wrapped = Exported(model, data.task).eval()
    try:
        package = _compiled(wrapped, data, path)
        parity = _compared(torch._inductor.aoti_load_package(package), wrapped, data, split)
    except NotMade:
        raise
    except Exception as error:  # the exporter, the code generator and the compiler raise what they like
        raise NotMade(f"AOTInductor refused: {str(error).splitlines()[0] if str(error) else error!r}") from error
    return {"compiler": found, "parity": parity}


def _compiled(wrapped: Exported, data: Data, path: Path) -> str:
    import torch._inductor  # seconds, and only this needs it
    from torch._inductor import config

    batch = torch.export.Dim("n", min=1, max=LARGEST_BATCH)
    inputs = (example(data.manifest, FIXED_BATCH, torch.device("cpu")),)
    program = torch.export.export(wrapped, inputs, dynamic_shapes=({0: batch},), strict=False)
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(path.parent / "inductor")
    with config.patch(compile_threads=1):
        return torch._inductor.aoti_compile_and_package(program, package_path=str(path))


def _compared(package: Any, wrapped: Exported, data: Data, split: str) -> dict[str, Any]:
    inputs = checked_inputs(wrapped.model, data, split)[:LARGEST_BATCH]
    with torch.inference_mode():
        ours, theirs = wrapped(inputs), package(inputs)
    return {
        "rows": len(inputs),
        "max_difference": largest_difference(as_tuple(ours), as_tuple(theirs), "the package"),
        "agreement": data.task.agreement(ours, theirs),
    }
