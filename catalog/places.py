"""Where the catalog keeps its files below FLEETUNE_HOME."""

from pathlib import Path
from typing import Any

from django.conf import settings


def versions() -> Path:
    return _made("datasets")


def version(content_hash: str) -> Path:
    return settings.FLEETUNE_HOME / "datasets" / content_hash


def incoming(dataset_id: int) -> Path:
    """What imports of a dataset write and have read, until it is a version."""
    return _made("incoming") / str(dataset_id)


def files_of(one: Any) -> Path:
    """Of a `DatasetVersion`; of one that waits for a decision, and is no row yet, where it was read in."""
    read = incoming(one.dataset_id) / one.content_hash
    return version(one.content_hash) if one.pk or not read.is_dir() else read


def prepared() -> Path:
    return _made("prepared")


def prepared_data(content_hash: str) -> Path:
    return settings.FLEETUNE_HOME / "prepared" / content_hash


def uploads() -> Path:
    return _made("uploads")


def upload(stored: str) -> Path:
    """A file that somebody handed in, under a name of ours."""
    return _made("uploads") / stored


def models() -> Path:
    return _made("models")


def model(content_hash: str) -> Path:
    return settings.FLEETUNE_HOME / "models" / content_hash


def model_upload(model_id: int) -> Path:
    """The archive of a model while it is being imported."""
    return _made("uploads") / f"model-{model_id}"


def drawn(content_hash: str) -> Path:
    """Small pictures of a version's items, made when somebody looks at them."""
    return settings.FLEETUNE_HOME / "drawn" / content_hash


def lock(name: str) -> Path:
    return _made("locks") / name


def _made(name: str) -> Path:
    path = settings.FLEETUNE_HOME / name
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path
