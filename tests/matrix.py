"""Every task with every method and every strategy, as a job through a whole Fleetune on two CPU devices.

    make matrix            (nice .venv/bin/python -m tests.matrix [--only REGEX] [--dry])

Data and nets are tiny, so that a cell takes seconds: the table of docs/training.md says that a cell works and how far
it came, not how good a net can get. `head` and `lora` go on from the result of the task's first job. Exit status 1 when
a job ended otherwise than well or with the sentence of what cannot be.
"""

import argparse
import json
import os
import re
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from contract.spec import METHODS, STRATEGIES
from contract.tasks import TASKS
from tests.e2e.data_files import coco_zip, sentences_csv
from tests.e2e.stack import Stack
from tests.waiting import wait_until

PAGE = Path(__file__).resolve().parents[1] / "docs" / "training.md"
BEGIN, END = "<!-- made by make matrix -->\n", "<!-- until here -->\n"
NOT_RUN = "–"


@dataclass(frozen=True)
class Subject:
    """What a task is tried on. `data`: the name of what is built in, or bytes with the name of a file."""

    data: str | tuple[bytes, str]
    model: dict[str, Any]
    steps: int
    batch_size: int = 8


def pairs_jsonl(count: int = 24) -> bytes:
    """Questions with one answer each."""
    rows = [{"prompt": f"what is {number} and one?", "completion": f"it is {number + 1}."} for number in range(count)]
    return "\n".join(json.dumps(row) for row in rows).encode()


def subjects() -> dict[str, Subject]:
    conv = {"source": "conv", "channels": [8, 16], "hidden": [32]}
    text = {"source": "text", "width": 32, "depth": 1}
    detector = {"source": "detector", "channels": [16, 32, 32]}
    return {
        "image-classification": Subject("digits-8x8", conv, 80, 32),
        "object-detection": Subject((coco_zip(), "boxes.zip"), detector, 60, 4),
        "text-classification": Subject((sentences_csv(), "sentences.csv"), text, 60),
        "causal-lm": Subject((pairs_jsonl(), "pairs.jsonl"), {"source": "lm", "width": 32, "depth": 1}, 100),
        "tabular-classification": Subject("breast-cancer", {"source": "dense"}, 60, 16),
        "tabular-regression": Subject("diabetes", {"source": "dense", "hidden": [16, 16]}, 60, 16),
    }


Cell = tuple[str, str, str]
"""task, method, strategy"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="cells whose 'task method strategy' matches")
    parser.add_argument(
        "--minutes", type=float, default=60, help="then the table is written, with what has not run left open"
    )
    parser.add_argument("--dry", action="store_true", help="print the table, leave the page as it is")
    wanted = parser.parse_args()
    cells = [(task, method, strategy) for task in TASKS for method in METHODS for strategy in STRATEGIES]
    chosen = [cell for cell in cells if re.search(wanted.only, " ".join(cell))]
    with tempfile.TemporaryDirectory(prefix="fleetune-matrix-") as home:
        stack = Stack(Path(home), demo=False)
        try:
            results = run(stack.start(within=300), chosen, time.monotonic() + 60 * wanted.minutes)
        finally:
            stack.stop(within=60)
    table = written(results)
    print(table)
    if not wanted.dry and not wanted.only:
        text = PAGE.read_text(encoding="utf-8")
        before, after = text.split(BEGIN)[0], text.split(END)[1]
        PAGE.write_text(f"{before}{BEGIN}{table}{END}{after}", encoding="utf-8")
    unforeseen = {cell: said for cell, said in results.items() if said.startswith("failed")}
    print(*(f"{' '.join(cell)}: {said}" for cell, said in unforeseen.items()), sep="\n", file=sys.stderr)
    return 1 if unforeseen else 0


def run(stack: Stack, cells: list[Cell], until: float) -> dict[Cell, str]:
    """Submit all cells, then wait for each `until` then, on the monotonic clock: what the table says of it."""
    tried = {task: subject for task, subject in subjects().items() if any(cell[0] == task for cell in cells)}
    data = {task: imported(stack, subject.data) for task, subject in tried.items()}
    first: dict[str, Any] = {task: submitted(stack, task, tried[task], data[task], "full", "ddp") for task in tried}
    jobs: dict[Cell, int | str] = {}
    for task, method, strategy in cells:
        base = first[task] if method != "full" else 0
        is_first = (method, strategy) == ("full", "ddp")
        made = first[task] if is_first else submitted(stack, task, tried[task], data[task], method, strategy, base)
        jobs[task, method, strategy] = made
    return {cell: made if isinstance(made, str) else told(stack, made, cell[0], until) for cell, made in jobs.items()}


def imported(stack: Stack, data: str | tuple[bytes, str]) -> str:
    """The dataset's slug, once it is ready."""
    status, answer = (
        stack.api("POST", "/datasets/", {"builtin": data}) if isinstance(data, str) else stack.upload(*data)
    )
    assert status in (201, 202), answer
    slug: str = answer["slug"]
    dataset = wait_until(lambda: (d := stack.dataset(slug))["state"] != "importing" and d, 300, f"{slug} is imported")
    assert dataset["state"] == "ready", dataset
    return slug


