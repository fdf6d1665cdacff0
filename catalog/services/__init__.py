"""Every write to the catalog."""

from catalog.services.datasets import (
    InUse,
    add,
    add_builtin,
    add_upload,
    add_version,
    clean,
    remove,
    rename,
    set_sensitive,
    users_of_dataset,
)
from catalog.services.importing import BUSY, Busy
from catalog.services.preparing import prepare
from catalog.services.readiness import note_readiness, want_on
from catalog.services.repair import take_up_again
from catalog.services.reviewing import NOTHING_WAITS, REVIEWS, NothingWaits, commit
from catalog.services.reviewing import cancel as cancel_import
from catalog.services.sources import BUILTINS

__all__ = [
    "BUILTINS",
    "BUSY",
    "NOTHING_WAITS",
    "REVIEWS",
    "Busy",
    "InUse",
    "NothingWaits",
    "add",
    "add_builtin",
    "add_upload",
    "add_version",
    "cancel_import",
    "clean",
    "commit",
    "note_readiness",
    "prepare",
    "remove",
    "rename",
    "set_sensitive",
    "take_up_again",
    "users_of_dataset",
    "want_on",
]
