"""REST of points and files: reduced for a chart, or all of them in a file that others can read."""

import csv
import hashlib
import io
import json
import math
import zipfile

import pyarrow.parquet
import pytest
from django.conf import settings
from django.test import Client

from contract.events import LogLine
from jobs import ingest
from jobs.api.download import disposition, safe_name
from jobs.api.streaming import stream
from jobs.models import Artifact, Evaluation
from tests.accounts.factories import bearer, make_token, make_user
from tests.jobs.store_factories import START_TIME, a_batch, a_frame, a_stored_job, an_attempt, losses

pytestmark = pytest.mark.django_db


@pytest.fixture
def job():
    job = a_stored_job(owner=make_user("maria"))
    first, second = an_attempt(job, ranks=2)
    line = LogLine(START_TIME, "warning", "watch out")
    ingest.store(first, [a_batch(1, losses(1, 100), log=[line]), a_batch(2, a_frame([100], eval__loss=[0.2]))])
    ingest.store(second, [a_batch(1, losses(1, 100))])
    ingest.store(second, [a_batch(2, a_frame([101, 102], train__loss=[math.nan, -math.inf]))])
    return job


@pytest.fixture
def client(job):
    return Client(headers=bearer(make_token(job.owner, "run")))


def get(client, job, query=""):
    answer = client.get(f"/api/v1/jobs/{job.pk}/metrics/?{query}")
    assert answer.status_code == 200, answer.content
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def test_all_series_with_their_points(client, job):
    answer = json.loads(get(client, job))
    assert answer["cursor"] == 5
    assert [(series["key"], series["rank"], series["total_points"]) for series in answer["series"]] == [
        ("eval/loss", 0, 1),
        ("train/loss", 0, 100),
        ("train/loss", 1, 102),
    ]
    last = answer["series"][2]
    assert last["not_finite"] == [[101, "nan"], [102, "-inf"]]
    assert last["values"][-2:] == [None, None]
    assert last["times"][0] == "2026-09-21T14:13:20.010Z"


def test_a_chart_asks_for_one_key_and_fewer_points(client, job):
    (series,) = json.loads(get(client, job, "key=train/loss&rank=0&max_points=10"))["series"]
    assert series["total_points"] == 100
    assert len(series["steps"]) <= 10
    assert {1, 100} <= set(series["steps"])


def test_a_zoom_is_exact_when_it_is_short(client, job):
    (series,) = json.loads(get(client, job, "key=train/loss&rank=0&first_step=10&last_step=14"))["series"]
    assert series["steps"] == [10, 11, 12, 13, 14]


def test_a_page_that_was_away_gets_what_it_missed(client, job):
    answer = json.loads(get(client, job, "after=4"))
    assert [(series["key"], series["rank"], series["steps"]) for series in answer["series"]] == [
        ("train/loss", 1, [101, 102])
    ]


def test_smoothing_comes_with_the_state_to_go_on_from(client, job):
    answer = json.loads(get(client, job, "smooth=0.5"))
    by_name = {(series["key"], series["rank"]): series for series in answer["series"]}
    assert "smoothed" not in by_name["eval/loss", 0]
    smoothed = by_name["train/loss", 0]["smoothed"]
    assert smoothed["state"]["count"] == 100
    average = 0.0
    for step in range(1, 101):
        average = 0.5 * average + 0.5 / step
    assert math.isclose(smoothed["values"][-1], average / (1 - 0.5**100))


def test_csv_has_every_step_once(client, job):
    rows = list(csv.DictReader(io.StringIO(get(client, job, "fmt=csv").decode())))
    steps = [int(row["step"]) for row in rows if (row["rank"], row["key"]) == ("1", "train/loss")]
    assert steps == list(range(1, 103))
    assert [row["value"] for row in rows][-2:] == ["nan", "-inf"]


def test_parquet_and_json_hold_all_points_too(client, job):
    table = pyarrow.parquet.read_table(io.BytesIO(get(client, job, "fmt=parquet")))
    assert table.num_rows == 203
    everything = json.loads(get(client, job, "max_points=0"))
    assert sum(len(series["steps"]) for series in everything["series"]) == 203


@pytest.mark.parametrize(
    "query",
    ["fmt=xml", "after=-1", f"after={2**70}", "max_points=1e3", "rank=x", "smooth=1", "smooth=nan", "keys=a"],
)
def test_a_parameter_that_cannot_be_is_named(client, job, query):
    """S44"""
    answer = client.get(f"/api/v1/jobs/{job.pk}/metrics/?{query}")
    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.json()["errors"]


def test_log_lines_are_paged_by_batch(client, job):
    answer = client.get(f"/api/v1/jobs/{job.pk}/logs/").json()
    assert answer["count"] == 1
    (line,) = answer["results"]
    assert (line["level"], line["text"], line["rank"], line["attempt"]) == ("warning", "watch out", 0, 1)
    assert client.get(f"/api/v1/jobs/{job.pk}/logs/?after=2").json()["results"] == []


