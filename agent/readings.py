"""How busy a device is: its cores, its memory, its GPU."""

import logging
import os
from contextlib import suppress
from pathlib import Path

from agent.device_home import Device

log = logging.getLogger(__name__)


class Readings:
    """`take` answers values by their key in the metric store; CPU load is of the time since the take before."""

    def __init__(self, device: Device, home: Path):
        self.device, self.home = device, home
        self.before = _core_times()
        self.gpu = _gpu(device.index) if device.kind == "cuda" else None

    def take(self) -> dict[str, float]:
        now, before = _core_times(), self.before
        self.before = now
        values = {"system/cpu_percent": _busy_percent(before, now, self.device.cores), **_memory()}
        values["system/disk_free_bytes"] = _free_space(self.home)
        return values | (_gpu_values(self.gpu) if self.gpu else {})


def _core_times() -> dict[int, tuple[int, int]]:
    """Busy and total ticks of each core."""
    times = {}
    for line in Path("/proc/stat").read_text(encoding="ascii").splitlines():
        name, *fields = line.split()
        if name.startswith("cpu") and name != "cpu":
            ticks = [int(field) for field in fields[:8]]
            times[int(name[3:])] = (sum(ticks) - ticks[3] - ticks[4], sum(ticks))
    return times


def _busy_percent(before, now, cores: list[int]) -> float:
    cores = [core for core in (cores or now) if core in now and core in before]
    busy = sum(now[core][0] - before[core][0] for core in cores)
    total = sum(now[core][1] - before[core][1] for core in cores)
    return round(100 * busy / total, 1) if total > 0 else 0.0


def _memory() -> dict[str, float]:
    """Of the whole host: shares of a CPU have no memory of their own."""
    fields = {}
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        name, _, rest = line.partition(":")
        fields[name] = int(rest.split()[0]) * 1024
    used = fields["MemTotal"] - fields["MemAvailable"]
    return {"system/memory_bytes": float(used), "system/memory_percent": round(100 * used / fields["MemTotal"], 1)}


def _free_space(home: Path) -> float:
    """Where this device keeps its data and checkpoints."""
    space = os.statvfs(home)
    return float(space.f_bavail * space.f_frsize)


def _gpu(index: int):
    """NVML's handle of a GPU, None when that cannot be had."""
    try:
        import pynvml

        pynvml.nvmlInit()
        return pynvml.nvmlDeviceGetHandleByIndex(index)
    except ImportError:
        log.warning("nvidia-ml-py is not installed: no readings of the GPU")
    except pynvml.NVMLError as error:
        log.warning("the driver gives no readings of GPU %s: %s", index, error)
    return None


def _gpu_values(handle) -> dict[str, float]:
    import pynvml

    values: dict[str, float] = {}
    with suppress(pynvml.NVMLError):
        values["system/gpu_percent"] = float(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu)
        values["system/gpu_memory_bytes"] = float(pynvml.nvmlDeviceGetMemoryInfo(handle).used)
        celsius = pynvml.nvmlDeviceGetTemperature(handle, pynvml.NVML_TEMPERATURE_GPU)
        values["system/gpu_temperature_celsius"] = float(celsius)
        values["system/gpu_power_watts"] = pynvml.nvmlDeviceGetPowerUsage(handle) / 1000
    return values
