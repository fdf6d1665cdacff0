import pytest

from tests.e2e.stack import Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    """One running Fleetune with the demo, shared by the tests that only use it."""
    running = Stack(tmp_path_factory.mktemp("fleetune"), demo=True)
    try:
        yield running.start()
    finally:
        running.stop()


@pytest.fixture
def own_stack(tmp_path):
    """A Fleetune for a test that breaks something."""
    running = Stack(tmp_path / "home", demo=False)
    try:
        yield running
    finally:
        running.stop()
