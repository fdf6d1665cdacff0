"""S70: the audit log is append only, and a cut or changed entry is found."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import DatabaseError, connection, transaction

from accounts import audit
from accounts.models import AuditEntry
from tests.accounts.factories import make_user

pytestmark = pytest.mark.usefixtures("each_database")
pytest_plugins = ["tests.postgres"]


@pytest.fixture
def chain(each_database):
    user = make_user()
    return [audit.record(user, f"verb {n}", user, via="page", after={"n": n, "share": n / 3}) for n in range(4)]


def tamper(sql: str, entry: AuditEntry) -> None:
    """What somebody with the database file in hand could do: triggers away, row changed."""
    with connection.cursor() as cursor:
        for name in ("update", "delete"):
            place = "" if connection.vendor == "sqlite" else " ON accounts_auditentry"
            cursor.execute(f"DROP TRIGGER accounts_auditentry_no_{name}{place}")
        cursor.execute(sql, [entry.pk])


@pytest.mark.parametrize(
    "sql", ["UPDATE accounts_auditentry SET verb = 'x'", "DELETE FROM accounts_auditentry WHERE id > 0"]
)
def test_the_database_refuses_to_change_it(chain, sql):
    with pytest.raises(DatabaseError, match="append only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    assert AuditEntry.objects.count() == 4


def test_the_orm_cannot_change_it_either(chain):
    with pytest.raises(DatabaseError, match="append only"), transaction.atomic():
        AuditEntry.objects.update(reason="never mind")
    with pytest.raises(DatabaseError, match="append only"), transaction.atomic():
        chain[0].delete()


def test_an_untouched_chain_holds(chain):
    assert audit.verify() is None


def test_a_changed_entry_is_named(chain):
    tamper("UPDATE accounts_auditentry SET verb = 'nothing' WHERE id = %s", chain[2])
    assert audit.verify() == chain[2]


def test_a_cut_out_entry_is_named_by_the_one_after_it(chain):
    tamper("DELETE FROM accounts_auditentry WHERE id = %s", chain[1])
    assert audit.verify() == chain[2]


def test_secrets_are_masked_and_the_rest_is_kept():
    user = make_user()
    after = {"api_token": "flt_x", "nested": {"password": "p"}, "names": ["a"], "rate": 0.5}
    entry = audit.record(user, "x", user, via="api", after=after)
    entry.refresh_from_db()
    assert entry.after == {"api_token": "•••", "nested": {"password": "•••"}, "names": ["a"], "rate": "0.5"}


def test_the_server_itself_may_be_the_actor():
    entry = audit.record(None, "swept", None, via="system")
    assert (entry.actor, entry.actor_name, entry.object_type) == (None, "", "")
    assert audit.verify() is None


def test_entries_written_at_once_form_one_chain():
    user = make_user()

    def write(number):
        try:
            audit.record(user, f"verb {number}", user, via="api")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40)))
    assert AuditEntry.objects.count() == 40
    assert audit.verify() is None
