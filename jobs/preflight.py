"""Would this job run? Every check that needs no device at once, and one real batch on each device by an errand.

`start` begins it, `checks_of` says how far it is, `preflight` waits for the answers. Nothing of it creates a job.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import User
from catalog import services as catalog
from catalog.models import PreparedData, PreparedState
from config import formats
from contract.problems import Invalid
from devices.models import Device
from jobs import clock, errands, scheduling
from jobs.device_choice import GiveUp, Take, Wait, choose
from jobs.fleet import Fleet
from jobs.models import Errand, ErrandState, Job
from jobs.planning import knowledge
from jobs.sentences import ends, waits
from jobs.sentences.parts import devices as device_names
from jobs.sentences.parts import translated
from jobs.services.submitting import Checked, check
from jobs.states import JobState
from jobs.wishes import Wish

WITHIN_S = 45
LOOK_S = 0.1


@dataclass(frozen=True)
class Check:
    """One line of the answer. `ok` None: not known, or not yet."""

    name: str
    """spec, dataset, data, source, devices, batch or agreement"""
    ok: bool | None
    text: str
    device: str = ""
    path: str = ""
    """the part of the spec, for a problem of it"""
    facts: dict[str, Any] = field(default_factory=dict)
    """of a batch: step_seconds, peak_memory_bytes, parameters, data_hash, graph_hash"""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Started:
    """What is known at once, and the errands that will tell the rest."""

    checks: list[Check]
    errands: list[Errand]
    prepared: PreparedData | None = None

    def checks_now(self) -> list[Check]:
        """The checks, and what has become of the data meanwhile."""
        if self.prepared is None:
            return self.checks
        self.prepared.refresh_from_db()
        return [_data(self.prepared) if one.name == "data" else one for one in self.checks]


def preflight(
    owner: User, body: Any, within: float = WITHIN_S, *, between: Callable[[], Any] = lambda: None
) -> list[dict[str, Any]]:
    """All checks of a request, real batches included, waited for up to `within` seconds. Raises PermissionDenied.

    `between` is called after each look.
    """
    started = start(owner, body)
    numbers = [errand.pk for errand in started.errands]
    deadline = time.monotonic() + within
    while _are_open(numbers) and time.monotonic() < deadline:
        now = clock.now()
        scheduling.claim_errands(Fleet.load(now), now)
        between()
        time.sleep(LOOK_S)
    errands.give_up(Errand.objects.filter(pk__in=numbers, state__in=errands.OPEN), clock.now())
    return [one.to_json() for one in [*started.checks_now(), *checks_of(numbers)]]


def start(owner: User, body: Any) -> Started:
    """Check the request and send one batch to each device that it would get and that is free now."""
    try:
        checked = check(owner, body)
    except Invalid as invalid:
        return Started(
            [Check("spec", False, translated(p.sentence, p.params), path=p.path) for p in invalid.problems], []
        )
    prepared = catalog.prepare(checked.version, checked.steps)
    fleet = Fleet.load(clock.now())
    chosen, device_checks = _devices(checked, fleet)
    checks = [_spec(checked), _dataset(checked), _data(prepared), *_source(checked), *device_checks]
    if any(one.ok is False for one in checks) or _source_is_missing(checked):
        return Started(checks, [], prepared)
    return Started(checks, _send(owner, checked, prepared, chosen), prepared)


def checks_of(numbers: Iterable[int]) -> list[Check]:
    """What the batches have shown so far, a line for each device; and once all are there, whether they agree."""
    sent = list(Errand.objects.filter(pk__in=list(numbers)).select_related("device").order_by("id"))
    checks = [_batch(errand) for errand in sent]
    if len(sent) > 1 and all(one.ok for one in checks):
        checks.append(_agreement(sent))
    return checks


def _send(owner: User, checked: Checked, prepared: PreparedData, chosen: list[Device]) -> list[Errand]:
    spec = checked.spec.to_json() | {"recipe": checked.steps}
    source = checked.source.pk if checked.source else None
    base_model = checked.base_model.pk if checked.base_model else None
    payload = {"spec": spec, "prepared": prepared.pk, "source": source, "base_model": base_model}
    payload["likeness"] = knowledge.likeness(spec, checked.steps, checked.version.pk)[0]
    return errands.create("preflight", owner, chosen, payload, clock.now())


def _are_open(numbers: list[int]) -> bool:
    return Errand.objects.filter(pk__in=numbers, state__in=errands.OPEN).exists()


def _spec(checked: Checked) -> Check:
    return Check("spec", True, _("The request is complete."), facts={"name": checked.spec.name})


def _dataset(checked: Checked) -> Check:
    count = checked.version.splits.get("train", {}).get("count", 0)
    known = {"name": checked.version.dataset.name, "count": formats.whole(count)}
    text = _("%(name)s has %(count)s samples to train on.") % known
    return Check("dataset", count > 0, text)


def _data(prepared: PreparedData) -> Check:
    if prepared.state == PreparedState.READY:
        return Check("data", True, _("The data is prepared."), facts={"data_hash": prepared.hash})
    if prepared.state == PreparedState.FAILED:
        return Check("data", False, translated(prepared.error, prepared.error_params))
    return Check("data", None, _("The data is being prepared. The batches below wait for it."))


def _source(checked: Checked) -> list[Check]:
    if checked.source is None:
        return []
    if _source_is_missing(checked):
        text = _("Job #%(job)s, from whose result it starts, has not ended. This job will wait for it.")
        return [Check("source", None, text % {"job": checked.source.pk})]
    return [Check("source", True, _("It starts from the result of job #%(job)s.") % {"job": checked.source.pk})]


def _source_is_missing(checked: Checked) -> bool:
    return checked.source is not None and checked.source.state != JobState.SUCCEEDED


def _devices(checked: Checked, fleet: Fleet) -> tuple[list[Device], list[Check]]:
    """The devices on which a batch can be tried now, and what is to say about the choice."""
    spec = checked.spec
    choice = choose(fleet, Wish.of(asdict(spec.devices), asdict(spec.schedule)), set())
    if isinstance(choice, Take):
        text = _("Free now: %(devices)s.") % {"devices": device_names(device.slug for device in choice.devices)}
        return choice.devices, [Check("devices", True, text)]
    job = Job(spec=spec.to_json())
    if isinstance(choice, GiveUp):
        return [], [Check("devices", False, ends.text(choice.reason, choice.params, job))]
    return fleet.free(choice.hold), [_wait(choice, job)]


def _wait(choice: Wait, job: Job) -> Check:
    """A job may be submitted and wait; that no two devices can train together only a person can change."""
    text = waits.line(choice.reason, choice.params, job).text
    return Check("devices", False if "versions" in choice.params else None, text)


def _batch(errand: Errand) -> Check:
    slug, answer = errand.device.slug, errand.answer
    if errand.state in errands.OPEN:
        return Check("batch", None, _("One real batch is being tried on %(device)s.") % {"device": slug}, slug)
    if errand.state == ErrandState.DONE and answer.get("ok"):
        known = {
            "device": slug,
            "milliseconds": f"{1000 * answer['step_seconds']:.0f}",
            "memory": formats.size(answer["peak_memory_bytes"]),
        }
        text = _("One batch on %(device)s took %(milliseconds)s ms and %(memory)s of memory.") % known
        return Check("batch", True, text, slug, facts=answer)
    return Check("batch", False, ends.of_errand(answer, slug), slug, facts=answer)


def _agreement(sent: list[Errand]) -> Check:
    """The same data and the same model everywhere, by hash."""
    for fact, text in (
        ("data_hash", _("The devices would train on different data. Prepare it again.")),
        ("graph_hash", _("The devices would build different models. Compare their versions.")),
    ):
        if len({errand.answer.get(fact) for errand in sent}) > 1:
            return Check("agreement", False, text)
    return Check("agreement", True, _("All devices hold the same data and build the same model."))
