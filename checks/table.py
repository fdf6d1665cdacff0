"""Device × check: what each check found, in words, and how to repair what is wrong. Pure: it reads answers only."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from checks import page
from checks import seen as states
from checks.seen import Seen
from config import formats
from contract.reasons import EndReason
from jobs.sentences import ends
from jobs.sentences.parts import devices as device_names

COLUMNS = {
    "here": gettext_lazy("Answers"),
    "versions": gettext_lazy("Versions"),
    "disk": gettext_lazy("Disk"),
    "data": gettext_lazy("Same data"),
    "model": gettext_lazy("Same graph"),
    "ports": gettext_lazy("Ports"),
    "clock": gettext_lazy("Clock"),
    "links": gettext_lazy("Links"),
    "exchange": gettext_lazy("All-reduce"),
    "step": gettext_lazy("One step"),
    "answers": gettext_lazy("Same answers"),
}
SPARE_BYTES = 1 << 30
CLOCK_S = 2.0
"""points of a chart carry the time of their device"""
WEIGHTS, ANSWERS = 1e-6, 1e-4
"""how far weights after one step, and answers, may differ between unlike processors"""


@dataclass(frozen=True)
class Cell:
    """`ok` None: not known, or not asked. `fix`: what to do about a False."""

    ok: bool | None
    text: str
    fix: str = ""


@dataclass(frozen=True)
class Row:
    device: str
    state: str
    stage: str
    cells: dict[str, Cell]

    @property
    def ok(self) -> bool | None:
        """False when a cell is, None while nothing is wrong and something is not known."""
        verdicts = [cell.ok for cell in self.cells.values()]
        return False if False in verdicts else (None if self.cells["here"].ok is None else True)

    def to_json(self) -> dict[str, Any]:
        return {"device": self.device, "state": self.state, "stage": self.stage, "ok": self.ok} | {
            "checks": {name: asdict(cell) for name, cell in self.cells.items()}
        }


def rows(devices: list[Seen]) -> list[Row]:
    """One row a device, in order."""
    fleet = Compared(devices)
    return [Row(one.slug, one.state, one.stage, {name: fleet.cell(name, one) for name in COLUMNS}) for one in devices]


class Compared:
    """The devices of one test, each held against the first that answered."""

    def __init__(self, devices: list[Seen]):
        self.devices = devices
        self.met = [one for one in devices if one.answer.get("checks")]
        self.names = {one.rank: one.slug for one in devices if one.state != states.AWAY}
        self.first = self.met[0] if self.met else None

    def cell(self, name: str, one: Seen) -> Cell:
        """What check `name` says of the device."""
        if name == "here":
            return _here(one)
        if name == "versions":
            return self._versions(one)
        checks = one.answer.get("checks", {})
        found = checks.get({"ports": "links", "clock": "links"}.get(name, name))
        if name == "ports" and not checks.get("meet", {"ok": True})["ok"]:
            found = checks["meet"]
        if found is None:
            return Cell(None, _("Needs two devices.") if len(self.met) == 1 and name in ALONE else "")
        if found["ok"] is None:
            return Cell(None, _("Not run: %(check)s.") % {"check": self._because(one, found["because"])})
        if "reason" in found:
            return Cell(False, self._failure(one, found), FIXES.get(name, FIXES["step"])())
        return CELLS[name](self, one, found)

    def name_of(self, rank: Any) -> str:
        return self.names.get(int(rank), str(rank))

    def _because(self, one: Seen, check: str) -> str:
        if check != "others":
            return _("“%(name)s” failed here") % {"name": COLUMNS.get(check, check)}
        others = one.answer["checks"]["others"]
        unable = others.get("unable", [others["peer"]] if "peer" in others else [])
        return _("not every device passed so far: %(devices)s") % {
            "devices": device_names(self.name_of(rank) for rank in unable) or "?"
        }

    def _failure(self, one: Seen, found: dict[str, Any]) -> str:
        if "peer" not in found:
            return ends.of_errand(found, one.slug)
        peer = self.name_of(found["peer"])
        return ends.of_errand(found | {"device": peer, "devices": [one.slug, peer]}, one.slug)

    def _versions(self, one: Seen) -> Cell:
        """Against the first device that is there: what has to be equal for them to train together."""
        first = next((other for other in self.devices if other.state != states.AWAY), one)
        different = [
            f"{label} {_short(one.environment, fact)} ≠ {_short(first.environment, fact)}"
            for fact, label in VERSIONS.items()
            if _short(one.environment, fact) != _short(first.environment, fact)
        ]
        if different:
            text = _("Not as on %(device)s: %(what)s.") % {"device": first.slug, "what": ", ".join(different)}
            return Cell(False, text, _("Run this host's join command again: it installs what the server wants."))
        told = f"torch {_short(one.environment, 'torch')}, Python {_short(one.environment, 'python')}"
        return Cell(True, told)

    def disk(self, _one: Seen, found: dict[str, Any]) -> Cell:
        needed = found["data_bytes"] + SPARE_BYTES
        known = {"free": formats.size(found["free_bytes"]), "needed": formats.size(needed)}
        if found["free_bytes"] < needed:
            return Cell(False, _("%(free)s are free and %(needed)s are needed.") % known, _("Make room on this disk."))
        return Cell(True, _("%(free)s free") % known)

    def alike(self, one: Seen, found: dict[str, Any]) -> Cell:
        """The hash of the same check on the first device."""
        name = next(name for name in ("data", "model") if one.answer["checks"].get(name) is found)
        theirs = next((o for o in self.met if o.answer["checks"].get(name, {}).get("hash")), one)
        other = theirs.answer["checks"][name]["hash"]
        if found["hash"] != other:
            known = {"device": theirs.slug, "hash": found["hash"][:8], "other": other[:8]}
            return Cell(False, _("Not as on %(device)s: %(hash)s ≠ %(other)s.") % known, FIXES[name]())
        return Cell(True, found["hash"][:8])

    def ports(self, _one: Seen, found: dict[str, Any]) -> Cell:
        broken = [(self.name_of(rank), link) for rank, link in found["to"].items() if "error" in link]
        if not broken:
            return Cell(True, _("reaches all"))
        told = [f"{name} ({link['address'].replace(' ', ':')}: {link['error']})" for name, link in broken]
        return Cell(False, _("Does not reach %(devices)s.") % {"devices": ", ".join(told)}, FIXES["ports"]())

    def clock(self, one: Seen, _found: dict[str, Any]) -> Cell:
        first = self.first
        link = first.answer["checks"].get("links", {}).get("to", {}).get(str(one.rank), {}) if first else {}
        if one.rank == 0 or "clock_offset_seconds" not in link:
            return Cell(
                True if one.rank == 0 else None, _("the others are held against this one") if not one.rank else ""
            )
        offset = link["clock_offset_seconds"]
        known = {"offset": f"{round(offset, 3) + 0.0:+.3f}", "device": first.slug if first else ""}
        text = _("%(offset)s s against %(device)s") % known
        return Cell(True, text) if abs(offset) <= CLOCK_S else Cell(False, text, FIXES["clock"]())

    def links(self, _one: Seen, found: dict[str, Any]) -> Cell:
        measured = {rank: link for rank, link in found["to"].items() if "error" not in link}
        if not measured:
            return Cell(False, _("No link to any device."), FIXES["ports"]())
        rank, slowest = min(measured.items(), key=lambda item: item[1]["bytes_per_second"])
        known = {
            "device": self.name_of(rank),
            "latency": page.latency(slowest["latency_seconds"]),
            "rate": page.bandwidth(slowest["bytes_per_second"]),
        }
        text = _("slowest to %(device)s: %(latency)s, %(rate)s") % known
        return Cell(len(measured) == len(found["to"]), text, "" if found["ok"] else FIXES["ports"]())

    def exchange(self, _one: Seen, found: dict[str, Any]) -> Cell:
        known = {name: formats.milliseconds(found[name]["seconds"]) for name in ("small", "large")}
        return Cell(True, _("4 kB in %(small)s, 4 MB in %(large)s") % known)

    def step(self, _one: Seen, found: dict[str, Any]) -> Cell:
        return _agrees(found["hash"][:8], found["max_difference"], WEIGHTS, FIXES["step"]())

    def answers(self, _one: Seen, found: dict[str, Any]) -> Cell:
        parity = found["parity"]
        if parity and not parity["passed"]:
            text = _("%(file)s does not answer like the trained model.") % {"file": found["artifact"]}
            return Cell(False, text, FIXES["answers"]())
        return _agrees(found["artifact"], found["max_difference"], ANSWERS, FIXES["answers"]())


def _agrees(text: str, difference: float, limit: float, fix: str) -> Cell:
    if difference > limit:
        known = {"difference": f"{difference:.1e}", "limit": f"{limit:.0e}"}
        return Cell(False, _("Differs from the first device by %(difference)s (limit %(limit)s).") % known, fix)
    return Cell(True, text if difference == 0 else f"{text} (± {difference:.1e})")


def _here(one: Seen) -> Cell:
    if one.state == states.AWAY:
        if one.away == "draining":
            return Cell(False, _("It takes no jobs."), _("Let it take jobs again on its page."))
        return Cell(False, _("It is offline."), _("Start its worker; its page says how."))
    if one.is_open:
        return Cell(None, _("Waits for its turn.") if one.state == states.WAITING else _("At work."))
    if one.state == states.ANSWERED:
        return Cell(True, _("answered"))
    if one.answer.get("missing"):
        text = _("Waited for %(device)s, which did not come.") % {"device": one.answer["missing"]}
        return Cell(False, text, _("Repair that one, or leave it out."))
    if one.answer.get("reason") == EndReason.DEVICE_LOST:
        return Cell(False, _("It stopped answering."), _("Start its worker; its page says how."))
    return Cell(None if one.state == states.CANCELLED else False, ends.of_errand(one.answer, one.slug), FIXES["here"]())


def _short(environment: dict[str, Any], fact: str) -> str:
    value = str(environment.get(fact, "?"))
    return ".".join(value.split(".")[:2]) if fact == "python" else value.partition("+")[0]


VERSIONS = {"platform": "system", "torch": "torch", "python": "Python", "agent": "Fleetune"}
ALONE = ("ports", "clock", "links", "exchange")
CELLS: dict[str, Callable[[Compared, Seen, dict[str, Any]], Cell]] = {
    "disk": Compared.disk,
    "data": Compared.alike,
    "model": Compared.alike,
    "ports": Compared.ports,
    "clock": Compared.clock,
    "links": Compared.links,
    "exchange": Compared.exchange,
    "step": Compared.step,
    "answers": Compared.answers,
}
FIXES: dict[str, Callable[[], str]] = {
    "here": lambda: _("See the log of its worker, then test again."),
    "disk": lambda: _("Make room on this disk."),
    "data": lambda: _("Prepare the data again: its page shows which device holds what."),
    "model": lambda: _("Give the devices the same versions: run the join command of this host again."),
    "ports": lambda: _(
        "Open all TCP ports between these hosts, or join with --fabric-address of the network they share."
    ),
    "clock": lambda: _("Set the clock by the network: timedatectl set-ntp true."),
    "links": lambda: _("Look for what broke off between these hosts, then test again."),
    "exchange": lambda: _("Look for what broke off between these hosts, then test again."),
    "step": lambda: _("Test again; when it stays, compare processors and versions of the two devices."),
    "answers": lambda: _("Measure this file on the device; when it stays, export it again."),
}
