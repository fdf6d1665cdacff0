"""The part `security` of a job spec: how much a training may tell about any single sample (DP-SGD)."""

from typing import Any

from contract.problems import Problem, gettext_noop, unknown

DP: dict[str, float] = {"epsilon": 0.0, "delta": 0.0, "max_grad_norm": 1.0, "noise_multiplier": 0.0}
"""fields of `security.dp` with their defaults. delta 0: chosen by the number of samples; noise_multiplier 0: as little
as keeps all steps within epsilon, else training ends when the budget is spent"""
LIMITS = {
    "epsilon": (0.01, 1000.0),
    "delta": (0.0, 0.1),
    "max_grad_norm": (1e-6, 1e6),
    "noise_multiplier": (0.0, 1000.0),
}
LARGEST_DELTA = 1e-5
MIXING_STEPS = {
    "mixup": gettext_noop("Private training: mixup blends samples, so that no gradient belongs to one. Take it out."),
    "pack": gettext_noop(
        "Private training: a packed row holds several samples, which cannot be told apart. Take it out."
    ),
}
PROVEN: tuple[tuple[str, Any, str], ...] = (
    (
        "parallel.strategy",
        "ddp",
        gettext_noop("Private training needs every sample's own gradient on one device. Choose ddp."),
    ),
    ("method.use_dora", False, gettext_noop("Private training is not proven with DoRA. Choose plain LoRA.")),
    (
        "training.torch_compile",
        False,
        gettext_noop("A compiled model gives no gradients of single samples. Switch compiling off."),
    ),
    ("training.bf16", False, gettext_noop("Private training is not proven in bf16. Switch it off.")),
    ("training.fp16", False, gettext_noop("Private training is not proven in fp16. Switch it off.")),
    (
        "training.gradient_checkpointing",
        False,
        gettext_noop("Private training is not proven with gradient checkpointing. Switch it off."),
    ),
)
"""the one value of a setting that private training is proven with, and what to say of any other"""


def default_delta(samples: int) -> float:
    """For so many training samples: well below one in all of them."""
    return min(LARGEST_DELTA, 1 / (10 * max(samples, 1)))


def with_defaults(security: dict[str, Any]) -> dict[str, Any]:
    """`security` (of a valid spec) with every field of its parts."""
    return {"dp": DP | security["dp"]} if security.get("dp") else {}


def security_problems(spec: Any) -> list[Problem]:
    """What `security` of a job spec asks for that cannot be, with the reason."""
    security = spec.security
    problems = [unknown(f"security.{name}", name, ("dp",)) for name in security if name != "dp"]
    wanted = security.get("dp")
    if wanted is None or wanted == {}:
        return problems
    if not isinstance(wanted, dict):
        return [*problems, Problem("security.dp", gettext_noop("Expected an object."))]
    return problems + _values(wanted) + _combinations(spec)


def data_problems(security: dict[str, Any], samples: int, steps: list[dict[str, Any]]) -> list[Problem]:
    """What goes wrong with this data. `samples`: of the train split (0: not known); `steps`: of the recipe."""
    if not security.get("dp"):
        return []
    problems = []
    delta = security["dp"]["delta"]
    if samples and delta > 1 / samples:
        sentence = gettext_noop("%(value)s is more than 1 in %(samples)s training samples. Use %(default)s or less.")
        default = f"{default_delta(samples):.3g}"
        params = {"value": delta, "samples": samples, "default": default}
        problems.append(Problem("security.dp.delta", sentence, params))
    names = {step.get("step") for step in steps}
    for name, sentence in MIXING_STEPS.items():
        if name in names:
            problems.append(Problem("recipe", sentence))
    return problems


def _values(wanted: dict[str, Any]) -> list[Problem]:
    problems = [unknown(f"security.dp.{name}", name, tuple(DP)) for name in wanted if name not in DP]
    if "epsilon" not in wanted:
        problems.append(Problem("security.dp.epsilon", gettext_noop("This is required.")))
    for name, (low, high) in LIMITS.items():
        value = wanted.get(name, low)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            sentence = gettext_noop("Expected a number from %(low)s to %(high)s.")
            problems.append(Problem(f"security.dp.{name}", sentence, {"low": low, "high": high}))
    return problems


def _combinations(spec: Any) -> list[Problem]:
    """What private training is not proven with."""
    settings = spec.to_json()
    problems = []
    for path, proven, sentence in PROVEN:
        part, name = path.split(".")
        if settings[part][name] != proven:
            problems.append(Problem(path, sentence))
    if spec.model.get("source") == "keras":
        sentence = gettext_noop("Private training is not proven with Keras layers. Choose another model.")
        problems.append(Problem("model.source", sentence))
    return problems
