"""What became of a question to a model, for pages and REST; kept until KEPT_S after the answer, then forgotten."""

from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from catalog.one_item import NotPrepared, words_of
from contract.reasons import WaitReason
from jobs import clock
from jobs.fleet import Fleet
from jobs.models import Errand, ErrandState, Job
from jobs.sentences import ends, waits

KIND = "predict"
SERVER = "server"
KEPT_S = 600


@dataclass(frozen=True)
class Told:
    """How far a prediction is, or what came of it."""

    state: str
    """waiting, running, done or failed"""
    job: int
    step: int | None
    """of the checkpoint that answered; None for the model that the job left"""
    device: str
    """slug, or `server`"""
    id: int | None = None
    """to ask again by while it is open; None for an answer of the server itself"""
    prediction: dict[str, Any] = field(default_factory=dict)
    """classes, boxes, value or text"""
    picture: str = ""
    """PNG in base64: the picture as the model saw it, in whose pixels boxes are given"""
    seconds: dict[str, float] = field(default_factory=dict)
    """recipe, queue, load, run"""
    runtime: str = ""
    sentence: str = ""
    """what it waits for, or why there is no answer"""

    @property
    def is_open(self) -> bool:
        return self.state in ("waiting", "running")

    def to_json(self) -> dict[str, Any]:
        url = f"/api/v1/predictions/{self.id}/" if self.id else ""
        return asdict(self) | {"url": url}


def of_errand(errand: Errand) -> Told:
    payload, answer = errand.payload, errand.answer
    known: dict[str, Any] = _known(payload) | {"device": errand.device.slug, "id": errand.pk}
    if errand.ended_at is None:
        state = "waiting" if errand.state == ErrandState.PENDING else "running"
        return Told(state, **known, sentence=_waits_for(errand) if state == "waiting" else "")
    if errand.state != ErrandState.DONE or not answer.get("ok"):
        return Told("failed", **known, sentence=ends.of_errand(answer, errand.device.slug))
    if "tokens" in answer["prediction"]:
        _put_into_words(errand)
    whole = (errand.ended_at - errand.created_at).total_seconds()
    return _done(known, payload, answer, whole - sum(answer["seconds"].values()))


def of_server(payload: dict[str, Any], answer: dict[str, Any], job: Job, whole: float) -> Told:
    """`answer`: as a device gives it. `whole`: seconds that it took, the start of a process included."""
    known = _known(payload) | {"device": SERVER}
    if not answer.get("ok"):
        return Told("failed", **known, sentence=ends.of_errand(answer, SERVER))
    if "tokens" in answer["prediction"]:
        answer["prediction"] = _in_words(job, answer["prediction"]["tokens"])
    return _done(known, payload, answer, whole - sum(answer["seconds"].values()))


def failed_here(payload: dict[str, Any], sentence: str) -> Told:
    return Told("failed", **_known(payload), device=SERVER, sentence=sentence)


def forget(now: datetime) -> int:
    """Delete questions, inputs and answers KEPT_S after their end; how many went."""
    old = Errand.objects.filter(kind=KIND, ended_at__lt=now - timedelta(seconds=KEPT_S))
    return old.delete()[0] if old.exists() else 0


def _known(payload: dict[str, Any]) -> dict[str, Any]:
    return {"job": payload["source"], "step": payload["step"]}


def _done(known: dict[str, Any], payload: dict[str, Any], answer: dict[str, Any], queue: float) -> Told:
    return Told(
        "done",
        **known,
        prediction=answer["prediction"],
        picture=payload["picture"],
        seconds={"recipe": payload["recipe_seconds"], "queue": round(max(queue, 0.0), 4), **answer["seconds"]},
        runtime=answer["runtime"],
    )


def _waits_for(errand: Errand) -> str:
    fleet = Fleet.load(clock.now())
    holder = fleet.holders.get(errand.device_id, {})
    params = {"device": errand.device.slug, **holder}
    if not holder:
        return _("Waiting for %(device)s to take it.") % params
    return waits.line(
        WaitReason.DEVICE_BUSY, params, Job(pk=errand.payload["source"], spec=errand.payload["spec"])
    ).text


def _put_into_words(errand: Errand) -> None:
    """Once: a device knows numbers only."""
    job = Job.objects.select_related("version__dataset__project").get(pk=errand.payload["source"])
    errand.answer["prediction"] = _in_words(job, errand.answer["prediction"]["tokens"])
    Errand.objects.filter(pk=errand.pk).update(answer=errand.answer)


def _in_words(job: Job, tokens: list[int]) -> dict[str, Any]:
    try:
        return {"text": words_of(job.version, job.spec["recipe"], tokens), "count": len(tokens)}
    except NotPrepared as why:
        return {"text": "", "count": len(tokens), "problem": str(why)}
