"""What a report shows of its facts, in order, in words. Both the page and the PDF write these sections."""

from typing import Any

from django.utils.translation import gettext as _

from config import formats
from jobs import task_metrics
from jobs.report.blocks import Chart, Line, Section, Table

Facts = dict[str, Any]


def sections_of(facts: Facts) -> list[Section]:
    """Those about which there is something to say."""
    made = (
        _what_it_is(facts),
        _limits(facts),
        _choice(facts),
        _measured(facts),
        Section(_("Training"), [_chart(one) for one in facts["charts"]]),
        _made_from(facts["made_from"]),
        _obfuscated(facts["made_from"]),
        _private(facts["privacy"]),
        _hashes(facts),
        _environment(facts["devices"]),
        _attempts(facts["attempts"]),
        _not_checked(facts),
        Section(_("Settings"), [Table(_flat(facts["settings"]))]),
    )
    return [section for section in made if section.blocks]


def _what_it_is(facts: Facts) -> Section:
    job, fleetune = facts["job"], facts["fleetune"]
    rows = [
        (_("State"), job["sentence"] or job["state"]),
        (_("Task"), job["task"]),
        (_("Owner"), str(job["owner"])),
        (_("Began"), job["started_at"] or "—"),
        (_("Ended"), job["ended_at"] or "—"),
        (_("Ran"), formats.duration(job["seconds"])),
        (_("Written"), facts["made_at"]),
        (_("By Fleetune"), f"{fleetune['version']} {fleetune['commit']}".strip()),
    ]
    result, headline = facts.get("result"), facts.get("headline")
    if result:
        rows.insert(0, (_("Model"), f"{result['name']} v{result['version']} ({result['stage']})"))
    if headline and headline["value"] is not None:
        value = formats.metric(headline["value"], headline["metric"])
        rows.insert(1, (task_metrics.measured_on(headline["metric"], headline["split"]), value))
    last = [(key, formats.metric(_number(value), key)) for key, value in sorted(facts["summary"].items())]
    return Section(_("What this is"), [Table(rows), *([Table(last, (_("Last value of"), ""))] if last else [])])


def _limits(facts: Facts) -> Section:
    words = {"met": _("pass"), "missed": _("FAIL"), "open": _("not yet"), "unknown": _("not measured")}
    rows = [(row["text"], words[row["verdict"]], row["shown"] or "—") for row in facts["requirements"]]
    return Section(_("Limits"), [Table(rows, (_("Limit"), _("Verdict"), _("Measured")))] if rows else [])


def _choice(facts: Facts) -> Section:
    choice = facts.get("choice")
    if not choice or not choice["candidates"]:
        return Section(_("Which file to take"))
    lines = [
        Line(f"{one['file']} · {one['device']}", [(one["latency_ms"], one["quality"])], dots=True)
        for one in choice["candidates"]
    ]
    chart = Chart(_("Quality against latency"), _("ms a sample"), lines)
    return Section(_("Which file to take"), [choice["sentence"], chart])


def _measured(facts: Facts) -> Section:
    """One row for each file on each device; those that failed with their reason."""
    rows = [_measurement(row) for row in [*facts["evaluations"], *facts.get("elsewhere", [])]]
    head = (_("File on device"), _("Quality"), _("ms p50 / p90 / p99"), _("Samples/s"), _("Memory"), _("As trained"))
    return Section(_("Measured on devices"), [Table(rows, head)] if rows else [])


def _measurement(row: Facts) -> tuple[str, ...]:
    what = f"{row['artifact']} {row['checkpoint']}" if row.get("checkpoint") else row["artifact"]
    data = row.get("dataset") or {"own": True}
    split = row["split"] if data["own"] else f"{data['slug']} v{data['version']} {row['split']}"
    name = f"{what} · {row['device']} · {split}"
    if row.get("state", "done") != "done":
        return (name, row.get("reason") or _("not measured yet"), "—", "—", "—", "—")
    metrics = ", ".join(f"{key} {formats.metric(value, key)}" for key, value in row["metrics"].items())
    samples = f" (n = {row['samples']})" if row.get("samples") else ""
    latency, parity = row.get("latency_ms") or {}, row.get("parity")
    times = " / ".join(formats.significant(latency[name], 3) for name in ("p50", "p90", "p99") if name in latency)
    best = max((row.get("throughput") or {}).values(), default=None)
    return (
        name,
        f"{metrics}{samples}",
        f"{times} (n = {latency['n']})" if times else "—",
        formats.whole(round(best)) if best else "—",
        formats.size(row.get("peak_memory_bytes")),
        _parity(parity) if parity else _("not compared"),
    )


def _parity(parity: Facts) -> str:
    known = {"difference": f"{parity['max_difference']:.1e}", "same": formats.percent(parity["agreement"])}
    if parity["passed"]:
        return _("pass: ± %(difference)s, %(same)s equal") % known
    return _("FAIL: ± %(difference)s, %(same)s equal") % known


def _chart(chart: Facts) -> Chart:
    lines = [
        Line(_("rank %(rank)s") % line, list(zip(line["steps"], line["values"], strict=True)))
        for line in chart["lines"]
    ]
    return Chart(chart["key"], _("step"), lines)


