"""Which Fleetune this is: the version of the project, and the commit where it runs from a git checkout."""

import shutil
import subprocess
import tomllib
from functools import cache
from typing import NamedTuple

from django.conf import settings

WITHIN_S = 5


class Release(NamedTuple):
    version: str
    commit: str
    """twelve letters of it, with + where files were changed since; "" outside a checkout"""


@cache
def running() -> Release:
    """The release of this process; asked once, because its code does not change under it."""
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    commit = _git("rev-parse", "--short=12", "HEAD")
    changed = "+" if commit and _git("status", "--porcelain", "--untracked-files=no") else ""
    return Release(project["version"], commit + changed)


def _git(*arguments: str) -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    command = [git, "-C", str(settings.BASE_DIR), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=WITHIN_S)
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
