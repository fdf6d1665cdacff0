"""Differentially private training (DP-SGD; Abadi et al., 2016, arXiv 1607.00133): `docs/safety.md`.

Samples come by Poisson sampling, each one's gradient is clipped, noise is added to their sum, and the accountant of
Opacus says what has been spent. What is secret is drawn from the system's random source, never from the job's seed.
"""

from training.privacy.guard import DOCUMENT, NoPrivacy, Privacy, guard_of

__all__ = ["DOCUMENT", "NoPrivacy", "Privacy", "guard_of"]
