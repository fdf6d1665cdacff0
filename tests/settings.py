"""Settings of the test run: the product's own, in a home of its own that is thrown away."""

import os
import tempfile

os.environ.setdefault("FLEETUNE_HOME", tempfile.mkdtemp(prefix="fleetune-test-"))

from config.settings import *  # noqa: F403 - the home must be named first

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"  # noqa: F405
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    # A file, because threads of one test share it as processes do; without waiting for the disk, as it is thrown away.
    DATABASES["default"]["TEST"] = {"NAME": str(FLEETUNE_HOME / "test.sqlite3")}  # noqa: F405
    DATABASES["default"]["OPTIONS"]["init_command"] = (  # noqa: F405
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA foreign_keys=ON;"
    )
