"""`fleetune check`: ask a Fleetune server whether its limits are kept, for a CI of one's own.

Python alone is enough: this file may be copied anywhere. It speaks REST with an address and a token
(`FLEETUNE_URL`, `FLEETUNE_TOKEN`, or --url and --token).

    fleetune check --job 12                            the limits that the job states
    fleetune check --result digits --limit "p99 <= 20 ms" --limit "file <= 10 MB"
    fleetune check --fleet                             whether the devices fit together
    fleetune check --speed                             whether more devices help

Exit status: 0 everything passed, 1 something failed, 2 something was not measured, or an error.
"""

import argparse
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

Table = list[tuple[str, ...]]
PASSED, FAILED, NOT_MEASURED = 0, 1, 2
LOOK_S = 1.0
ANSWER_S = 60
ENDED = ("succeeded", "failed", "cancelled")
OF_VERDICT = {"met": PASSED, "missed": FAILED}
OF_TEST = {"passed": PASSED, "failed": FAILED, "unclear": FAILED}
WORDS = {"met": "pass", "missed": "FAIL", "open": "not yet", "unknown": "not measured"}


class Trouble(Exception):
    """What keeps the question from being answered, in one sentence."""


class Server:
    """A Fleetune over REST."""

    def __init__(self, address: str, token: str):
        self.address, self.token = address.rstrip("/"), token

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """The JSON that `/api/v1/…` answers; POST with a body. Raises Trouble."""
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        request = urllib.request.Request(f"{self.address}/api/v1/{path}", data, headers)  # noqa: S310 - checked below
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Trouble(_detail(error)) from error
        except (OSError, ValueError) as error:
            raise Trouble(f"{self.address} does not answer as a Fleetune does: {error}") from error


def main(arguments: list[str] | None = None) -> int:
    """The exit status."""
    wanted = _parser().parse_args(arguments)
    try:
        if (wanted.job and wanted.result) or not (wanted.job or wanted.result or wanted.fleet or wanted.speed):
            raise Trouble("Name one thing to check: --job, --result, --fleet or --speed.")
        status, answer, lines = _checked(wanted)
    except Trouble as trouble:
        print(trouble, file=sys.stderr)
        return NOT_MEASURED
    print(json.dumps(answer | {"exit_status": status}, indent=1) if wanted.json else "\n".join(lines))
    return status


def _checked(wanted: argparse.Namespace) -> tuple[int, dict[str, Any], list[str]]:
    if not wanted.url.startswith(("http://", "https://")):
        raise Trouble("Give the server's address with --url or FLEETUNE_URL, such as http://10.0.0.1:8000.")
    if not wanted.token:
        raise Trouble("Give a token in FLEETUNE_TOKEN: make one on the page Settings, API tokens.")
    server = Server(wanted.url, wanted.token)
    if wanted.fleet or wanted.speed:
        return _fleet(server, wanted)
    return _limits(server, wanted)


def _limits(server: Server, wanted: argparse.Namespace) -> tuple[int, dict[str, Any], list[str]]:
    """Each limit of a job or a result, and of the command line."""
    path = _of_job(server, wanted) if wanted.job else _of_result(server, wanted)
    query = urllib.parse.urlencode([("limit", text) for text in wanted.limit])
    answer = server.ask(f"{path}requirements/?{query}")
    rows = answer["requirements"]
    if not rows:
        raise Trouble("No limit is stated. Add one with --limit, such as --limit 'eval/accuracy >= 0.97'.")
    table: Table = [("verdict", "limit", "measured")]
    table += [(WORDS[row["verdict"]], row["text"], row["shown"] or "-") for row in rows]
    return OF_VERDICT.get(answer["verdict"], NOT_MEASURED), answer, _columns(table)


def _of_job(server: Server, wanted: argparse.Namespace) -> str:
    """Waits for its end first, for as long as --wait allows."""
    _wait(lambda: server.ask(f"jobs/{wanted.job}/")["state"] in ENDED, wanted.wait)
    return f"jobs/{wanted.job}/"


