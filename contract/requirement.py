"""Limits that people state on what a job leaves: `eval/accuracy >= 0.97`, `p99 ≤ 20 ms on device B`, `file ≤ 10 MB`.

    KEY [of FILE] [@DEVICE] SIGN NUMBER [UNIT] [on [device] DEVICE]

KEY is the key of a metric (`eval/accuracy`, `train/loss`, …) or one of MEASURED. SIGN is <=, <, >=, > (or ≤, ≥).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from contract.problems import Problem, gettext_noop

SIGNS = {"≤": "<=", "≥": ">="}
MILLISECONDS = {"ms": 1.0, "s": 1000.0, "us": 0.001, "µs": 0.001}
SECONDS = {"s": 1.0, "ms": 0.001, "min": 60.0, "h": 3600.0}
BYTES = {"B": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30}
RATE = {"/s": 1.0, "samples/s": 1.0}
SHARE = {"": 1.0, "%": 0.01}
MEASURED: dict[str, dict[str, float]] = {
    "latency/p50": MILLISECONDS,
    "latency/p90": MILLISECONDS,
    "latency/p99": MILLISECONDS,
    "throughput": RATE,
    "cold_start": SECONDS,
    "memory": BYTES,
    "size": BYTES,
    "duration": SECONDS,
}
"""what is measured beside metrics, and its units, the one it is kept in first"""
WORDS = {
    "p50": "latency/p50",
    "p90": "latency/p90",
    "p99": "latency/p99",
    "latency": "latency/p50",
    "file": "size",
    "training": "duration",
    "cold start": "cold_start",
}
"""other words for the same"""
EVERYWHERE = ("size", "duration")
"""the same on every device, so that none can be named"""
PATTERN = re.compile(
    r"\s*(?P<key>[a-z][a-z0-9_ ]*?(?:/(?:fgsm|pgd)_accuracy@[0-9.]+|/[a-z0-9_.]+)?)"
    r"(?:\s+of\s+(?P<file>[\w.-]+))?"
    r"(?:@(?P<at>[\w.-]+))?"
    r"\s*(?P<sign><=|>=|≤|≥|<|>)\s*"
    r"(?P<number>-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*(?P<unit>%|[A-Za-zµ]*(?:/s)?)"
    r"(?:\s+on\s+(?:device\s+)?(?P<on>[\w.-]+))?\s*"
)
HOW = gettext_noop(
    "Write it like 'eval/accuracy >= 0.97', 'p99 <= 20 ms on DEVICE', 'file <= 10 MB' or 'training <= 15 min'."
)
NOBODY = gettext_noop("Nobody measures '%(key)s'. Use a metric such as eval/accuracy, or %(known)s.")
WRONG_UNIT = gettext_noop("'%(key)s' is not measured in '%(unit)s'. Use %(known)s.")
NO_DEVICE = gettext_noop("'%(key)s' is the same on every device. Leave the device out.")


@dataclass(frozen=True)
class Requirement:
    """One limit. `limit` is in the first unit of the key in MEASURED; a share for metrics."""

    text: str
    key: str
    sign: str
    limit: float
    file: str = ""
    """the file it is about; "" = see `jobs.judging`"""
    device: str = ""
    """"" = the worst of all"""

    @property
    def wants_more(self) -> bool:
        """Whether larger is better."""
        return self.sign.startswith(">")

    @property
    def unit(self) -> str:
        """Of `limit` and of the value that is held against it; "" for a metric."""
        return next(iter(MEASURED[self.key])) if self.key in MEASURED else ""


class NotARequirement(ValueError):
    """`sentence` says why, with `params`."""

    def __init__(self, sentence: str, **params: str):
        super().__init__(sentence % params)
        self.sentence, self.params = sentence, params


def parse(text: str) -> Requirement:
    """The limit in `text`. Raises NotARequirement."""
    found = PATTERN.fullmatch(text)
    if found is None or (found["at"] and found["on"]):
        raise NotARequirement(HOW)
    key = WORDS.get(found["key"], found["key"])
    if key not in MEASURED and "/" not in key:
        raise NotARequirement(NOBODY, key=key, known=", ".join([*MEASURED, *WORDS]))
    units = MEASURED.get(key, SHARE)
    unit = found["unit"] or next(iter(units))
    if unit not in units:
        known = ", ".join(name for name in units if name)
        raise NotARequirement(WRONG_UNIT, key=key, unit=unit, known=known)
    device = found["at"] or found["on"] or ""
    if device and key in EVERYWHERE:
        raise NotARequirement(NO_DEVICE, key=key)
    sign = SIGNS.get(found["sign"], found["sign"])
    limit = float(found["number"]) * units[unit]
    return Requirement(text.strip(), key, sign, limit, found["file"] or "", device)


def requirement_problems(texts: Iterable[str]) -> list[Problem]:
    """What is wrong with each, under the path `requirements.N`."""
    problems = []
    for number, text in enumerate(texts):
        try:
            parse(text)
        except NotARequirement as refusal:
            problems.append(Problem(f"requirements.{number}", refusal.sentence, refusal.params))
    return problems
