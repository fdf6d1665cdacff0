"""What a crawl has seen, on disk: a killed one goes on where it was, and a page shows how far it is meanwhile.

One SQLite file in the directory of the fetch. A page, its links and its items are noted in one transaction.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.web.addresses import NotFetched
from catalog.web.robots import Rules

FILE = "journal.sqlite3"
MOST_WAITING = 200_000
"""addresses that a crawl remembers for later; a calendar has more links than anybody wants"""
SCHEMA = """
CREATE TABLE IF NOT EXISTS target (
    id INTEGER PRIMARY KEY, url TEXT NOT NULL UNIQUE, origin TEXT NOT NULL, is_page INTEGER NOT NULL,
    depth INTEGER NOT NULL, label TEXT NOT NULL DEFAULT '', licence TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL DEFAULT 'waiting', why TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS waiting ON target (state, origin, id);
CREATE TABLE IF NOT EXISTS item (
    id INTEGER PRIMARY KEY, label TEXT NOT NULL, file TEXT NOT NULL DEFAULT '', text TEXT NOT NULL DEFAULT '',
    bytes INTEGER NOT NULL, url TEXT NOT NULL, licence TEXT NOT NULL, fetched_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS origin (name TEXT PRIMARY KEY, robots TEXT, closed TEXT, asked_at REAL NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


@dataclass(frozen=True)
class Target:
    url: str
    is_page: bool
    depth: int = 0
    label: str = ""
    licence: str = ""
    id: int = 0
    refused: NotFetched | None = None
    """it is noted, and not fetched for this reason"""


@dataclass(frozen=True)
class Kept:
    """An item: a file of the directory, or a text."""

    label: str
    bytes: int
    url: str
    licence: str
    fetched_at: str
    file: str = ""
    text: str = ""


class Journal:
    def __init__(self, directory: Path):
        directory.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(directory / FILE, timeout=30)
        self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + SCHEMA)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def step(self) -> Iterator["Journal"]:
        """All or nothing of what is noted inside."""
        with self._db:
            yield self

    def add(self, targets: Iterable[tuple[Target, str]]) -> None:
        """(target, its origin). Known addresses stay as they are; one that only lacked a label gets its chance."""
        room = MOST_WAITING - self._count("SELECT COUNT(*) FROM target WHERE state = 'waiting'")
        for target, origin in list(targets)[: max(room, 0)]:
            state = "refused" if target.refused else "waiting"
            self._db.execute(
                "INSERT INTO target (url, origin, is_page, depth, label, licence, state, why)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (url) DO UPDATE SET label = excluded.label,"
                " licence = excluded.licence, state = excluded.state, why = excluded.why"
                " WHERE target.state = 'refused' AND target.label = '' AND target.is_page = 0 AND excluded.label != ''",
                (
                    target.url,
                    origin,
                    target.is_page,
                    target.depth,
                    target.label,
                    target.licence,
                    state,
                    _why(target.refused),
                ),
            )

    def keep(self, item: Kept) -> None:
        self._db.execute(
            "INSERT INTO item (label, file, text, bytes, url, licence, fetched_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (item.label, item.file, item.text, item.bytes, item.url, item.licence, item.fetched_at),
        )

    def done(self, target: Target, found_at: str = "", empty: NotFetched | None = None) -> None:
        """Fetched. `found_at`: where a redirect led, so that it is not fetched again; `empty`: why nothing was kept."""
        self._db.execute("UPDATE target SET state = 'done', why = ? WHERE id = ?", (_why(empty), target.id))
        if found_at and found_at != target.url:
            self._db.execute("UPDATE target SET state = 'done' WHERE url = ? AND state = 'waiting'", (found_at,))

    def refuse(self, target: Target, refused: NotFetched) -> None:
        self._db.execute("UPDATE target SET state = 'refused', why = ? WHERE id = ?", (_why(refused), target.id))

    def first_waiting(self) -> dict[str, Target]:
        """The next target of each origin."""
        rows = self._db.execute(
            "SELECT origin, url, is_page, depth, label, licence, MIN(id) FROM target WHERE state = 'waiting'"
            " GROUP BY origin"
        )
        return {row[0]: Target(row[1], bool(row[2]), *row[3:]) for row in rows}

    def rules(self, origin: str) -> Rules | None:
        row = self._db.execute("SELECT robots, closed FROM origin WHERE name = ?", (origin,)).fetchone()
        return Rules(row[0], row[1]) if row and row[0] is not None else None

    def note_rules(self, origin: str, rules: Rules) -> None:
        with self._db:
            self._db.execute("INSERT OR IGNORE INTO origin (name) VALUES (?)", (origin,))
            self._db.execute(
                "UPDATE origin SET robots = ?, closed = ? WHERE name = ?", (rules.text, rules.closed, origin)
            )

    def asked_at(self, origin: str) -> float:
        """When a request to it began, in seconds since the epoch; 0: never."""
        row = self._db.execute("SELECT asked_at FROM origin WHERE name = ?", (origin,)).fetchone()
        return row[0] if row else 0.0

    def note_asked(self, origin: str, at: float) -> None:
        with self._db:
            self._db.execute("INSERT OR IGNORE INTO origin (name) VALUES (?)", (origin,))
            self._db.execute("UPDATE origin SET asked_at = ? WHERE name = ?", (at, origin))

    def note(self, name: str, value: str) -> None:
        with self._db:
            self._db.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, value))

    def fact(self, name: str) -> str:
        row = self._db.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return row[0] if row else ""

    def items(self) -> Iterator[Kept]:
        columns = "label, bytes, url, licence, fetched_at, file, text"
        for row in self._db.execute(f"SELECT {columns} FROM item ORDER BY id"):  # noqa: S608 - columns of our own
            yield Kept(*row)

    def counts(self) -> dict[str, int]:
        return {
            "pages": self._count("SELECT COUNT(*) FROM target WHERE is_page AND state = 'done'"),
            "items": self._count("SELECT COUNT(*) FROM item"),
            "bytes": self._count("SELECT COALESCE(SUM(bytes), 0) FROM item"),
            "refused": self._count("SELECT COUNT(*) FROM target WHERE why != ''"),
            "seen": self._count("SELECT COUNT(*) FROM target WHERE state != 'waiting'"),
            "waiting": self._count("SELECT COUNT(*) FROM target WHERE state = 'waiting'"),
        }

    def refusals(self, most: int) -> list[dict[str, Any]]:
        """Each reason with how many addresses it holds for and one of them, the most frequent first."""
        rows = self._db.execute(
            "SELECT why, COUNT(*), MIN(url) FROM target WHERE why != '' GROUP BY why ORDER BY 2 DESC LIMIT ?", (most,)
        )
        found = ((json.loads(why), count, url) for why, count, url in rows)
        return [{"sentence": why[0], "params": why[1], "count": count, "url": url} for why, count, url in found]

    def _count(self, query: str) -> int:
        return self._db.execute(query).fetchone()[0]


def _why(refused: NotFetched | None) -> str:
    return json.dumps([refused.sentence, refused.params], sort_keys=True) if refused else ""
