"""Why an attempt or a job ended, and the next step for each reason. Codes and classes: `contract/reasons.py`."""

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _

from contract.problems import gettext_noop
from contract.reasons import CODE_OR_DATA, EndReason
from jobs.models import Job
from jobs.sentences.parts import (
    Action,
    Line,
    clone,
    device,
    devices,
    link,
    logs,
    moment,
    post,
    see_device,
    see_job,
    step,
    translated,
)  # fmt: skip
from jobs.states import JobState

Params = dict[str, Any]


def line(reason: str, params: Params, job: Job) -> Line:
    """The sentence of an end reason with what to do next; a success has one too."""
    return Line(text(reason, params, job), "bad", _actions(reason, params, job))


def text(reason: str, params: Params, job: Job) -> str:
    """The sentence alone."""
    if not reason:
        return _("Done in %(steps)s steps.") % {"steps": step(job.step)} if job.state == JobState.SUCCEEDED else ""
    return SENTENCES[EndReason(reason)](params)


def of_errand(answer: Params, slug: str) -> str:
    """Why an errand on the device `slug` found out nothing, from its answer."""
    reason, params = EndReason(answer.get("reason", EndReason.UNKNOWN)), {"device": slug, **answer}
    if reason == EndReason.DEVICE_LOST:
        return _("Lost %(device)s: it stopped answering before this was done.") % {"device": device(params)}
    return SENTENCES[reason](params)


def _actions(reason: str, params: Params, job: Job) -> list[Action]:
    if job.state == JobState.SUCCEEDED:
        return [link(_("See the result"), f"/results/of-job/{job.pk}/"), *_limit(reason, job)]
    if job.state not in (JobState.FAILED, JobState.CANCELLED):
        return []
    if "source_job" in params:
        return [see_job(params["source_job"]), clone(job)]
    if "dataset" in params:
        return [link(_("See the dataset"), f"/datasets/{params['dataset']}/"), clone(job, _("Use other data"))]
    if reason in SPECIAL_ACTIONS:
        return SPECIAL_ACTIONS[EndReason(reason)](params, job)
    if reason in CODE_OR_DATA:
        return [logs(job), clone(job)]
    return [*_again(params, job), *([see_device(params["device"])] if params.get("device") else []), logs(job)]


def _again(params: Params, job: Job) -> list[Action]:
    if params.get("checkpoint"):
        return [post(_("Go on from step %(step)s") % {"step": step(params["checkpoint"])}, job, "retry")]
    return [post(_("Try again"), job, "retry")]


def _limit(reason: str, job: Job) -> list[Action]:
    return [clone(job, _("Clone with a higher limit"))] if reason == EndReason.LIMIT_REACHED else []


def _smaller(params: Params, job: Job) -> list[Action]:
    """One press where it is known which batch fits."""
    other = clone(job, _("Clone with a smaller batch"))
    if not params.get("fits"):
        return [other]
    return [post(_("Start it with a batch of %(fits)s") % {"fits": params["fits"]}, job, "clone-fitting"), clone(job)]


SPECIAL_ACTIONS: dict[EndReason, Callable[[Params, Job], list[Action]]] = {
    EndReason.OUT_OF_MEMORY: lambda params, job: [*_smaller(params, job), logs(job)],
    EndReason.NAN_LOSS: lambda params, job: [clone(job, _("Clone with a lower learning rate")), logs(job)],
    EndReason.VERSION_MISMATCH: lambda params, job: [clone(job, _("Pick matching devices")), *_again(params, job)],
    EndReason.RECIPE_MISMATCH: lambda params, job: [*_again(params, job), logs(job)],
    EndReason.IMPOSSIBLE: lambda params, job: [clone(job, _("Clone and change it")), logs(job)],
    EndReason.USER_CANCELLED: lambda params, job: [*_again(params, job), clone(job)],
    EndReason.UNKNOWN: lambda params, job: [*_again(params, job), logs(job, _("See the last log lines"))],
}


