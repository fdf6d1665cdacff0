"""Randomness that nobody can foretell: a key from the system's random source, stretched by SHAKE-256.

Whoever has the key gets every draw again, so that a training that goes on from a checkpoint repeats its noise instead
of adding a second one. That is why such checkpoints hold the key and are never handed out.
"""

import hashlib
import secrets

import numpy as np
import torch

KEY_BYTES = 32
BLOCK = 1 << 18
"""numbers that are drawn at once: 2 MiB of bytes"""
BITS = 53
"""of a double's fraction"""


class Secret:
    """Draws are pure functions of (key, what for, number)."""

    source = "system random source, SHAKE-256"

    def __init__(self, key: bytes):
        self.key = key

    @classmethod
    def new(cls) -> "Secret":
        return cls(secrets.token_bytes(KEY_BYTES))

    def uniform(self, purpose: str, number: int, count: int) -> torch.Tensor:
        """`count` values between 0 and 1, both excluded, float64."""
        blocks = [
            self._block(f"{purpose}/{number}/{start // BLOCK}", min(BLOCK, count - start))
            for start in range(0, count, BLOCK)
        ]
        return torch.from_numpy(np.concatenate(blocks)) if blocks else torch.empty(0, dtype=torch.float64)

    def normal(self, purpose: str, number: int, count: int) -> torch.Tensor:
        """`count` values of the standard normal distribution, float64."""
        return torch.special.ndtri(self.uniform(purpose, number, count))

    def _block(self, name: str, count: int) -> np.ndarray:
        digest = hashlib.shake_256(self.key + name.encode()).digest(8 * count)
        whole = np.frombuffer(digest, dtype="<u8") >> np.uint64(64 - BITS)
        return (whole.astype(np.float64) + 0.5) * 2.0**-BITS
