"""`manage.py check_invariants`: exit 0 when every promise holds, else 1 and each violation on a line."""

import json
import sys
from pathlib import Path

from django.core.management.base import BaseCommand

from jobs import invariants


class Command(BaseCommand):
    help = "Checks I1 to I6 of docs/reliability.md from the database and the files on the server."

    def add_arguments(self, parser):
        parser.add_argument("--job", type=int, help="look at this job only")
        parser.add_argument("--disk", nargs="*", type=Path, default=[], help="homes of devices on this host, too")
        parser.add_argument("--settle", type=float, default=15, help="seconds that what ended has to disappear")
        parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")

    def handle(self, *args, **options):
        how = {"settle_s": options["settle"], "disks": options["disk"]}
        whole = options["job"] is None
        found = invariants.check_and_remember(**how) if whole else invariants.check(options["job"], **how)
        if options["json"]:
            violations = [violation.to_json() for violation in found]
            self.stdout.write(json.dumps({"ok": not found, "violations": violations}, default=str))
        else:
            for violation in found:
                self.stdout.write(str(violation))
            self.stdout.write(f"{len(found)} violations" if found else "Every promise holds.")
        if found:
            sys.exit(1)