def _of_result(server: Server, wanted: argparse.Namespace) -> str:
    slug = urllib.parse.quote(wanted.result, safe="")
    number = wanted.version or server.ask(f"results/{slug}/")["results"][0]["version"]
    return f"results/{slug}/versions/{number}/"


def _fleet(server: Server, wanted: argparse.Namespace) -> tuple[int, dict[str, Any], list[str]]:
    """Press the button, wait, and show what came out."""
    body: dict[str, Any] = {"kind": "speed" if wanted.speed else "fit"}
    body |= {"devices": wanted.device} if wanted.device else {}
    body |= {"job": wanted.job} if wanted.job else {}
    path = f"fleet-tests/{server.ask('fleet-tests/', body)['id']}/"
    if not _wait(lambda: server.ask(path)["state"] != "running", wanted.wait):
        server.ask(f"{path}cancel/", {})
        raise Trouble(f"The devices did not answer within {wanted.wait:.0f} s, so the test was stopped.")
    answer = server.ask(path)
    lines = _speed_lines(answer["speed"]) if wanted.speed else _fit_lines(answer["rows"])
    release = f"{answer['version']} {answer['commit']}".strip()
    return OF_TEST.get(answer["state"], NOT_MEASURED), answer, [*lines, f"{answer['state']} (release {release})"]


def _fit_lines(rows: list[dict[str, Any]]) -> list[str]:
    table: Table = [("verdict", "device", "check", "found")]
    for row in rows:
        for name, cell in row["checks"].items():
            word = {True: "pass", False: "FAIL"}.get(cell["ok"], "-")
            fix = f" → {cell['fix']}" if cell["fix"] else ""
            table.append((word, row["device"], name, f"{cell['text'] or '-'}{fix}"))
    return _columns(table)


def _speed_lines(speed: dict[str, Any]) -> list[str]:
    table: Table = [("devices", "samples/s", "windows")]
    rates = [*speed["alone"].items(), *([("all together", speed["together"])] if speed["together"] else [])]
    table += [(name, f"{rate['median']:.0f}", f"{rate['low']:.0f} to {rate['high']:.0f}") for name, rate in rates]
    table += [(one["device"], "-", one["reason"]) for one in speed["failed"]]
    return [*_columns(table), speed["sentence"]]


def _columns(table: Table) -> list[str]:
    """Rows with their cells below each other."""
    widths = [max(len(cell) for cell in column) for column in zip(*table, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]


def _wait(is_over: Any, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not is_over():
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_S)
    return True


def _detail(error: urllib.error.HTTPError) -> str:
    """The sentences of a problem document."""
    try:
        problem = json.load(error)
        told = [sentence for sentences in problem.get("errors", {}).values() for sentence in sentences]
        return " ".join(told) or problem.get("detail") or f"The server answers {error.code}."
    except (ValueError, AttributeError):
        return f"The server answers {error.code}."


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("fleetune", description="Ask a Fleetune server, for a CI of your own.")
    check = parser.add_subparsers(dest="verb", required=True).add_parser("check", help="are the limits kept?")
    check.add_argument("--url", default=os.environ.get("FLEETUNE_URL", "http://127.0.0.1:8000"))
    check.add_argument("--token", default=os.environ.get("FLEETUNE_TOKEN", ""), help="better in FLEETUNE_TOKEN")
    what = check.add_mutually_exclusive_group()
    what.add_argument("--result", help="slug of a model; its newest version, or --version")
    what.add_argument("--fleet", action="store_true", help="test whether the devices fit together")
    what.add_argument("--speed", action="store_true", help="test whether more devices help")
    check.add_argument("--job", type=int, help="whose limits are judged, or whose model the fleet is tested with")
    check.add_argument("--version", type=int)
    check.add_argument("--limit", action="append", default=[], help="one more limit, such as 'file <= 10 MB'")
    check.add_argument("--device", action="append", default=[], help="test this one; default: all")
    check.add_argument("--wait", type=float, default=600, help="seconds for a job or a test to end (default 600)")
    check.add_argument("--json", action="store_true", help="print the server's answer")
    return parser


if __name__ == "__main__":
    sys.exit(main())
