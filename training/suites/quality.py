"""How good the answers are: every metric of the task over the whole split, each with its interval."""

from typing import Any

import torch

from training.quality import Exam, exam_of
from training.suites.subject import Subject


def quality(subject: Subject) -> dict[str, Any]:
    """metrics (name → number), details (intervals, classes, calibration, worst rows), rows (each one's own answer)"""
    return examined(subject, torch.arange(len(subject.rows))).report(subject.still_here).to_json()


def examined(subject: Subject, rows: torch.Tensor, changed: Any = None) -> Exam:
    """The exam of these rows (int64 [n]) of the split; `changed(inputs)` is what the file is shown instead of them."""
    task = subject.data.task
    exam = exam_of(task, subject.data.manifest, subject.seed)
    for batch in rows.split(subject.batch_size):
        inputs, targets = task.collate(subject.rows, batch)
        exam.take(subject.answers(changed(inputs) if changed else inputs), targets)
        subject.still_here()
    return exam
