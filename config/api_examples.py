"""Three worked examples of the API. `tests/config/test_api_docs.py` runs the Python ones as they stand."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Example:
    key: str
    title: Any
    curl: str
    python: str


START = "import json, os, urllib.request\n\n"
CALL = """def call(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": "Bearer " + os.environ["FLEETUNE_TOKEN"], "Content-Type": "application/json"}
    return urllib.request.urlopen(urllib.request.Request("%(base)s" + path, data, headers))


"""
EXAMPLES = (
    Example(
        "start",
        _("Start a job"),
        """curl -X POST %(base)s/api/v1/jobs/ \\
  -H "Authorization: Bearer $FLEETUNE_TOKEN" -H "Content-Type: application/json" \\
  -H "Idempotency-Key: my-first-job" \\
  -d '{"task": "image-classification", "dataset": "mnist-5k", "model": {"source": "conv"}}'""",
        """spec = {"task": "image-classification", "dataset": "mnist-5k", "model": {"source": "conv"}}
job = json.load(call("/api/v1/jobs/", spec))
print(job["id"], job["state"])
""",
    ),
    Example(
        "follow",
        _("Follow it"),
        """curl "%(base)s/api/v1/jobs/1/metrics/?key=train/loss&after=0" \\
  -H "Authorization: Bearer $FLEETUNE_TOKEN\"""",
        """import time

cursor, state = 0, "pending"
while state not in ("succeeded", "failed", "cancelled"):
    time.sleep(1)
    state = json.load(call("/api/v1/jobs/1/"))["state"]
    answer = json.load(call(f"/api/v1/jobs/1/metrics/?key=train/loss&after={cursor}"))
    cursor = answer["cursor"]
    for series in answer["series"]:
        print(series["rank"], dict(zip(series["steps"], series["values"])))
""",
    ),
    Example(
        "export",
        _("Take the result"),
        """curl -o job-1.zip %(base)s/api/v1/jobs/1/export/ \\
  -H "Authorization: Bearer $FLEETUNE_TOKEN\"""",
        """with open("job-1.zip", "wb") as file:
    file.write(call("/api/v1/jobs/1/export/").read())
""",
    ),
)


def of(base: str) -> list[Example]:
    """The examples for a server at `base`."""
    filled = {"base": base}
    return [Example(one.key, one.title, one.curl % filled, START + CALL % filled + one.python) for one in EXAMPLES]
