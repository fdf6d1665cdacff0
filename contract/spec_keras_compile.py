"""Compile arguments of a Keras model in the words of a job: optimizer, loss and metrics.

What a job says itself goes before what the model says.
"""

import re
from collections.abc import Mapping
from typing import Any

from contract.problems import Problem, gettext_noop
from contract.tasks import TASKS

OPTIMIZERS = {
    "adam": "adam",
    "adamw": "adamw",
    "sgd": "sgd",
    "rmsprop": "rmsprop",
    "adagrad": "adagrad",
    "adafactor": "adafactor",
}
RATES = {"sgd": 0.01}
"""where Keras takes another rate than 0.001 when none is given"""
LOSSES = {
    "sparse_categorical_crossentropy": ("softmax", "label"),
    "categorical_crossentropy": ("softmax", "label"),
    "binary_crossentropy": ("sigmoid", "label"),
    "mean_squared_error": ("", "value"),
    "mse": ("", "value"),
}
"""what makes its probabilities, and the target it is for"""
METRICS = {
    "accuracy": "accuracy", "acc": "accuracy", "sparse_categorical_accuracy": "accuracy",
    "categorical_accuracy": "accuracy", "binary_accuracy": "accuracy", "f1_score": "f1_macro",
    "mean_absolute_error": "mae", "mae": "mae", "root_mean_squared_error": "rmse", "r2_score": "r2",
}  # fmt: skip
SIGNIFICANT = ".7g"
"""digits of a number that was float32 before it was written down"""


