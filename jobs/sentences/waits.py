"""Why a job does not train yet. `reason_params` come from the scheduler (`jobs/device_choice.py`, `jobs/ending.py`)."""

from collections.abc import Callable
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from config import formats
from contract.reasons import EndReason, WaitReason
from devices.models import DeviceKind
from jobs.models import Job
from jobs.sentences import ends
from jobs.sentences.parts import (
    Action,
    Line,
    at_of,
    clone,
    device,
    devices,
    link,
    moment,
    post,
    see_device,
    see_job,
    step,
    time_left,
    translated,
)  # fmt: skip

Params = dict[str, Any]


def line(reason: str, params: Params, job: Job) -> Line:
    """The sentence of a wait reason, with the buttons that could end the wait."""
    if not reason:
        return Line(_("Waiting for the scheduler to look at it, within a few seconds."), "neutral")
    return SENTENCES[WaitReason(reason)](params, job)


def _other_device(job: Job) -> Action:
    return clone(job, _("Use another device"))


def _device_busy(params: Params, job: Job) -> Line:
    name = device(params)
    if params.get("held_for"):
        text = _("Waiting for %(device)s. It is kept for job #%(job)s, which has waited longer.")
        text = text % {"device": name, "job": params["held_for"]}
        return Line(text, "warn", [see_job(params["held_for"]), _other_device(job)])
    if "job" not in params:
        text = _("Waiting for %(device)s. A short check is running there.") % {"device": name}
        return Line(text, "neutral", [see_device(name)])
    known = {"device": name, "job": params["job"]}
    if params.get("stopping"):
        text = _("Waiting for %(device)s. Job #%(job)s is just leaving it.") % known
        return Line(text, "neutral", [see_job(params["job"])])
    text = _("Waiting for %(device)s. Job #%(job)s is using it, %(left)s.") % (
        known | {"left": time_left(params["job"])}
    )
    if params.get("wanted", 1) > 1 and "free" in params:
        text += " " + _("%(free)s of %(wanted)s devices are free.") % params
    return Line(text, "warn", [see_job(params["job"]), _other_device(job)])


def _device_offline(params: Params, job: Job) -> Line:
    name, since = device(params), at_of(params.get("since"))
    if since is None:
        text = _("Waiting for %(device)s. It has never been online.") % {"device": name}
    else:
        lasted = formats.duration((timezone.now() - since).total_seconds())
        text = _("Waiting for %(device)s. It has been offline for %(duration)s.") % {"device": name, "duration": lasted}
    return Line(text, "warn", [see_device(name), _other_device(job)])


def _draining(params: Params, job: Job) -> Line:
    known = {"device": device(params), "user": params.get("user") or "?", "why": params.get("why", "")}
    if known["why"]:
        text = _('%(device)s takes no new jobs (%(user)s: "%(why)s").') % known
    else:
        text = _("%(device)s takes no new jobs (%(user)s asked for it).") % known
    return Line(text, "hold", [see_device(known["device"]), _other_device(job)])


def _no_device(params: Params, job: Job) -> Line:
    if params.get("sentence"):
        text = _("No %(wanted)s devices that can train together.") % {"wanted": params["wanted"]}
        return Line(
            f"{text} {translated(params['sentence'], params.get('versions', {}))}", "warn", [_other_device(job)]
        )
    if params.get("needs"):
        return _none_fits(params, job)
    if not params.get("registered"):
        text = _("No device is registered. Add one, and this job starts by itself.")
        return Line(text, "warn", [link(_("Add a device"), "/devices/add/")])
    text = _("%(wanted)s devices are wanted and only %(fitting)s can be had. Add devices, or use fewer.")
    return Line(text % params, "warn", [link(_("Add a device"), "/devices/add/"), clone(job, _("Use fewer devices"))])


def _none_fits(params: Params, job: Job) -> Line:
    """Labels, kind or memory were asked for, and too few of the registered devices have them."""
    needs = params["needs"]
    asked = [_("the label %(label)s") % {"label": label} for label in needs.get("labels", [])]
    asked += [str(DeviceKind(needs["kind"]).label)] if needs.get("kind") else []
    if needs.get("memory_bytes"):
        asked.append(_("%(size)s of memory") % {"size": formats.size(needs["memory_bytes"])})
    known = {**params, "asked": ", ".join(asked)}
    text = _("%(fitting)s of the %(registered)s registered devices fit (%(asked)s) and %(wanted)s are wanted.") % known
    text += " " + _("Add such a device, label one that will do, or ask for less.")
    return Line(text, "warn", [link(_("See the devices"), "/devices/"), clone(job, _("Ask for less"))])


