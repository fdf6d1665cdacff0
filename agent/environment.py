"""What a host has that decides whether its devices can train with others: systems, versions, drivers, hardware."""

import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from contract.environment import NOT_INSTALLED, identity

AGAIN_S = 60.0
"""How old the facts may be: a package may be installed while the agent runs."""


class Environment:
    """The facts of this host, looked up again once a minute; `hash` changes only when one of them does."""

    def __init__(self, home: Path | None = None):
        self.home = home or Path.cwd()
        self.looked_at = float("-inf")
        self._facts: dict[str, Any] = {}
        self._hash = ""

    @property
    def hash(self) -> str:
        self.facts()
        return self._hash

    def facts(self) -> dict[str, Any]:
        if time.monotonic() - self.looked_at > AGAIN_S:
            self._facts, self.looked_at = probe(self.home), time.monotonic()
            self._hash = identity(self._facts)
        return self._facts


def probe(home: Path) -> dict[str, str | int]:
    """The facts of `contract.environment` that can be found out here. Imports neither torch nor TensorFlow."""
    importlib.invalidate_caches()
    build = torch_build()
    gpus, driver = nvidia_devices()
    facts = {
        "platform": platform.system().lower(),
        "os": _os_name(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "executable": sys.executable,
        "torch": version_of("torch"),
        "tensorflow": version_of("tensorflow"),
        "cuda": build["cuda"],
        "driver": driver,
        "gpu": _counted([gpu["name"] for gpu in gpus]),
        "gpu_memory_bytes": sum(gpu["memory_bytes"] for gpu in gpus),
        "cpu": f"{cpu_model()}, {len(os.sched_getaffinity(0))} cores",
        "memory_bytes": memory_bytes(),
        "disk_bytes": shutil.disk_usage(home).total,
        "collective": build["collective"],
        "agent": agent_version(),
    }
    return {name: value for name, value in facts.items() if value}


def version_of(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return NOT_INSTALLED


def torch_build() -> dict[str, str]:
    """`cuda` and `collective` of the installed torch, read from its files: importing it takes seconds and memory."""
    found = importlib.util.find_spec("torch")
    nothing = {"cuda": "", "collective": ""}
    if not found or not found.origin:
        return nothing
    root = Path(found.origin).parent
    try:
        text = (root / "version.py").read_text(encoding="utf-8")
    except OSError:
        return nothing
    cuda, rocm = _named(text, "cuda"), _named(text, "hip")
    gloo = (root / "include/torch/csrc/distributed/c10d/ProcessGroupGloo.hpp").exists()
    collective = ", ".join([*(["gloo"] if gloo else []), *([f"nccl {_nccl(cuda)}".strip()] if cuda else [])])
    return {"cuda": f"CUDA {cuda}" if cuda else f"ROCm {rocm}" if rocm else "", "collective": collective}


def nvidia_devices() -> tuple[list[dict[str, Any]], str]:
    """GPUs (name, memory_bytes) and the driver's version; none without a driver."""
    try:
        import pynvml
    except ImportError:
        return [], ""
    try:
        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
        gpus = [
            {
                "name": _text(pynvml.nvmlDeviceGetName(handle)),
                "memory_bytes": int(pynvml.nvmlDeviceGetMemoryInfo(handle).total),
            }
            for handle in handles
        ]
        return gpus, _text(pynvml.nvmlSystemGetDriverVersion())
    except pynvml.NVMLError:
        return [], ""


def cpu_model() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor()
    found = re.search(r"^(?:model name|Model|Hardware)\s*:\s*(.+)$", text, re.MULTILINE)
    return found.group(1).strip() if found else platform.machine()


def memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def agent_version() -> str:
    """Of the sources that run here: the first letters of a hash over them."""
    root = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for folder in ("agent", "contract", "recipes", "training"):
        for path in sorted((root / folder).rglob("*.py")):
            digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def _named(text: str, name: str) -> str:
    found = re.search(rf"^{name}\b[^=]*=\s*['\"]([^'\"]+)['\"]", text, re.MULTILINE)
    return found.group(1) if found else ""


def _nccl(cuda: str) -> str:
    """Version of NCCL that a CUDA build brings as a package of its own; "" when it is built in."""
    version = version_of(f"nvidia-nccl-cu{cuda.split('.')[0]}")
    return "" if version == NOT_INSTALLED else version


def _counted(names: list[str]) -> str:
    """2 × NVIDIA A, 1 × NVIDIA B"""
    return ", ".join(f"{count} × {name}" for name, count in Counter(names).items())


def _os_name() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    except OSError:
        return f"{platform.system()} {platform.version()}"


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
