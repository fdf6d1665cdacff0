"""The versions of a dataset, and what this one has otherwise than another."""

from typing import Any

from catalog import places, queries
from catalog.models import DatasetVersion

DIFF_SHOWN = 200


def relatives(version: DatasetVersion, compared_with: str) -> dict[str, Any]:
    """`compared_with`: the number of the other version; the one before when it is no number of a version."""
    versions = list(version.dataset.versions.all())
    others = {other.number: other for other in versions if other.number != version.number and _is_there(other)}
    wanted = int(compared_with) if compared_with.isdecimal() and len(compared_with) < 9 else version.number - 1
    other = others.get(wanted) or others.get(version.number - 1) or next(iter(others.values()), None)
    found = queries.diff(other, version) if other and _is_there(version) else None
    return {
        "versions": [(one, queries.datasets.version_summary(one)) for one in versions],
        "others": sorted(others),
        "diff": found,
        "diff_from": found["from"] if found else None,
        "diff_items": found["items"][:DIFF_SHOWN] if found else [],
        "diff_more": max(found["added"] + found["removed"] + found["changed"] - DIFF_SHOWN, 0) if found else 0,
    }


def _is_there(version: DatasetVersion) -> bool:
    return (places.version(version.content_hash) / "items.jsonl").is_file()
