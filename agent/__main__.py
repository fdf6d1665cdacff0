"""`python -m agent`: join, run, run-all, stop, environment."""

import argparse
import json
import logging
import sys
from gettext import gettext as _
from pathlib import Path

from contract import logs


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    logs.set_up("agent")
    for talkative in ("celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    try:
        return options.verb(options)
    except (FileNotFoundError, ValueError) as error:
        print(_("This cannot be done: %(why)s") % {"why": error}, file=sys.stderr)
        return 1


def _run(options) -> int:
    from agent.device_home import DeviceHome
    from agent.run import run

    home = DeviceHome(options.home.resolve())
    logs.set_up("agent", device=home.device().slug)
    return run(home, options.preload, options.rank)


def _run_all(options) -> int:
    from agent.run_all import run_all

    return run_all(options.home.resolve())


def _stop(options) -> int:
    from agent.run_all import stop_all

    return stop_all(options.home.resolve())


def _join(options) -> int:
    from agent.enrol import join

    return join(options)


def _environment(options) -> int:
    from agent.environment import probe

    print(json.dumps(probe(options.home), indent=2, ensure_ascii=False))
    return 0


def _parser() -> argparse.ArgumentParser:
    from agent.starter import PRELOAD, RANK

    parser = argparse.ArgumentParser(prog="python -m agent", description=_("What runs on a device of Fleetune."))
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    join = verbs.add_parser("join", help=_("make this host's devices known to a server"))
    join.add_argument("--server", required=True, help=_("its address, such as http://10.0.0.1:8000"))
    join.add_argument("--token", default="", help=_("the join token; not needed when the host has joined before"))
    join.add_argument("--home", required=True, type=Path, help=_("directory in which each device gets its own"))
    join.add_argument("--name", default="", help=_("name of this host; its network name when left out"))
    join.add_argument("--cpu-devices", type=int, default=0, help=_("into how many devices the CPU is divided"))
    join.add_argument("--fabric-address", default="", help=_("where other devices reach this host"))
    join.add_argument("--tls-fingerprint", default="", help=_("SHA-256 of the server's certificate"))
    join.set_defaults(verb=_join)

    run = verbs.add_parser("run", help=_("run the agent of one device"))
    run.add_argument("--home", required=True, type=Path, help=_("the device's directory"))
    run.add_argument("--preload", default=PRELOAD, help=argparse.SUPPRESS)
    run.add_argument("--rank", default=RANK, help=argparse.SUPPRESS)
    run.set_defaults(verb=_run)

    for name, verb, text in (
        ("run-all", _run_all, _("run the agents of all devices of this host, and restart those that die")),
        ("stop", _stop, _("stop everything that runs on the devices of this host")),
        ("environment", _environment, _("print what this host has installed")),
    ):
        other = verbs.add_parser(name, help=text)
        other.add_argument("--home", type=Path, required=name != "environment", default=Path())
        other.set_defaults(verb=verb)
    return parser


if __name__ == "__main__":
    sys.exit(main())
