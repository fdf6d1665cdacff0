"""How good answers are, in numbers with intervals. To add a task: write its exam after `regression.py`, register it."""

from typing import Any

from training.quality.causal_lm import CausalLMExam
from training.quality.classification import ClassificationExam
from training.quality.exam import Exam, Report
from training.quality.multi_label import MultiLabelExam
from training.quality.object_detection import ObjectDetectionExam
from training.quality.regression import RegressionExam
from training.tasks import Task
from training.tasks.causal_lm import CausalLM
from training.tasks.classification import Classification
from training.tasks.multi_label import MultiLabel
from training.tasks.object_detection import ObjectDetection
from training.tasks.regression import Regression

EXAMS: dict[type[Task], type[Exam]] = {
    CausalLM: CausalLMExam,
    Classification: ClassificationExam,
    MultiLabel: MultiLabelExam,
    ObjectDetection: ObjectDetectionExam,
    Regression: RegressionExam,
}


def exam_of(task: Task, manifest: dict[str, Any], seed: int) -> Exam:
    """An exam of what answers this task on data with this manifest. `seed` draws the resamples."""
    kind = next(kind for kind in EXAMS if isinstance(task, kind))
    return EXAMS[kind](task, manifest, seed)


__all__ = ["EXAMS", "Exam", "Report", "exam_of"]
