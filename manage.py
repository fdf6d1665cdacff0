#!/usr/bin/env python
"""Django's command line for Fleetune."""

import os
import sys

from config import home


def main(arguments: list[str]) -> None:
    command = arguments[1] if len(arguments) > 1 else ""
    if reason := home.why_there_is_none(command):
        sys.exit(reason)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line
    from django.db import OperationalError, ProgrammingError

    try:
        execute_from_command_line(arguments)
    except (OperationalError, ProgrammingError) as error:
        if command not in home.NEED_A_DATABASE:
            raise
        sys.exit(f"The database does not answer or was never set up ({error}). {home.WHAT_TO_DO}")


if __name__ == "__main__":
    main(sys.argv)