def _preparing_data(params: Params, job: Job) -> Line:
    percent = params.get("percent", 0)
    if params.get("device"):
        text = _("Preparing data on %(device)s: %(percent)s%%.") % {"device": device(params), "percent": percent}
        return Line(text, "info")
    text = _("The data is being prepared: %(percent)s%%.") % {"percent": percent}
    return Line(text, "info", [link(_("See progress"), f"/datasets/{job.spec['dataset']}/")])


def _waiting_peers(params: Params, _job: Job) -> Line:
    missing = params.get("missing", [])
    if not missing:
        return Line(_("All devices are ready. They are about to meet."), "info")
    text = _("%(ready)s of %(wanted)s devices are ready. Waiting for %(missing)s.")
    return Line(text % {**params, "missing": devices(missing)}, "info")


def _source_job(params: Params, _job: Job) -> Line:
    known = {"job": params["job"], "left": time_left(params["job"])}
    text = _("Waiting for job #%(job)s, whose result it starts from: %(left)s.") % known
    return Line(text, "neutral", [see_job(params["job"])])


def _scheduled(params: Params, job: Job) -> Line:
    if params.get("after"):
        text = _("Starts when job #%(job)s has ended.") % {"job": params["after"]}
        return Line(text, "neutral", [see_job(params["after"])])
    text = _("Starts at %(at)s.") % {"at": moment(params.get("at"))}
    return Line(text, "neutral", [post(_("Start now"), job, "start-now")])


def _queue_paused(params: Params, _job: Job) -> Line:
    known = {"user": params.get("user") or "?", "at": moment(params.get("at"))}
    text = _("The queue is paused (%(user)s, %(at)s).") % known
    return Line(text, "hold", [link(_("See the queue"), "/queue/")])


def _paused(params: Params, job: Job) -> Line:
    known = {"user": params.get("user") or "?", "step": step(params.get("checkpoint"))}
    if params.get("checkpoint"):
        text = _("Paused by %(user)s at step %(step)s.") % known
    else:
        text = _("Paused by %(user)s before its first checkpoint.") % known
    return Line(text, "hold", [post(_("Resume"), job, "resume")])


def _no_space(params: Params, job: Job) -> Line:
    text = _("%(device)s ran out of disk space. Make room there; this job looks again each minute.")
    if params.get("need"):
        text = _("%(device)s ran out of disk space. This job goes on by itself when %(need)s are free there.")
    known = {"device": device(params), "need": formats.size(params.get("need", 0))}
    return Line(text % known, "warn", [see_device(device(params)), post(_("Try now"), job, "start-now")])


def _retry_delay(params: Params, job: Job) -> Line:
    why = ends.text(params["reason"], params, job) if params.get("reason") in set(EndReason) else ""
    known = {"seconds": params.get("seconds", 0), "step": step(params.get("checkpoint"))}
    if params.get("checkpoint"):
        if known["seconds"]:
            then = _("Starts again in %(seconds)s s from step %(step)s.")
        else:
            then = _("Goes on from step %(step)s as soon as its devices are free.")
    elif known["seconds"]:
        then = _("Starts again in %(seconds)s s from the beginning.")
    else:
        then = _("Starts from the beginning as soon as its devices are free.")
    actions = [post(_("Start now"), job, "start-now")] if known["seconds"] else []
    return Line(f"{why} {then % known}".strip(), "warn" if why else "neutral", actions)


SENTENCES: dict[WaitReason, Callable[[Params, Job], Line]] = {
    WaitReason.DEVICE_BUSY: _device_busy,
    WaitReason.DEVICE_OFFLINE: _device_offline,
    WaitReason.NO_DEVICE: _no_device,
    WaitReason.DRAINING: _draining,
    WaitReason.PREPARING_DATA: _preparing_data,
    WaitReason.WAITING_PEERS: _waiting_peers,
    WaitReason.SOURCE_JOB: _source_job,
    WaitReason.SCHEDULED: _scheduled,
    WaitReason.QUEUE_PAUSED: _queue_paused,
    WaitReason.PAUSED: _paused,
    WaitReason.NO_SPACE: _no_space,
    WaitReason.RETRY_DELAY: _retry_delay,
}
