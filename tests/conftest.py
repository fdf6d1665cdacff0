"""What every test has: a throw-away home that goes when the run ends, and no process left behind."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest


def pytest_unconfigure(config):
    home = Path(os.environ.get("FLEETUNE_HOME", ""))
    ours = home.name.startswith("fleetune-test-") and home.parent == Path(tempfile.gettempdir())
    if ours and not hasattr(config, "workerinput"):
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(autouse=True, scope="session")
def append_only_tables_can_be_emptied_between_tests():
    """Tests that commit are followed by a flush, which triggers refuse on SQLite: it lifts them for its own moment."""
    from django.db.backends.sqlite3.base import DatabaseOperations

    flush = DatabaseOperations.sql_flush

    def without_triggers(self, *arguments, **options):
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            triggers = cursor.fetchall()
        drop = [f"DROP TRIGGER {name}" for name, _sql in triggers]
        return [*drop, *flush(self, *arguments, **options), *(sql for _name, sql in triggers)]

    DatabaseOperations.sql_flush = without_triggers
    yield
    DatabaseOperations.sql_flush = flush
