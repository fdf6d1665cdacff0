"""Every write to the catalog."""

from catalog.services.datasets import (
    BUILTINS,
    InUse,
    add_builtin,
    add_upload,
    remove,
    rename,
    set_sensitive,
    users_of_dataset,
)
from catalog.services.preparing import prepare
from catalog.services.readiness import note_readiness, want_on
from catalog.services.repair import take_up_again

__all__ = [
    "BUILTINS",
    "InUse",
    "add_builtin",
    "add_upload",
    "note_readiness",
    "prepare",
    "remove",
    "rename",
    "set_sensitive",
    "take_up_again",
    "users_of_dataset",
    "want_on",
]
