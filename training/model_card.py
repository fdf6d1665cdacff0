"""The model card, card.md: made from facts of the run alone, so that the same run gives the same card."""

import json
from typing import Any

import torch

from contract.spec_keras import definition_of, layers_of
from training.assembly import Parts
from training.model_files import OURS
from training.rank import Rank

SHOWN_SETTINGS = (
    "optim",
    "learning_rate",
    "lr_scheduler_type",
    "warmup_steps",
    "weight_decay",
    "max_grad_norm",
    "per_device_train_batch_size",
    "gradient_accumulation_steps",
    "label_smoothing_factor",
    "bf16",
    "seed",
)


def model_card(rank: Rank, parts: Parts, metrics: dict[str, float], step: int, files: list[dict[str, Any]]) -> str:
    """Markdown. `files`: name, bytes, sha256 of what lies beside the card."""
    sections = (
        _what_it_is(rank, parts),
        _results(rank, parts, metrics),
        _data(rank, parts),
        _training(rank, parts, step),
        *_privacy(parts, step),
        _files(files),
        _use(rank, parts),
        _limits(),
    )
    return "\n".join(sections)


def _what_it_is(rank: Rank, parts: Parts) -> str:
    learnt = sum(parameter.numel() for parameter in parts.model.parameters())
    model = parts.config.get(OURS, parts.config)["model"]
    net = {key: value for key, value in model.items() if key != "source"}
    if model["source"] == "keras":
        net = {"layers": [layer["class_name"] for layer in layers_of(definition_of(model) or {})]}
    source = rank.spec["model"]
    began = f"weights of job {source['id']}" if source["source"] == "job" else f"seed {rank.spec['training']['seed']}"
    return (
        f"# {rank.spec['name'] or 'Model of job ' + str(rank.assignment.job)}\n\n"
        f"A {model['source']} network for {rank.spec['task']}, {learnt:,} parameters"
        f"{', ' + json.dumps(net) if net else ''}, that began with {began}.\n"
    )


def _results(rank: Rank, parts: Parts, metrics: dict[str, float]) -> str:
    split = rank.spec["evaluation"]["split"]
    rows = [f"| {name} | {value:.6g} |" for name, value in metrics.items()]
    head = f"## Results on {split} ({len(parts.data.splits[split])} samples)\n\n| metric | value |\n|---|---|"
    return "\n".join([head, *rows, ""])


def _data(rank: Rank, parts: Parts) -> str:
    manifest = parts.data.manifest
    counts = ", ".join(f"{len(split):,} {name}" for name, split in parts.data.splits.items())
    return (
        f"## Data\n\n- dataset: {rank.spec['dataset']} ({counts})\n- prepared data: `{parts.data.hash}`\n"
        f"- input: {manifest['input']['dtype']} {manifest['input']['shape']}\n"
        f"- classes: {', '.join(map(str, manifest['classes']))}\n"
        f"- recipe: `{json.dumps(rank.spec['recipe'])}`\n- on the device: `{json.dumps(manifest['on_device'])}`\n"
    )


def _training(rank: Rank, parts: Parts, step: int) -> str:
    settings = [f"- {name}: {rank.spec['training'][name]}" for name in SHOWN_SETTINGS]
    size = parts.sampler.global_batch
    head = (
        f"## Training\n\n- {step} steps of {size} samples ({step * size / parts.sampler.samples:.4g} epochs)\n"
        f"- {parts.group.world_size} devices, {rank.spec['parallel']['strategy']}, method {rank.spec['method']['kind']}"
    )
    return "\n".join([head, *settings, f"- torch {torch.__version__}", ""])


def _privacy(parts: Parts, step: int) -> list[str]:
    """What a private training spent, and how; nothing of any other."""
    spent = parts.privacy.facts(step)
    if not spent:
        return []
    rows = (
        ("epsilon", f"{spent['epsilon']:.4g} (at most {spent['budget']:g} was allowed)"),
        ("delta", f"{spent['delta']:.3g}"),
        ("noise multiplier", f"{spent['noise_multiplier']:.4g}"),
        ("clip norm of each sample's gradient", f"{spent['clip_norm']:g}"),
        ("samples (n)", f"{parts.sampler.samples:,}"),
        ("sampling", f"Poisson, each sample with probability {spent['sampling_rate']:.4g} at each step"),
        ("steps", f"{spent['steps']:,}"),
        ("protected", spent["unit"]),
        ("accountant", spent["accountant"]),
        ("random source", spent["random_source"]),
    )
    return ["\n".join(["## Differential privacy", "", *(f"- {name}: {value}" for name, value in rows), ""])]


def _files(files: list[dict[str, Any]]) -> str:
    rows = [f"| {entry['name']} | {entry['bytes']:,} | `{entry['sha256']}` |" for entry in files]
    text = "\n".join(["## Files\n\n| file | bytes | SHA-256 |\n|---|---|---|", *rows, ""])
    for entry in files:
        if "parity" in entry:
            parity = entry["parity"]
            text += (
                f"\n{entry['name']} was run in onnxruntime on {parity['rows']} samples: an output differs by at most "
                f"{parity['max_difference']:.2g}, equal predictions {parity['agreement']:.2%}.\n"
            )
    return text


TAKES = {
    "image": "pixels from 0 to 255 as they are after the recipe; scaling and normalising are inside",
    "text": "token numbers as the recipe makes them, filled up at the end",
    "table": "features as the recipe makes them, in the order of `features` in config.json",
}
NAMES = {"image": "images", "text": "tokens", "table": "features"}
AFTER = {
    "object-detection": "# a box x1, y1, x2, y2 in pixels, a score from 0 to 1 per class: drop low ones and doubles\n",
    "causal-lm": "following = logits.argmax(axis=2)\n",
    "tabular-regression": "",
}


def _use(rank: Rank, parts: Parts) -> str:
    manifest, task = parts.data.manifest, parts.data.task
    given = NAMES[manifest["kind"]]
    shape = ", ".join(["n", *map(str, parts.data.shape)])
    call = f"session.run({list(task.output_names)}, {{'{manifest['input']['column']}': {given}}})"
    line = f"{', '.join(task.output_names)} = {call}{'[0]' if len(task.output_names) == 1 else ''}\n"
    after = AFTER.get(rank.spec["task"], "classes = logits.argmax(axis=1)\n")
    if manifest["target"].get("multi"):
        after = "labels = logits > 0\n"
    return (
        f"## Use\n\nThe ONNX file takes {TAKES[manifest['kind']]}.\n\n```python\n"
        "import onnxruntime\n\nsession = onnxruntime.InferenceSession('model.onnx')\n"
        f"# {given}: {manifest['input']['dtype']} [{shape}]\n{line}{after}```\n"
    )


def _limits() -> str:
    return (
        "## Limits\n\nThe figures hold for data like the evaluated split. Nothing was measured about other sources, "
        "rare classes or inputs made to mislead.\n"
    )
