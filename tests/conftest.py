"""What every test has: a throw-away home that goes when the run ends, and no process left behind."""

import os
import shutil
import tempfile
from pathlib import Path


def pytest_sessionfinish(session):
    home = Path(os.environ.get("FLEETUNE_HOME", ""))
    ours = home.name.startswith("fleetune-test-") and home.parent == Path(tempfile.gettempdir())
    if ours and not hasattr(session.config, "workerinput"):
        shutil.rmtree(home, ignore_errors=True)
