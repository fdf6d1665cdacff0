"""The dataset and the version that a path names."""

from http import HTTPStatus
from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException

from catalog import queries
from catalog.models import Dataset, DatasetVersion


class Gone(APIException):
    """410: `more` says who removed it, and when."""

    status_code = HTTPStatus.GONE

    def __init__(self, detail: str, **more: Any):
        self.more = more
        super().__init__(detail)


def dataset_at(request, slug: str) -> Dataset:
    """Raises Http404 for one that is unknown or not for this actor, Gone for a removed one."""
    try:
        return queries.dataset_for(request.user, slug)
    except Dataset.DoesNotExist as error:
        removed = queries.removed_for(request.user, slug)
        if removed is None or removed.removed_at is None:
            raise Http404 from error
        who = removed.removed_by.username if removed.removed_by else "—"
        sentence = _("%(who)s removed this dataset on %(when)s.")
        sentence %= {"who": who, "when": f"{removed.removed_at:%Y-%m-%d}"}
        raise Gone(sentence, removed_by=who, removed_at=queries.datasets.iso(removed.removed_at)) from error


def version_at(request, slug: str, number: int) -> DatasetVersion:
    versions = DatasetVersion.objects.select_related("dataset")
    return get_object_or_404(versions, dataset=dataset_at(request, slug), number=number)
