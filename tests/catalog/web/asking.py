"""Data from the web as a person asks for it over REST."""

import json

from django.test import TestCase

from catalog import tasks
from catalog.models import Dataset


def post(client, body: dict):
    return client.post("/api/v1/datasets/", json.dumps(body), "application/json")


def imported(client, body: dict) -> Dataset:
    """Once its import has come to an end, good or bad."""
    with TestCase.captureOnCommitCallbacks(execute=True):
        answer = post(client, body)
        assert answer.status_code == 202, answer.json()
        tasks.import_dataset(Dataset.objects.get(slug=answer.json()["slug"]).pk)
    return Dataset.objects.get(slug=answer.json()["slug"])
