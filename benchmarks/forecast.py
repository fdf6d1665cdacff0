"""How well the planner predicts: jobs of at least half a minute, predicted by a preflight, held against what came.

    python -m benchmarks.forecast [--jobs 10] [--seconds 32]

A Fleetune of its own with two CPU devices. Each job is another model, batch or number of devices; a preflight says
how long a step takes, then as many steps are asked for as shall take so many seconds, and the forecast that is stored
with the job is compared with its whole time (claim to end, with start, evaluations and export).
"""

import argparse
import itertools
import os
import statistics
import tempfile
from pathlib import Path

from tests.e2e.stack import Stack

MODELS = (
    {"source": "conv", "channels": [16, 32], "hidden": [64]},
    {"source": "dense", "hidden": [512, 512]},
    {"source": "vit"},
    {"source": "conv", "channels": [32, 64], "hidden": [128]},
    {"source": "dense", "hidden": [64, 64]},
)
SHAPES = ((2, 64), (1, 64), (2, 128), (1, 32))
"""devices and batch per device"""
TRIED_STEPS = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=32)
    options = parser.parse_args()
    errors: list[float] = []
    with tempfile.TemporaryDirectory() as home:
        stack = Stack(Path(home), demo=False)
        try:
            stack.start(within=300)
            stack.add_builtin("mnist-5k", within=240)
            for model, (devices, batch) in itertools.islice(_kinds(), options.jobs):
                errors.append(_off(stack, model, devices, batch, options.seconds))
        finally:
            stack.stop()
            _tell(errors)


def _tell(errors: list[float]) -> None:
    if errors:
        print(f"median error {statistics.median(map(abs, errors)):.0%} over {len(errors)} jobs, ", end="")
        print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)


def _kinds():
    """Every model in every shape, the model changing fastest."""
    return ((model, shape) for shape in SHAPES for model in MODELS)


def _off(stack: Stack, model: dict, devices: int, batch: int, seconds: float) -> float:
    spec = {"task": "image-classification", "dataset": "mnist-5k", "model": model, "devices": {"count": devices}}
    spec |= {"export": {"formats": ["safetensors"]}}
    training = {"per_device_train_batch_size": batch, "max_steps": TRIED_STEPS}
    tried = stack.api("POST", "/jobs/preflight/", spec | {"training": training})[1]
    step = tried["forecast"]["parts"]["train"] / TRIED_STEPS
    training["max_steps"] = round(seconds / step)
    job = stack.submit(**spec, training=training)
    told = stack.ended(job["id"], 600)["forecast"]
    parts = ", ".join(f"{name} {told['predicted'][name]:.1f}/{value:.1f}" for name, value in told["real"].items())
    what = f"{model['source']}, {devices} devices, batch {batch}, {training['max_steps']} steps"
    print(
        f"{what}: predicted {told['predicted_seconds']:.1f} s by {told['basis']}, took {told['real_seconds']:.1f} s, "
        f"{told['error']:+.0%} ({parts})",
        flush=True,
    )
    return told["error"]


if __name__ == "__main__":
    main()
