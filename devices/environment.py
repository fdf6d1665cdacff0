"""What hosts have installed: what changed on one, and what keeps devices of several from training together."""

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from django.conf import settings

from contract.environment import FACTS, GPU_FACTS, MORE_FACTS
from contract.problems import Problem, gettext_noop
from devices.models import Device

NAMES = {"torch": "PyTorch", "python": "Python"}


def differences(devices: Iterable[Device]) -> list[Problem]:
    """Why these devices cannot train together: torch, platform, Python 3.x. [] when they can.

    Each problem's `params` name both devices with their versions, and the command that repairs it.
    A fact that a host has not reported says nothing.
    """
    devices = list(devices)
    problems = []
    for fact in ("torch", "platform", "python"):
        first = next((device for device in devices if _value(device, fact)), None)
        other = next((device for device in devices if first and _differs(first, device, fact)), None)
        if first and other:
            problems.append(_problem(fact, first, other))
    return problems


def cleaned(facts: Any) -> dict[str, Any]:
    """The reported facts that we know, each as short text or a number; a device's word is input, not truth."""
    known = FACTS.keys() | MORE_FACTS
    given = facts.items() if isinstance(facts, dict) else ()
    return {
        key: value[:300] if isinstance(value, str) else value
        for key, value in given
        if key in known and isinstance(value, str | int | float) and not isinstance(value, bool)
    }


def changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, list[Any]]:
    """`{fact: [before, after]}` of every fact that differs; None stands for one that was not reported."""
    return {
        fact: [before.get(fact), after.get(fact)]
        for fact in sorted(before.keys() | after.keys())
        if before.get(fact) != after.get(fact)
    }


def shown(facts: dict[str, Any], has_gpu: bool) -> list[tuple[str, str, Any]]:
    """The facts of a page, in order: (key, label to translate, value or None). Without a GPU its facts are left out."""
    return [(key, label, facts.get(key)) for key, label in FACTS.items() if has_gpu or key not in GPU_FACTS]


@cache
def wanted_torch() -> str:
    """The torch version that this server installs on devices, or "" when the constraints name none."""
    text = (settings.BASE_DIR / "constraints.txt").read_text(encoding="utf-8")
    found = re.search(r"^torch==(\S+)", text, re.MULTILINE)
    return found[1] if found else ""


def _differs(first: Device, other: Device, fact: str) -> bool:
    theirs = _value(other, fact)
    return bool(theirs) and theirs != _value(first, fact)


def _value(device: Device, fact: str) -> str:
    value = str(device.host.environment.get(fact, ""))
    if fact == "python":
        return ".".join(value.split(".")[:2])
    return value.partition("+")[0] if fact == "torch" else value


def _problem(fact: str, first: Device, other: Device) -> Problem:
    if fact == "torch" and _value(first, fact) != wanted_torch() and _value(other, fact) == wanted_torch():
        first, other = other, first
    params = {
        "fact": NAMES.get(fact, fact),
        "device": first.slug,
        "version": _value(first, fact),
        "other": other.slug,
        "other_version": _value(other, fact),
        "host": other.host.name,
        "command": _repair(fact, first, other),
    }
    if fact == "platform":
        sentence = gettext_noop(
            "%(device)s runs %(version)s and %(other)s runs %(other_version)s. They cannot train together: "
            "pick devices of one system."
        )
    else:
        sentence = gettext_noop(
            "%(device)s has %(fact)s %(version)s and %(other)s has %(fact)s %(other_version)s. They cannot train "
            "together. To repair it, run on %(host)s: %(command)s"
        )
    return Problem("devices", sentence, params)


def _repair(fact: str, first: Device, other: Device) -> str:
    """What to run on the host of `other` so that it matches `first`."""
    if fact == "torch":
        python = other.host.environment.get("executable") or "python3"
        return f"{python} -m pip install torch=={_value(first, fact)}"
    return f"python{_value(first, fact)} join.py --again" if fact == "python" else ""
