"""The facts of a host's environment, as its agents report them: `{key: value}`, bytes where the key says so.

A fact that could not be found out is left out (pages say "not reported"); a TensorFlow that is not there is
NOT_INSTALLED.
`identity(facts)` is the hash by which agent and server compare what they hold.
"""

import hashlib
import json
from typing import Any

from contract.problems import gettext_noop

NOT_INSTALLED = "not installed"

FACTS = {
    "os": gettext_noop("Operating system"),
    "kernel": gettext_noop("Kernel"),
    "python": gettext_noop("Python"),
    "torch": gettext_noop("PyTorch"),
    "tensorflow": gettext_noop("TensorFlow"),
    "cuda": gettext_noop("CUDA or ROCm build"),
    "driver": gettext_noop("GPU driver"),
    "gpu": gettext_noop("GPU"),
    "gpu_memory_bytes": gettext_noop("GPU memory"),
    "cpu": gettext_noop("CPU"),
    "memory_bytes": gettext_noop("Memory"),
    "disk_bytes": gettext_noop("Disk"),
    "collective": gettext_noop("Collective backend"),
}
"""In the order in which pages show them. `gpu` is name and count, `cpu` model and cores: both are text."""

GPU_FACTS = {"cuda", "driver", "gpu", "gpu_memory_bytes"}
"""absent on a host without a GPU"""

MORE_FACTS = {"platform", "executable", "agent"}
"""not in the list: platform ("linux", "windows"), `executable` (the agent's Python), `agent` (its version)"""


def identity(facts: dict[str, Any]) -> str:
    """SHA-256 of the facts, in the same form on both sides."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, ensure_ascii=True).encode()).hexdigest()
