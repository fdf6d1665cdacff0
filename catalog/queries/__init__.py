"""What pages, REST and agents read of the catalog."""

from catalog.queries.concerns import warnings
from catalog.queries.datasets import (
    dataset_for,
    dataset_json,
    datasets_of,
    found_version,
    in_state,
    latest,
    newest_prepared,
    removed_for,
    state_of,
    task_of,
    version_json,
)
from catalog.queries.devices import file_for, readiness, readiness_summary, wanted_by
from catalog.queries.differences import diff
from catalog.queries.fetching import fetched
from catalog.queries.found import first_samples, found_json
from catalog.queries.previews import preview
from catalog.queries.samples import PREVIEWED, SAMPLES_A_PAGE, items_at, preview_numbers, samples

__all__ = [
    "PREVIEWED",
    "SAMPLES_A_PAGE",
    "dataset_for",
    "dataset_json",
    "datasets_of",
    "diff",
    "fetched",
    "file_for",
    "first_samples",
    "found_json",
    "found_version",
    "in_state",
    "items_at",
    "latest",
    "newest_prepared",
    "preview",
    "preview_numbers",
    "readiness",
    "readiness_summary",
    "removed_for",
    "samples",
    "state_of",
    "task_of",
    "version_json",
    "wanted_by",
    "warnings",
]