def _detail(sentence: str, params: Params) -> str:
    """The sentence, followed by what was seen, when there is anything."""
    seen = str(params.get("detail") or params.get("last_log_line") or "").strip()
    return f"{sentence} {seen.splitlines()[-1][:300]}" if seen else sentence


def _device_lost(params: Params) -> str:
    if params.get("removed"):
        return _("%(device)s was removed from this server. Choose other devices.") % {"device": device(params)}
    known = {"device": device(params), "step": step(params.get("checkpoint"))}
    if params.get("checkpoint"):
        return _("Lost %(device)s: it stopped answering. Last checkpoint: step %(step)s.") % known
    return _("Lost %(device)s: it stopped answering before the first checkpoint.") % known


def _killed(params: Params) -> str:
    known = {"device": device(params), "code": params.get("exit_code", "?")}
    return (
        _("The training process on %(device)s was killed without a message (exit %(code)s, often out of memory).")
        % known
    )


def _sync_timeout(params: Params) -> str:
    named = params.get("devices") or [device(params)]
    if params.get("what") == "unreachable":
        return _(
            "%(devices)s cannot reach each other over the network. Open TCP ports 1024 to 65535 between %(addresses)s, "
            "in both directions."
        ) % {"devices": devices(named), "addresses": devices(params["addresses"])}
    return _("Devices stopped hearing from each other: %(devices)s.") % {"devices": devices(named)}


def _stalled(params: Params) -> str:
    known = {"device": device(params), "step": step(params.get("step"))}
    return _("%(device)s made no progress at step %(step)s.") % known


def _start_timeout(params: Params) -> str:
    return _("%(device)s did not start in time.") % {"device": device(params)}


def _storage_unavailable(params: Params) -> str:
    return _detail(
        _("A file of the result did not reach the server (%(what)s).") % {"what": params.get("what", "?")}, params
    )


def _diverged(params: Params) -> str:
    known = {"device": device(params), "step": step(params.get("step"))}
    return _("The weights of %(device)s differ from the others' since step %(step)s.") % known


def _no_space(params: Params) -> str:
    return _detail(_("%(device)s ran out of disk space.") % {"device": device(params)}, params)


def _code_error(params: Params) -> str:
    return _detail(_("The trainer stopped with an error."), params)


def _bad_data(params: Params) -> str:
    if "source_job" in params:
        sentence = SOURCE_SENTENCES.get(str(params.get("source_state")), SOURCE_SENTENCES["failed"])
        return _(sentence) % {"job": params["source_job"]}
    if params.get("removed"):
        return _("Dataset %(dataset)s was removed before this job started.") % {"dataset": params.get("dataset", "?")}
    if params.get("sentence"):
        return translated(params["sentence"], params.get("params", {}))
    return _detail(_("The data cannot be used."), params)


SOURCE_SENTENCES = {
    "failed": gettext_noop("Job #%(job)s, whose result this job was to start from, failed. Repair that one first."),
    "cancelled": gettext_noop("Job #%(job)s, whose result this job was to start from, was stopped."),
    "removed": gettext_noop("Job #%(job)s, whose result this job was to start from, was removed."),
}


def _nan_loss(params: Params) -> str:
    if params.get("step"):
        return _("The loss became not a number at step %(step)s.") % {"step": step(params["step"])}
    return _("The loss became not a number.")


def _out_of_memory(params: Params) -> str:
    known = {"device": device(params), "step": step(params.get("step"))}
    what = (
        _("%(device)s ran out of memory at step %(step)s.")
        if params.get("step")
        else _("%(device)s ran out of memory.")
    )
    return f"{what % known} {_what_would_fit(params)}"


def _what_would_fit(params: Params) -> str:
    if params.get("fits"):
        return _("A batch of %(fits)s per device fits: it was tried.") % {"fits": params["fits"]}
    if params.get("fits") == 0:
        return _("Not even a batch of one fits. Use a smaller model, or a device with more memory.")
    if params.get("probe") and not params.get("probed"):
        return _("It is being tried which batch fits.")
    return _("Use a smaller batch or model.")


