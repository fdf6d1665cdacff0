"""Devices as pages show them: the state in the words of people, what can be done, and a filtered list by host."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import filter_text
from devices import queries
from devices.models import DeviceState

FILTERS = ("state", "kind", "host", "label")
WORDS = {
    "joining": gettext_lazy("Joining"),
    "online": gettext_lazy("Online"),
    "busy": gettext_lazy("Busy"),
    "draining": gettext_lazy("Draining"),
    "drained": gettext_lazy("Drained"),
    "offline": gettext_lazy("Offline"),
}


@dataclass(frozen=True)
class HostGroup:
    name: str
    devices: list[dict[str, Any]]


def state_of(row: dict[str, Any]) -> str:
    """`online` with a job is busy, `draining` without one is drained; the rest is shown as it is."""
    if row["state"] == DeviceState.ONLINE and row["busy"]:
        return "busy"
    if row["state"] == DeviceState.DRAINING and not row["busy"]:
        return "drained"
    return row["state"]


def rows(actor: Any) -> list[dict[str, Any]]:
    """`queries.fleet` with what a page adds: shown state and its word, shares of CPU or GPU and memory in use."""
    return [shown(row) for row in queries.fleet(actor)]


def shown(row: dict[str, Any]) -> dict[str, Any]:
    state = state_of(row)
    reading = row["reading"] if state not in ("offline", "joining") else {}
    gpu = row["kind"] == "cuda"
    used = reading.get("system/gpu_memory_bytes" if gpu else "system/memory_bytes")
    load = reading.get("system/gpu_percent" if gpu else "system/cpu_percent")
    total = row["memory_bytes"]
    return row | {
        "shown_state": state,
        "word": str(WORDS.get(state, state)),
        "load": load,
        "load_share": None if load is None else min(load / 100, 1),
        "memory_used": used,
        "memory_share": min(used / total, 1) if used and total else None,
        "memory_free": total - used if used and total else None,
        "why": why(row),
    }


def why(row: dict[str, Any]) -> str:
    """Why a device takes no jobs, in one sentence; "" when it takes them."""
    if row["state"] == DeviceState.JOINING:
        return _("Not connected yet: run the join command on its host.")
    if row["state"] == DeviceState.OFFLINE:
        return _("Its agent does not answer. Look at the host, or start the agent there again.")
    if row["drain"] and row["drain"]["reason"]:
        return _('Takes no new jobs (%(by)s: "%(reason)s").') % row["drain"]
    if row["drain"]:
        return _("Takes no new jobs (%(by)s).") % row["drain"]
    return ""


def filtered(devices: list[dict[str, Any]], text: str) -> list[dict[str, Any]]:
    """The devices that every term of the filter bar fits."""
    query = filter_text.parse(text, FILTERS)
    return [row for row in devices if _fits(row, query)]


def by_host(devices: list[dict[str, Any]]) -> list[HostGroup]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in devices:
        groups.setdefault(row["host"], []).append(row)
    return [HostGroup(name, inside) for name, inside in groups.items()]


def counts(devices: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """How many are in each shown state, for chips: only states that occur."""
    numbers: dict[str, int] = {}
    for row in devices:
        numbers[row["shown_state"]] = numbers.get(row["shown_state"], 0) + 1
    return [{"state": state, "word": WORDS[state], "count": numbers[state]} for state in WORDS if state in numbers]


def _fits(row: dict[str, Any], query: filter_text.FilterText) -> bool:
    exact = {"state": row["shown_state"], "kind": row["kind"], "host": row["host"]}
    for name, value in exact.items():
        wanted = query.many(name)
        if wanted and value not in wanted:
            return False
    if not set(query.many("label")) <= set(row["labels"]):
        return False
    text = " ".join([row["name"], row["slug"], row["host"], row["label"], *row["labels"]]).casefold()
    return all(word.casefold() in text for word in query.words)
