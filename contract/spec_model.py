"""The part `model` of a job spec: where the net and its weights come from, and whether it does the job's task."""

from typing import Any

from contract.problems import Problem, choice, gettext_noop, unknown
from contract.spec_keras import keras_problems
from contract.tasks import TASKS

MODEL_SOURCES = (
    "dense",
    "conv",
    "vit",
    "detector",
    "text",
    "lm",
    "keras",
    "transformers",
    "registered",
    "job",
)
MODEL_SOURCES_BUILT = ("dense", "conv", "vit", "detector", "text", "lm", "keras", "transformers", "registered", "job")
MODEL_FIELDS = {
    "dense": {"source", "hidden"},
    "conv": {"source", "channels", "hidden"},
    "vit": {"source", "width", "depth"},
    "detector": {"source", "channels"},
    "text": {"source", "width", "depth"},
    "lm": {"source", "width", "depth"},
    "keras": {"source", "definition", "compile"},
    "transformers": {"source", "path", "config"},
    "registered": {"source", "slug"},
    "job": {"source", "id", "step"},
}
LARGEST = {"width": 8192, "depth": 96}
LEAST_LAYERS = {"detector": {"channels": 2}}


def model_problems(model: dict[str, Any], task: str) -> list[Problem]:
    """Everything that is wrong with a spec's `model` for a job of this task."""
    source = model.get("source")
    if not isinstance(source, str):
        sentence = gettext_noop('Say where weights start, for example {"source": "conv"}.')
        return [Problem("model.source", sentence)]
    problems = choice("model.source", source, MODEL_SOURCES, MODEL_SOURCES_BUILT)
    if problems:
        return problems
    problems = [unknown(f"model.{key}", key, MODEL_FIELDS[source]) for key in model if key not in MODEL_FIELDS[source]]
    if source == "keras":
        return problems + keras_problems(model, task)
    problems += _of_task(source, task) + _sizes(model, LEAST_LAYERS.get(source, {}))
    return problems + _source_job(model) + _base_model(model)


def _of_task(source: str, task: str) -> list[Problem]:
    """A preset does certain tasks only; of other sources the files themselves say later what they do."""
    presets = {preset for facts in TASKS.values() for preset in facts.models}
    if task not in TASKS or source not in presets or source in TASKS[task].models:
        return []
    sentence = gettext_noop("'%(model)s' cannot do %(task)s. Choose one of: %(models)s.")
    return [Problem("model.source", sentence, {"model": source, "task": task, "models": ", ".join(TASKS[task].models)})]


def _sizes(model: dict[str, Any], least: dict[str, int]) -> list[Problem]:
    problems = []
    for key in ("hidden", "channels"):
        widths = model.get(key, [64] * 2)
        whole = isinstance(widths, list) and all(type(width) is int and 1 <= width <= 65_536 for width in widths)
        if not whole or not least.get(key, 1) <= len(widths) <= 64:
            sentence = gettext_noop("Expected a list of %(least)s to 64 layer widths, each from 1 to 65536.")
            problems.append(Problem(f"model.{key}", sentence, {"least": least.get(key, 1)}))
    for key, most in LARGEST.items():
        value = model.get(key, 1)
        if type(value) is not int or not 1 <= value <= most:
            sentence = gettext_noop("Expected a whole number from 1 to %(most)s.")
            problems.append(Problem(f"model.{key}", sentence, {"most": most}))
    return problems


def _source_job(model: dict[str, Any]) -> list[Problem]:
    problems = []
    if model["source"] == "job" and (type(model.get("id")) is not int or model["id"] < 1):
        problems.append(Problem("model.id", gettext_noop("Name the job to go on from, for example 12.")))
    if type(model.get("step", 0)) is not int or model.get("step", 0) < 0:
        problems.append(Problem("model.step", gettext_noop("Expected the step of a checkpoint, a whole number.")))
    return problems


def _base_model(model: dict[str, Any]) -> list[Problem]:
    """Whether it is there only the server knows; here, that it is named."""
    slug, path, config = model.get("slug"), model.get("path"), model.get("config")
    if model["source"] == "registered" and not (isinstance(slug, str) and slug):
        return [Problem("model.slug", gettext_noop("Name a registered model by the short name in its address."))]
    if model["source"] != "transformers":
        return []
    if config is not None and not (isinstance(config, dict) and isinstance(config.get("model_type"), str)):
        sentence = gettext_noop("Give a configuration of transformers, an object with its model_type.")
        return [Problem("model.config", sentence)]
    if config is None and not (isinstance(path, str) and path.startswith("/")):
        sentence = gettext_noop("Give the whole path of a directory that was registered as a model.")
        return [Problem("model.path", sentence)]
    return []
