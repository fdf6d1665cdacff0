"""Waiting for something to become true, without sleeping for a guessed time."""

import os
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
PATIENCE = float(os.environ.get("FLEETUNE_TEST_PATIENCE", "1"))
"""how many times longer a wait may last where several runs share the processor"""


def wait_until(
    predicate: Callable[[], T], within: float, about: str = "", every: float = 0.05, *, promised: bool = False
) -> T:
    """Ask `predicate` each `every` seconds until it answers something true, and return that.

    Raises AssertionError with the last value seen after `within` seconds, or that times PATIENCE unless users were
    promised the bound.
    """
    within = within if promised else within * PATIENCE
    deadline = time.monotonic() + within
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s: {about or predicate}; last seen: {value!r}")
        time.sleep(every)
