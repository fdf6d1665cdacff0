"""What a private training spends: all of it by the PRV accountant of Opacus (Gopi et al., 2021, arXiv 2106.02848).

Opacus takes seconds to import and is imported only where a job is private.
"""

import math
from typing import Any

ACCOUNTANT = "prv"
MILESTONES = 20
"""steps of a plan at which the epsilon is known and drawn"""
TOLERANCE = 0.01
"""of the budget may stay unspent when the noise is chosen: a closer search gains nothing that can be seen"""
SEARCHES = 12


def epsilon_after(steps: int, *, noise: float, rate: float, delta: float) -> float:
    """Epsilon of so many steps at sampling rate `rate` with noise of `noise` clip norms. An upper bound."""
    from opacus.accountants import PRVAccountant

    if steps == 0:
        return 0.0
    accountant = PRVAccountant()
    accountant.history = [(noise, rate, steps)]
    return float(accountant.get_epsilon(delta))


def noise_within(epsilon: float, *, steps: int, rate: float, delta: float) -> float:
    """The least noise (in clip norms) with which `steps` steps stay within `epsilon`.

    The looser bound of Rényi accounting gives the first that is enough; from there it is halved down. Raises ValueError
    where no noise is enough.
    """
    from opacus.accountants.utils import get_noise_multiplier

    goal: dict[str, Any] = {"target_epsilon": epsilon, "target_delta": delta, "sample_rate": rate, "steps": steps}
    enough = float(get_noise_multiplier(**goal, accountant="rdp", epsilon_tolerance=TOLERANCE * epsilon))
    while epsilon_after(steps, noise=enough, rate=rate, delta=delta) > epsilon:  # both are bounds, of unlike kinds
        enough *= 1.05
    too_little = enough / 2
    for _search in range(SEARCHES):
        noise = (enough + too_little) / 2
        spent = epsilon_after(steps, noise=noise, rate=rate, delta=delta)
        if spent > epsilon:
            too_little = noise
            continue
        enough = noise
        if spent > (1 - TOLERANCE) * epsilon:
            break
    return enough


def last_step_within(epsilon: float, *, steps: int, noise: float, rate: float, delta: float) -> int:
    """The last of `steps` steps after which no more than `epsilon` is spent; 0 when the first is too much."""
    low, high = 0, steps
    while low < high:
        middle = (low + high + 1) // 2
        if epsilon_after(middle, noise=noise, rate=rate, delta=delta) <= epsilon:
            low = middle
        else:
            high = middle - 1
    return low


def milestones(steps: int, *, noise: float, rate: float, delta: float) -> list[tuple[int, float]]:
    """(step, epsilon after it) at up to MILESTONES steps, the last one included.

    One discretisation serves all: made for the most steps it is finer than fewer need.
    """
    from opacus.accountants.analysis import prv

    if steps == 0:
        return []
    error, mistake = 0.01, delta / 1000  # the accountant's own defaults
    variable = prv.PoissonSubsampledGaussianPRV(rate, noise)
    reach = prv.compute_safe_domain_size([variable], [steps], eps_error=error, delta_error=mistake)
    domain = prv.Domain.create_aligned(-reach, reach, _mesh(steps, error, mistake))
    cut = prv.TruncatedPrivacyRandomVariable(variable, domain.t_min, domain.t_max)
    once = prv.discretize(cut, domain)
    count = min(MILESTONES, steps)
    at = sorted({round(steps * place / count) for place in range(1, count + 1)})
    spent = (prv.compose_heterogeneous([once], [step]).compute_epsilon(delta, mistake, error)[2] for step in at)
    return [(step, float(epsilon)) for step, epsilon in zip(at, spent, strict=True)]


def _mesh(steps: int, error: float, mistake: float) -> float:
    """Width of a cell, as theorem 5 of the accountant's paper bounds it."""
    return error / math.sqrt(steps * math.log(12 / mistake) / 2)
