import pytest

from tests.agent.fake_server import FakeServer
from tests.agent.stage import Stage


@pytest.fixture
def server():
    with FakeServer() as server:
        yield server


@pytest.fixture
def stage(tmp_path, server):
    """A device whose agent is not started yet; whatever a test leaves of it is ended."""
    stage = Stage(tmp_path / "device", server)
    yield stage
    stage.end()
