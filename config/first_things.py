"""What `make up` does to the database and the static files before any process starts.

The last line it prints is how to sign in.
"""

import hashlib
import os
import sys
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

from config.way_in import way_in

UNUSED = ["django_htmx", "redoc", "rest_framework"]
"""Static files of libraries that no page of ours asks for: a second htmx, a second API page, DRF's own pages."""


def main() -> int:
    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    collect_static(settings)
    call_command("seed_demo")
    print(way_in())
    return 0


def collect_static(settings) -> None:
    """Collect static files when one of them changed since the last time."""
    from django.core.management import call_command

    mark, state = Path(settings.FLEETUNE_HOME) / "static.mark", _fingerprint(Path(settings.BASE_DIR) / "static")
    if mark.exists() and mark.read_text() == state:
        return
    call_command("collectstatic", verbosity=0, interactive=False, clear=True, ignore_patterns=UNUSED)
    mark.write_text(state)


def _fingerprint(folder: Path) -> str:
    lines = [f"{path}:{path.stat().st_size}:{path.stat().st_mtime_ns}" for path in sorted(folder.rglob("*"))]
    return hashlib.sha256("\n".join([django.get_version(), *lines]).encode()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
