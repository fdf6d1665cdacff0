import os
import shutil
import subprocess
import sys

import pytest

from tests.e2e.stack import ROOT, Stack


@pytest.fixture(scope="session")
def fresh_home(tmp_path_factory):
    """A home with database and static files as the first start leaves them, to be copied: made once."""
    home = tmp_path_factory.mktemp("fresh") / "home"
    ours = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO")}  # settings of no test
    environment = {**ours, "FLEETUNE_HOME": str(home), "FLEETUNE_DEMO": "0"}
    subprocess.run([sys.executable, "-m", "config.first_things"], cwd=ROOT, env=environment, check=True)
    return home


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    """One running Fleetune with the demo, shared by the tests that only use it."""
    with Stack(tmp_path_factory.mktemp("fleetune"), demo=True) as running:
        yield running.start()


@pytest.fixture(scope="session")
def quiet(tmp_path_factory, fresh_home):
    """One without the demo, so that its devices are free, for the tests of data that users bring."""
    with Stack(shutil.copytree(fresh_home, tmp_path_factory.mktemp("quiet") / "home"), demo=False) as running:
        yield running.start(within=240)


@pytest.fixture
def own_stack(tmp_path, fresh_home):
    """A Fleetune for a test that breaks something."""
    with Stack(shutil.copytree(fresh_home, tmp_path / "home"), demo=False) as running:
        yield running
