"""Whether there is a Fleetune here for a command to work on; asked before Django is loaded, for that would make one."""

import os
from pathlib import Path

NEED_A_DATABASE = {
    "changepassword", "check_invariants", "create_token", "createsuperuser", "dbshell", "join_token", "rebuild_heads",
    "shell", "signin_link",
}  # fmt: skip
"""Commands that people give. The others make a database, or come from `make up`."""
ROOT = Path(__file__).resolve().parent.parent
WHAT_TO_DO = "Run `make up` first, or set FLEETUNE_HOME to the home of the Fleetune you mean."


def why_there_is_none(command: str) -> str:
    """One sentence when `command` needs a Fleetune and none was ever started in this FLEETUNE_HOME, else nothing."""
    if command not in NEED_A_DATABASE:
        return ""
    home = Path(os.environ.get("FLEETUNE_HOME") or ROOT / "var").resolve()
    own = home if os.environ.get("DATABASE_URL") else home / "fleetune.sqlite3"
    return "" if own.exists() else f"There is no Fleetune in {home}. {WHAT_TO_DO}"