def _recipe_mismatch(params: Params) -> str:
    known = {"one": devices(params.get("devices", [])), "hashes": _hashes(params)}
    if known["hashes"]:
        return _("%(one)s prepared this data in different ways (%(hashes)s).") % known
    return _("Devices prepared this data in different ways.")


def _version_mismatch(params: Params) -> str:
    if params.get("sentence"):
        return translated(params["sentence"], params)
    if params.get("detail") and not params.get("what"):
        return _detail(_("%(device)s lacks what this needs.") % {"device": device(params)}, params)
    known = {"devices": devices(params.get("devices", [])), "what": params.get("what", _("model"))}
    sentence = _("%(devices)s built different models (%(what)s), so they cannot train together.") % known
    return f"{sentence} {hashes}" if (hashes := _hashes(params)) else sentence


def _impossible(params: Params) -> str:
    return _detail(_("These settings do not go together."), params)


def _hashes(params: Params) -> str:
    values = [str(value)[:8] for value in params.get("values", [])] or [
        str(params[key]) for key in ("hash", "other_hash") if params.get(key)
    ]
    return " ≠ ".join(values)


def _user_cancelled(params: Params) -> str:
    known = {"user": params.get("user") or "?", "at": moment(params.get("at"))}
    return _("Stopped by %(user)s, %(at)s.") % known if known["at"] else _("Stopped by %(user)s.") % known


def _drained(params: Params) -> str:
    return _("Left %(device)s at step %(step)s, because it takes no more jobs.") % _where(params)


def _preempted(params: Params) -> str:
    if params.get("for_job"):
        known = _where(params) | {"job": params["for_job"]}
        return _("Gave its devices to job #%(job)s, which is more urgent, at step %(step)s.") % known
    if params.get("for_errand"):
        return _("Gave its devices to a measurement that somebody asked for, at step %(step)s.") % _where(params)
    return _("Gave its devices to a more urgent job at step %(step)s.") % _where(params)


def _resized(params: Params) -> str:
    return _("Stopped at step %(step)s to go on with more devices: %(device)s is free again.") % _where(params)


def _paused(params: Params) -> str:
    return _("Paused by %(user)s at step %(step)s.") % (_where(params) | {"user": params.get("user") or "?"})


def _shutdown(params: Params) -> str:
    return _("Stopped with the server at step %(step)s, to go on at its next start.") % _where(params)


def _where(params: Params) -> Params:
    return {"device": device(params), "step": step(params.get("checkpoint"))}


def _limit_reached(params: Params) -> str:
    if params.get("step"):
        return _("Ended at its limit, at step %(step)s.") % {"step": step(params["step"])}
    return _("Ended at its limit.")


def _unknown(params: Params) -> str:
    return _detail(_("The job stopped and nobody knows why."), params)


SENTENCES: dict[EndReason, Callable[[Params], str]] = {
    EndReason.DEVICE_LOST: _device_lost,
    EndReason.KILLED: _killed,
    EndReason.SYNC_TIMEOUT: _sync_timeout,
    EndReason.STALLED: _stalled,
    EndReason.START_TIMEOUT: _start_timeout,
    EndReason.STORAGE_UNAVAILABLE: _storage_unavailable,
    EndReason.DIVERGED: _diverged,
    EndReason.NO_SPACE: _no_space,
    EndReason.CODE_ERROR: _code_error,
    EndReason.BAD_DATA: _bad_data,
    EndReason.NAN_LOSS: _nan_loss,
    EndReason.OUT_OF_MEMORY: _out_of_memory,
    EndReason.RECIPE_MISMATCH: _recipe_mismatch,
    EndReason.VERSION_MISMATCH: _version_mismatch,
    EndReason.IMPOSSIBLE: _impossible,
    EndReason.USER_CANCELLED: _user_cancelled,
    EndReason.DRAINED: _drained,
    EndReason.PREEMPTED: _preempted,
    EndReason.RESIZED: _resized,
    EndReason.PAUSED: _paused,
    EndReason.SHUTDOWN: _shutdown,
    EndReason.LIMIT_REACHED: _limit_reached,
    EndReason.UNKNOWN: _unknown,
}