def _made_from(made: Facts) -> Section:
    rows = [
        (_("Data"), f"{made['dataset']} v{made['version']}"),
        (_("Hash of the data"), made["data_hash"]),
        (_("Samples"), ", ".join(f"{name} {formats.whole(count)}" for name, count in made["splits"].items())),
        (_("Recipe"), " → ".join(step["step"] for step in made["recipe"]) or "—"),
        (_("Hash of the prepared data"), made["prepared_hash"]),
        (_("Model"), _("result of job #%(source_job)s") % made if made["source_job"] else made["model"]["source"]),
        (_("Seed"), str(made["seed"])),
    ]
    return Section(_("Made from"), [Table(rows)])


def _obfuscated(made: Facts) -> Section:
    said = [_("The data is marked as sensitive.")] if made["sensitive"] else []
    steps = [_step_in_words(step) for step in made["obfuscation_words"]]
    if steps:
        head = (_("Step before training"), _("Protects"), _("Does not protect"), _("Counted"))
        cautions = [f"{step['step']}: {step['caution']}" for step in made["obfuscation_words"] if step["caution"]]
        return Section(_("Obfuscation"), [*said, Table(steps, head), *cautions])
    return Section(_("Obfuscation"), [*said, _("The data was not obfuscated before training.")])


def _private(spent: Facts) -> Section:
    if not spent:
        return Section(_("Differential privacy"))
    allowed = {"epsilon": f"{spent['epsilon']:.4g}", "budget": f"{spent['budget']:g}"}
    rows = [
        (_("Epsilon"), _("%(epsilon)s (at most %(budget)s was allowed)") % allowed),
        (_("Delta"), f"{spent['delta']:.3g}"),
        (_("Noise multiplier"), f"{spent['noise_multiplier']:.4g}"),
        (_("Clip norm of each sample's gradient"), f"{spent['clip_norm']:g}"),
        (_("Samples (n)"), formats.whole(spent["samples"])),
        (
            _("Sampling"),
            _("Poisson, each sample with probability %(rate)s") % {"rate": f"{spent['sampling_rate']:.4g}"},
        ),
        (_("Steps"), formats.whole(spent["steps"])),
        (_("Protected"), spent["unit"]),
        (_("Accountant"), spent["accountant"]),
        (_("Random source"), spent["random_source"]),
    ]
    return Section(_("Differential privacy"), [Table(rows)])


def _step_in_words(step: Facts) -> tuple[str, ...]:
    return step["text"], step["protects"], step["does_not_protect"], step["counted"] or "—"


def _hashes(facts: Facts) -> Section:
    stages = facts["proved_hashes"].items()
    proved = [(f"{stage}: {name}", value) for stage, hashes in stages for name, value in hashes.items()]
    files = [
        (row["name"], formats.size(row["bytes"]), row["sha256"] or row["error"], _certificate(row))
        for row in facts["files"]
    ]
    head = (_("File"), _("Size"), "SHA-256", _("Against the trained model"))
    blocks: list[str | Table | Chart] = [Table(proved, (_("Equal on every device"), ""))] if proved else []
    return Section(_("Hashes"), [*blocks, *([Table(files, head)] if files else [])])


def _certificate(row: Facts) -> str:
    verdict = row.get("certificate", {}).get("verdict", "unchecked")
    return {"passed": _("passed"), "failed": _("FAILED")}.get(verdict, _("not checked"))


def _environment(devices: list[Facts]) -> Section:
    blocks: list[str | Table | Chart] = [
        Table(
            [(name, str(value)) for name, value in sorted(one["environment"].items())],
            (f"{one['device']} ({one['host']})", _("rank %(rank)s") % one),
        )
        for one in devices
    ]
    return Section(_("Environment"), blocks)


def _attempts(attempts: list[Facts]) -> Section:
    head = (_("Attempt"), _("State"), _("Devices"), _("Began"), _("Ended"), _("Why it ended"))
    names = ("number", "state", "world_size", "started_at", "ended_at", "end_reason")
    rows = [tuple(str(one[name] or "—") for name in names) for one in attempts]
    return Section(_("Attempts"), [Table(rows, head)] if rows else [])


def _not_checked(facts: Facts) -> Section:
    codes = facts.get("security", {}).get("not_checked")
    if codes is None:
        return Section(_("Not checked"), [_("This job left no result, so that nothing of it was checked.")])
    unmeasured = [row["text"] for row in facts["requirements"] if row["verdict"] == "unknown"]
    unchecked = [row["name"] for row in facts["files"] if row.get("certificate", {}).get("verdict") == "unchecked"]
    rows = [(code.replace("_", " "), _("nobody looked")) for code in codes]
    rows += [(text, _("limit that was not measured")) for text in unmeasured]
    rows += [(name, _("file that no device ran")) for name in unchecked]
    return Section(_("Not checked"), [Table(rows)])


def _flat(value: Any, path: str = "") -> list[tuple[str, ...]]:
    if isinstance(value, dict) and value:
        return [row for key, inner in value.items() for row in _flat(inner, f"{path}.{key}".strip("."))]
    return [(path, str(value))]


def _number(stored: float | str) -> float | None:
    """A value that is not finite is stored as a word."""
    return None if isinstance(stored, str) else stored
