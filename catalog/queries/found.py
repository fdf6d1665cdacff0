"""What an import found and nobody has decided about yet, for pages and REST."""

from typing import Any

from catalog.models import Dataset, DatasetVersion
from catalog.queries.concerns import warnings
from catalog.queries.datasets import dataset_json, found_version, schema_json
from catalog.queries.samples import items_at, preview_numbers, sample


def found_json(dataset: Dataset, *, raw: bool) -> dict[str, Any] | None:
    """In full, with eight samples of the train split (without `raw` none); None when nothing waits."""
    version = found_version(dataset)
    if version is None:
        return None
    told = dataset_json(dataset)
    return told["review"] | {
        "splits": version.splits,
        "schema": schema_json(version, raw=raw or not dataset.sensitive),
        "warnings": warnings(version),
        "samples": first_samples(version) if raw else [],
        "source": told["import"]["source"],
        "options": version.options,
    }


def first_samples(version: DatasetVersion) -> list[dict[str, Any]]:
    items = items_at(version, preview_numbers(version))
    return [sample(version, number, item) for number, item in items.items()]