def compiled_training(compiling: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `training` that the compile arguments decide. Of arguments without problems."""
    name, given = _optimizer(compiling)
    decay = _number(given.get("weight_decay") or (0.004 if name == "adamw" and "weight_decay" not in given else 0.0))
    if name == "adam" and decay:
        name = "adamw"  # Keras takes decay off the weights themselves with any optimizer
    rate = given.get("learning_rate", RATES.get(name, 0.001))
    fields: dict[str, Any] = {
        "optim": OPTIMIZERS[name],
        "learning_rate": _number(rate),
        "lr_scheduler_type": "constant",
        "weight_decay": decay,
        "max_grad_norm": _number(given.get("global_clipnorm") or 0.0),
        "ema_decay": _number(given.get("ema_momentum", 0.99)) if given.get("use_ema") else 0.0,
        "label_smoothing_factor": _number(_config(compiling.get("loss")).get("label_smoothing") or 0.0),
        "optim_args": _arguments(name, given),
    }
    if name in ("adam", "adamw"):
        fields |= {"adam_beta1": _number(given.get("beta_1", 0.9)), "adam_beta2": _number(given.get("beta_2", 0.999))}
        fields["adam_epsilon"] = _number(given.get("epsilon", 1e-7))
    return fields


def compiled_metrics(compiling: Mapping[str, Any]) -> list[str]:
    """The job's names of its metrics, each once."""
    named = (METRICS.get(_name(metric), "") for metric in _metrics(compiling))
    return list(dict.fromkeys(name for name in named if name))


def compile_problems(compiling: Mapping[str, Any], task: str, squashing: str) -> list[Problem]:
    """What of compile arguments has no match here. `squashing`: how the model's last layer makes probabilities."""
    return [*_of_optimizer(compiling), *_of_loss(compiling, task, squashing), *_of_metrics(compiling, task)]


def _of_optimizer(compiling: Mapping[str, Any]) -> list[Problem]:
    name, given = _optimizer(compiling)
    if name not in OPTIMIZERS:
        sentence = gettext_noop("Optimizer %(name)s is not one of ours. Compile with one of: %(known)s.")
        return [_problem(sentence, name=name, known=", ".join(OPTIMIZERS))]
    if isinstance(given.get("learning_rate"), dict):
        sentence = gettext_noop(
            "The learning rate is a schedule. Compile with a number, and choose training.lr_scheduler_type."
        )
        return [_problem(sentence)]
    if given.get("clipnorm") or given.get("clipvalue"):
        sentence = gettext_noop("Gradients are clipped by their common length here: use global_clipnorm.")
        return [_problem(sentence)]
    numbers = [value for key, value in given.items() if key not in ("name", "centered", "nesterov", "amsgrad")]
    if any(value is not None and not isinstance(value, bool | int | float) for value in numbers):
        return [_problem(gettext_noop("An argument of the optimizer is no number."))]
    return []


def _of_loss(compiling: Mapping[str, Any], task: str, squashing: str) -> list[Problem]:
    loss, settings = _name(compiling.get("loss")), _config(compiling.get("loss"))
    if compiling.get("loss_weights"):
        return [_problem(gettext_noop("loss_weights are not run here: leave them out."))]
    target = TASKS[task].target
    fitting = [name for name, (_by, of) in LOSSES.items() if of == target]
    if loss not in fitting:
        sentence = gettext_noop("The loss '%(loss)s' does not fit %(task)s. Compile with one of: %(known)s.")
        return [_problem(sentence, loss=loss, task=task, known=", ".join(fitting))]
    by = LOSSES[loss][0]
    if by and settings.get("from_logits") and squashing:
        sentence = gettext_noop("The loss expects logits, and the last layer has a %(by)s. Leave one of the two out.")
        return [_problem(sentence, by=squashing)]
    if by and not settings.get("from_logits") and squashing != by:
        sentence = gettext_noop(
            "The loss expects probabilities: give the last layer activation='%(by)s', or the loss from_logits=True."
        )
        return [_problem(sentence, by=by)]
    return []


def _of_metrics(compiling: Mapping[str, Any], task: str) -> list[Problem]:
    measured = TASKS[task].metrics
    for metric in _metrics(compiling):
        name = _name(metric)
        if METRICS.get(name) not in measured:
            known = ", ".join(theirs for theirs, ours in METRICS.items() if ours in measured)
            sentence = gettext_noop("The metric '%(name)s' is not measured here. Leave it out, or take: %(known)s.")
            return [_problem(sentence, name=name, known=known)]
    return []


def _optimizer(compiling: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    given = compiling.get("optimizer", "rmsprop")
    name = given.get("class_name") if isinstance(given, dict) else given
    return str(name)[:60].lower().replace("_", ""), _config(given)


def _metrics(compiling: Mapping[str, Any]) -> list[Any]:
    both = [compiling.get("metrics"), compiling.get("weighted_metrics")]
    return [metric for part in both for metric in (part if isinstance(part, list) else []) if metric]


def _arguments(name: str, given: Mapping[str, Any]) -> str:
    """`optim_args`: what the optimizer takes beyond rate and decay, where torch's own default is another."""
    more: dict[str, Any] = {}
    if name == "sgd" and given.get("momentum"):
        more = {"momentum": _number(given["momentum"]), "nesterov": bool(given.get("nesterov"))}
    if name == "rmsprop":
        more = {"alpha": _number(given.get("rho", 0.9)), "eps": _number(given.get("epsilon", 1e-7))}
        more |= {"momentum": _number(given.get("momentum") or 0.0), "centered": bool(given.get("centered"))}
    if name == "adagrad":
        more = {"eps": _number(given.get("epsilon", 1e-7))}
        more["initial_accumulator_value"] = _number(given.get("initial_accumulator_value", 0.1))
    if name in ("adam", "adamw") and given.get("amsgrad"):
        more = {"amsgrad": True}
    return ", ".join(f"{key}={value}" for key, value in more.items())


def _name(part: Any) -> str:
    """Of a loss or a metric, given by its name or as an object: RootMeanSquaredError → root_mean_squared_error"""
    if isinstance(part, dict):
        part = part.get("class_name")
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", str(part)[:60])
    return words.lower()


def _config(part: Any) -> dict[str, Any]:
    found = part.get("config") if isinstance(part, dict) else None
    return found if isinstance(found, dict) else {}


def _number(value: Any) -> float:
    return float(format(float(value), SIGNIFICANT))


def _problem(sentence: str, **params: Any) -> Problem:
    return Problem("model.compile", sentence, params)
