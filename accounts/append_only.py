"""Tables whose rows are never changed: triggers that refuse UPDATE and DELETE, on SQLite and PostgreSQL."""

from django.db.migrations import RunPython

SQLITE = """
CREATE TRIGGER {table}_no_{name} BEFORE {verb} ON {table}
BEGIN SELECT RAISE(ABORT, '{table} is append only'); END
"""
POSTGRESQL = """
CREATE OR REPLACE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '{table} is append only'; END $$;
CREATE TRIGGER {table}_no_{name} BEFORE {verb} ON {table}
FOR EACH ROW EXECUTE FUNCTION {table}_append_only();
"""


def append_only(table: str) -> RunPython:
    """A migration operation that makes `table` append only."""

    def make(_apps, editor):
        template = SQLITE if editor.connection.vendor == "sqlite" else POSTGRESQL
        for verb in ("UPDATE", "DELETE"):
            editor.execute(template.format(table=table, name=verb.lower(), verb=verb))

    def drop(_apps, editor):
        place = "" if editor.connection.vendor == "sqlite" else f" ON {table}"
        for name in ("update", "delete"):
            editor.execute(f"DROP TRIGGER {table}_no_{name}{place}")

    return RunPython(make, drop)