def stored_artifact(job, name="model.safetensors", content=b"weights" * 1000) -> Artifact:
    sha256 = hashlib.sha256(content).hexdigest()
    folder = settings.FLEETUNE_HOME / "artifacts"
    folder.mkdir(exist_ok=True)
    (folder / sha256).write_bytes(content)
    attempt = job.attempts.get()
    return Artifact.objects.create(
        job=job, attempt=attempt, name=name, format="safetensors", bytes=len(content), sha256=sha256
    )


def test_an_artifact_is_listed_and_downloaded_whole_in_part_or_not_again(client, job):
    """S33"""
    row = stored_artifact(job)
    Artifact.objects.create(job=job, attempt=row.attempt, name="model.onnx", format="onnx", error="no exporter")
    without, listed = client.get(f"/api/v1/jobs/{job.pk}/artifacts/").json()["results"]
    assert (without["url"], without["download_url"], without["error"]) == (None, None, "no exporter")
    assert listed["sha256"] == row.sha256
    assert client.get(listed["url"]).json() == listed
    answer = client.get(listed["download_url"])
    assert b"".join(answer.streaming_content) == b"weights" * 1000
    assert answer["ETag"] == f'"{row.sha256}"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"].startswith("sandbox")
    assert answer["Content-Disposition"].startswith('attachment; filename="model.safetensors"')
    part = client.get(f"{listed['url']}?download=1", headers={"Range": "bytes=7-13"})
    assert (part.status_code, b"".join(part.streaming_content)) == (206, b"weights")
    same = client.get(f"{listed['url']}?download=1", headers={"If-None-Match": f'"{row.sha256}"'})
    assert same.status_code == 304
    head = client.head(f"{listed['url']}?download=1")
    assert (head.status_code, head["Content-Length"], head["ETag"]) == (200, "7000", answer["ETag"])
    assert head["Content-Disposition"] == answer["Content-Disposition"]


@pytest.mark.parametrize("path", ["export/", "metrics/?fmt=csv", "metrics/?fmt=parquet"])
def test_head_of_a_download_has_its_headers_and_makes_nothing(client, job, path):
    head = client.head(f"/api/v1/jobs/{job.pk}/{path}")
    assert (head.status_code, b"".join(head.streaming_content)) == (200, b"")
    assert head["Content-Disposition"].startswith("attachment")


def test_a_file_that_is_not_on_the_server_is_not_there(client, job):
    row = Artifact.objects.create(job=job, attempt=job.attempts.get(), name="a", format="a", sha256="0" * 64)
    assert client.get(f"/api/v1/jobs/{job.pk}/artifacts/{row.pk}/?download=1").status_code == 404


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a/../../etc/passwd", "passwd"),
        ("con.txt", "_con.txt"),
        ("C:\\x\\y.bin", "y.bin"),
        ('a"b\r\nc.bin', "abc.bin"),
        ("\u202egnp.exe", "gnp.exe"),
        ("..", "file"),
        ("模型.onnx", "模型.onnx"),
    ],
)
def test_a_name_is_one_on_every_system(name, safe):
    """S33, S55"""
    assert safe_name(name) == safe
    assert "\r" not in disposition(safe)
    assert "filename*=UTF-8''" in disposition(safe)


def test_the_export_is_one_zip_with_everything(client, job):
    stored_artifact(job)
    device = job.attempts.get().ranks.first().device
    Evaluation.objects.create(
        job=job, device=device, artifact="model.safetensors", split="test", samples=10, metrics={"accuracy": 0.9}
    )
    answer = client.get(f"/api/v1/jobs/{job.pk}/export/")
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert archive.testzip() is None
    assert set(archive.namelist()) == {
        "job.json",
        "metrics.parquet",
        "metrics.csv",
        "evaluations.json",
        "report.html",
        "report.json",
        "report.pdf",
        "check.py",
        "manifest.json",
        "model/model.safetensors",
    }
    assert json.loads(archive.read("job.json"))["id"] == job.pk
    assert json.loads(archive.read("evaluations.json"))[0]["metrics"] == {"accuracy": 0.9}
    assert archive.read("metrics.csv") == get(client, job, "fmt=csv")
    assert pyarrow.parquet.read_table(io.BytesIO(archive.read("metrics.parquet"))).num_rows == 203
    assert b"<polyline" in archive.read("report.html")
    assert archive.read("model/model.safetensors") == b"weights" * 1000


def test_an_export_shows_names_as_text():
    """S27"""
    job = a_stored_job(name="<script>alert(1)</script>")
    client = Client(headers=bearer(make_token(job.owner, "run")))
    from accounts.services import give_role

    give_role(job.owner, "operator")
    archive = zipfile.ZipFile(io.BytesIO(b"".join(client.get(f"/api/v1/jobs/{job.pk}/export/").streaming_content)))
    assert b"<script>" not in archive.read("report.html")


async def test_under_asgi_pieces_are_sent_one_by_one(async_rf):
    made = []

    def pieces():
        for number in range(3):
            made.append(number)
            yield b"x"

    response = stream(async_rf.get("/"), pieces(), "text/plain")
    seen = []
    async for piece in response:
        seen.append((piece, len(made)))
    assert [count for _piece, count in seen] == [1, 2, 3]