def submitted(
    stack: Stack, task: str, subject: Subject, dataset: str, method: str, strategy: str, base: Any = 0
) -> int | str:
    """The job's number, or the sentence with which it is refused."""
    spec = {
        "task": task,
        "dataset": dataset,
        "model": {"source": "job", "id": base} if base else subject.model,
        "devices": {"count": 2},
        "method": {"kind": method, "r": 4},
        "parallel": {"strategy": strategy, "sync_every": 5},
        "training": {
            "max_steps": subject.steps,
            "per_device_train_batch_size": subject.batch_size,
            "learning_rate": 0.003,
            "eval_steps": subject.steps,
        },
        "export": {"formats": ["safetensors"]},
    }
    status, answer = stack.api("POST", "/jobs/", spec)
    if status == 201:
        return int(answer["id"])
    return "; ".join(sentence for sentences in answer["errors"].values() for sentence in sentences)


def told(stack: Stack, number: int, task: str, until: float) -> str:
    """Quality on held-out data and seconds, or why it cannot be."""
    try:
        job = stack.ended(number, within=max(1.0, until - time.monotonic()))
    except AssertionError:
        return NOT_RUN
    if job["end_reason"] == "impossible":
        return str(job["reason_params"]["detail"])
    if job["state"] != "succeeded":
        return f"failed: {job['end_reason']} {job['reason_params']}"
    [row, *_] = stack.api("GET", f"/jobs/{number}/evaluations/")[1]["results"]
    began, ended = (datetime.fromisoformat(job[name]) for name in ("started_at", "ended_at"))
    return f"{row['metrics'][TASKS[task].headline]:.3g} ({(ended - began).total_seconds():.0f} s)"


def written(results: dict[Cell, str]) -> str:
    """The table in Markdown; sentences of what cannot be stand below it, once each."""
    load = f"{os.getloadavg()[0]:.0f} on {len(os.sched_getaffinity(0))} cores"
    lines = [
        f"`make matrix` on {datetime.now(UTC):%Y-%m-%d}, two CPU devices of one machine, load {load} when it ended:",
        "the headline metric on held-out data (seconds from claim to end), or why a cell cannot be.",
        "",
        f"| task (metric) | method | {' | '.join(STRATEGIES)} |",
        f"|---|---|{'---|' * len(STRATEGIES)}",
    ]
    notes: list[str] = []
    for task, method in dict.fromkeys(cell[:2] for cell in results):
        said = [_short(results.get((task, method, strategy), NOT_RUN), notes) for strategy in STRATEGIES]
        lines.append(f"| {task} ({TASKS[task].headline}) | {method} | {' | '.join(said)} |")
    return "\n".join([*lines, "", *(f"{place}. {note}" for place, note in enumerate(notes, 1)), ""])


def _short(said: str, notes: list[str]) -> str:
    if re.match(r"[-\d.]+(e-?\d+)? \(|–|failed", said):
        return said.partition(" {")[0]
    if said not in notes:
        notes.append(said)
    return f"cannot be ({notes.index(said) + 1})"


if __name__ == "__main__":
    sys.exit(main())
