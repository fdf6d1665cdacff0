"""`manage.py fleetune_check …` is the console script `fleetune check …` (`fleetune/check.py`)."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from fleetune import check


class Command(BaseCommand):
    help = "Ask a Fleetune server whether its limits are kept; exit status 0 pass, 1 fail, 2 not measured or an error."

    def run_from_argv(self, argv: list[str]) -> None:
        """Its arguments are those of the script, `--help` and `--version` too."""
        sys.exit(check.main(["check", *argv[2:]]))

    def handle(self, *arguments: Any, **_options: Any) -> None:
        sys.exit(check.main(["check", *arguments]))
