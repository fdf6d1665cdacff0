"""Each test of the catalog has a home of its own, and no broker: what would be sent is not."""

import pytest

from config.celery import app
from tests.accounts.factories import bearer, make_token, make_user


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


@pytest.fixture
def maria():
    return make_user()


@pytest.fixture
def api(client, maria):
    client.defaults["HTTP_AUTHORIZATION"] = bearer(make_token(maria))["Authorization"]
    return client
