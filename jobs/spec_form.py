"""A job spec as the values of a form, and back: for every field of the form the two agree.

Form fields carry the path of what they set (`training.learning_rate`). What the form has no field for travels along in
the hidden field `rest`, so that a pasted spec loses nothing on its way through the form.
"""

import copy
import json
import math
from collections.abc import Mapping
from typing import Any

from django.http import QueryDict

from contract.problems import Invalid
from contract.spec import JobSpec
from contract.spec_keras import compiled, keras_problems
from contract.spec_keras_compile import compiled_training
from contract.spec_model import MODEL_FIELDS
from jobs.spec_fields import FIELDS, NEED_FIELDS

LISTS = {"widths": ",", "words": ","}
GIB = 2**30
SIZES = {"channels": "widths", "hidden": "widths", "width": "whole", "depth": "whole"}
"""fields of a preset, each with how it is read"""


def body_of(form: QueryDict) -> dict[str, Any]:
    """The job spec that the posted `form` describes. Values that are no number stay text, for the spec to refuse."""
    body = _rest(form)
    for path in ("task", "dataset"):
        body[path] = form.get(path, "").strip()
    before = body.get("model")
    body["model"] = _model(form, before)
    for path, item in FIELDS.items():
        if path.startswith("model.") or (path not in form and item.kind != "choices"):
            continue
        if item.kind == "choices":
            put(body, path, form.getlist(path))
        else:
            put(body, path, _read(item.kind, form.get(path, "").strip(), item.default))
    if body["model"]["source"] == "keras" and body["model"] != before:
        _leave_to_the_model(body)
    _choose_devices(form, body)
    _choose_privacy(body)
    if "recipe" in form:
        body["recipe"] = json_or_text(form.get("recipe", ""), [])
    return body


def values_of(body: Any) -> dict[str, Any]:
    """The form's values for the spec `body`: texts, and lists of texts where several may be chosen."""
    body = complete(body)
    values: dict[str, Any] = {path: shown(item.kind, _get(body, path)) for path, item in FIELDS.items()}
    model = body.get("model") if isinstance(body.get("model"), dict) else {}
    values["model.source"] = str(model.get("source", ""))
    for name in ("id", "slug", "path"):
        values[f"model.{name}"] = str(model.get(name, ""))
    definition = model.get("definition", "")
    values["model.definition"] = definition if isinstance(definition, str) else json.dumps(definition, indent=1)
    for path in ("task", "dataset"):
        values[path] = str(body.get(path) or "")
    ids = _get(body, "devices.ids")
    values["devices.ids"] = [str(slug) for slug in ids] if isinstance(ids, list) else []
    values["devices.by"] = "ids" if values["devices.ids"] else "count"
    values["recipe"] = json.dumps(body["recipe"], ensure_ascii=False) if body.get("recipe") else ""
    values["rest"] = json.dumps(body, ensure_ascii=False, sort_keys=True)
    return values


def complete(body: Any) -> dict[str, Any]:
    """`body` with every default filled in, as far as it can be read at all."""
    if not isinstance(body, dict):
        return {}
    try:
        return JobSpec.parse(body).to_json()
    except Invalid:
        empty = JobSpec(task="", dataset="", model={}).to_json()
        return _over(empty, body)


def _over(base: Any, body: Any) -> Any:
    if not isinstance(base, dict) or not isinstance(body, dict):
        return copy.deepcopy(body)
    return base | {name: _over(base.get(name), value) for name, value in body.items()}


def _leave_to_the_model(body: dict[str, Any]) -> None:
    """A Keras model that is new to the form brings what it was compiled with: what the fields said before gives way."""
    compiling = compiled(body["model"])
    if compiling is None or keras_problems(body["model"], body["task"]):
        return
    for name in compiled_training(compiling):
        body.get("training", {}).pop(name, None)
    body.get("evaluation", {}).pop("metrics", None)


def _choose_devices(form: QueryDict, body: dict[str, Any]) -> None:
    """By name, or by number and need: what belongs to the other way is hidden in the form, and left out."""
    by_name = form.get("devices.by") == "ids"
    put(body, "devices.ids", form.getlist("devices.ids") if by_name else [])
    for item in NEED_FIELDS if by_name else ():
        put(body, item.path, item.default)


def _choose_privacy(body: dict[str, Any]) -> None:
    """A budget that was left empty is none: nothing else of private training counts then."""
    wanted = _get(body, "security.dp")
    if not isinstance(wanted, dict):
        return
    given = {name: value for name, value in wanted.items() if value is not None}
    body["security"] = body["security"] | {"dp": given}
    if "epsilon" not in given:
        del body["security"]["dp"]


def _rest(form: QueryDict) -> dict[str, Any]:
    rest = json_or_text(form.get("rest", ""), {})
    return rest if isinstance(rest, dict) else {}


def _model(form: QueryDict, before: Any) -> dict[str, Any]:
    source = form.get("model.source", "")
    model = {"source": source}
    known = MODEL_FIELDS.get(source, set())
    if isinstance(before, dict) and before.get("source") == source:
        model |= {name: value for name, value in before.items() if name not in (*SIZES, "id")}
    for name, kind in SIZES.items():
        text = form.get(f"model.{name}", "").strip()
        if name in known and text:
            model[name] = _read(kind, text, None)
    if "definition" in known:
        model = {"source": source, "definition": json_or_text(form.get("model.definition", ""), "")}
        if isinstance(before, dict) and before.get("definition") == model["definition"] and "compile" in before:
            model["compile"] = before["compile"]
    for name in ("slug", "path"):
        if name in known and f"model.{name}" in form:
            model[name] = form.get(f"model.{name}", "").strip()
    if "id" in known:
        model["id"] = _read("whole", form.get("model.id", "").strip(), "")
        if isinstance(before, dict) and before.get("id") != model["id"]:
            model.pop("step", None)
    return model


def _read(kind: str, text: str, default: Any) -> Any:
    if kind in ("whole", "number", "gib") and text == "":
        return default
    if kind in ("whole", "number"):
        return _number(text)
    if kind == "gib":
        number = _number(text)
        return round(number * GIB) if isinstance(number, int | float) and math.isfinite(number) else number
    if kind == "switch":
        return {"true": True, "false": False}.get(text, text)
    if kind in LISTS:
        parts = [part.strip() for part in text.split(LISTS[kind]) if part.strip()]
        return [_number(part) for part in parts] if kind == "widths" else parts
    if kind == "lines":
        return [line.strip() for line in text.splitlines() if line.strip()]
    return text


def _number(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def shown(kind: str, value: Any) -> Any:
    if kind == "choices":
        return [str(item) for item in value] if isinstance(value, list) else []
    if isinstance(value, bool):
        return "true" if value else "false"
    if kind == "gib" and isinstance(value, int | float):
        return shown("number", value / GIB)
    if isinstance(value, list):
        return ("\n" if kind == "lines" else ", ").join(str(item) for item in value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return "" if value is None else str(value)


def _get(body: Mapping, path: str) -> Any:
    value: Any = body
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def put(body: dict[str, Any], path: str, value: Any) -> None:
    *parts, name = path.split(".")
    for part in parts:
        if not isinstance(body.get(part), dict):
            body[part] = {}
        body = body[part]
    body[name] = value


def json_or_text(text: str, empty: Any) -> Any:
    """JSON where it is that; else the text itself, which the spec refuses with a sentence."""
    if not text.strip():
        return empty
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
