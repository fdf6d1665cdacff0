"""Each test of the catalog has a home of its own, and no broker: what would be sent is not."""

import pytest

from config.celery import app


@pytest.fixture(autouse=True)
def home(tmp_path, settings):
    settings.FLEETUNE_HOME = tmp_path / "home"
    settings.FLEETUNE_HOME.mkdir()
    return settings.FLEETUNE_HOME


@pytest.fixture(autouse=True)
def sent(monkeypatch):
    """The messages to the server worker, as (task, row)."""
    messages: list[tuple[str, int]] = []

    def send_task(task, args, **options):
        messages.append((task.rpartition(".")[2], args[0]))

    monkeypatch.setattr(app, "send_task", send_task)
    return messages
