"""The first minutes of a new user: `make up`, the three demo jobs on two devices, and what they leave."""

import csv
import hashlib
import io
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.pages.browsing import ARGUMENTS, CHROMIUM
from tests.waiting import wait_until

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[2]
DENSE_S = 90
"""promised from the ready line on; twice as much where other tests run beside this"""
CSV_KEYS = "key=train/loss&rank=0&fmt=csv&max_points=0"


@pytest.fixture(scope="module")
def demo(stack):
    """{name of the job's model source: id}, in the order they were seeded."""
    jobs = sorted(stack.api("GET", "/jobs/?ordering=id")[1]["results"], key=lambda job: job["id"])
    return dict(zip(["dense", "conv", "digits"], [job["id"] for job in jobs], strict=True))


def test_the_dense_job_succeeds_soon_after_ready(stack, demo):
    job = stack.ended(demo["dense"], within=2 * DENSE_S, promised=True)
    assert job["state"] == "succeeded", job["end_reason"]


def test_both_devices_measure_the_same_accuracy_to_the_last_digit(stack, demo):
    stack.ended(demo["dense"], within=2 * DENSE_S)
    rows = stack.api("GET", f"/jobs/{demo['dense']}/evaluations/")[1]["results"]
    by_device = {row["device"]: row["metrics"]["accuracy"] for row in rows if row["split"] == "test"}
    assert len(by_device) == 2
    assert len(set(by_device.values())) == 1
    assert min(by_device.values()) >= 0.88


def test_every_stage_is_proved_with_the_same_hash_on_both_devices(stack, demo):
    job = stack.ended(demo["dense"], within=2 * DENSE_S)
    proofs = job["proofs"]
    for stage, fact in [
        ("preprocess", "data_hash"),
        ("compile", "graph_hash"),
        ("compile", "weights_hash"),
        ("compile", "forward_hash"),
        ("fine_tune", "weights_hash"),
    ]:
        said = [proofs[stage][rank][fact] for rank in ("0", "1")]
        assert said[0] == said[1], (stage, fact)


def test_the_conv_job_moves_while_it_runs(stack, demo):
    before = wait_until(lambda: stack.job(demo["conv"])["summary"].get("train/loss") is not None, within=60)
    assert before
    step = stack.job(demo["conv"])["progress"]
    wait_until(lambda: stack.job(demo["conv"])["progress"] > step, within=15, about="progress rises", every=0.5)


def test_an_admin_kills_a_rank_and_the_page_shows_the_recovery_as_it_happens(stack, demo):
    number = stack.job(demo["conv"])["attempts"][-1]["number"]
    with sync_playwright() as playwright:
        page = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS).new_page()
        page.goto(stack.manage("signin_link", "admin").split()[-1])
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_selector("[data-testid=user-menu]")
        page.goto(f"{stack.url}/jobs/{demo['conv']}/")
        page.get_by_test_id("trial").locator("summary").click()
        page.get_by_test_id("try-rank").click()
        page.wait_for_selector("[data-testid=recovery]", timeout=120_000)
        text = "document.querySelector('[data-testid=recovery]').innerText"
        wait_until(lambda: "Training goes on from step" in page.evaluate(text), within=180, about="the page shows it")
        told = page.evaluate(text)
    assert re.search(r"\+0\.0 s\s+The training process on \S+ was killed", told), told
    killed, after = stack.job(demo["conv"])["attempts"][-2:]
    assert (killed["end_reason"], killed["number"], after["number"]) == ("killed", number, number + 1)


def test_metrics_come_as_csv_with_every_step_once(stack, demo):
    stack.ended(demo["dense"], within=2 * DENSE_S)
    raw = stack.api("GET", f"/jobs/{demo['dense']}/metrics/?{CSV_KEYS}")[1]
    steps = [int(row["step"]) for row in csv.DictReader(io.StringIO(raw.decode()))]
    assert steps == list(range(1, len(steps) + 1))
    assert len(steps) > 100


def test_the_downloaded_onnx_gives_the_accuracy_of_the_page_in_plain_onnxruntime(stack, demo, tmp_path):
    """By the script that the documents show."""
    job = stack.ended(demo["dense"], within=2 * DENSE_S)
    file = stack.files(job["id"])["model.onnx"]
    raw = stack.download(file)
    assert hashlib.sha256(raw).hexdigest() == file["sha256"]
    (tmp_path / "model.onnx").write_bytes(raw)
    [script] = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "quality.md").read_text(), re.DOTALL)
    (tmp_path / "accuracy.py").write_text(script)
    prepared = stack.home / "prepared" / job["proofs"]["preprocess"]["0"]["data_hash"]
    words = [sys.executable, "-I", "accuracy.py", "model.onnx", str(prepared)]
    accuracy = float(subprocess.run(words, cwd=tmp_path, check=True, capture_output=True, text=True).stdout)
    page = stack.api("GET", f"/jobs/{job['id']}/evaluations/")[1]["results"][0]["metrics"]["accuracy"]
    assert accuracy == pytest.approx(page, abs=1e-9)


def test_each_job_leaves_its_files_and_a_zip_of_everything(stack, demo):
    job = stack.ended(demo["dense"], within=2 * DENSE_S)
    names = {row["name"] for row in stack.api("GET", f"/jobs/{job['id']}/artifacts/")[1]["results"]}
    assert {"model.safetensors", "config.json", "model.onnx", "card.md"} <= names
    status, raw = stack.api("GET", f"/jobs/{job['id']}/export/")
    assert status == 200
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        inside = set(archive.namelist())
        assert json.loads(archive.read("job.json"))["id"] == job["id"]
    assert {"metrics.parquet", "metrics.csv", "evaluations.json", "report.html"} <= inside


def test_fine_tuning_waits_for_its_source_then_all_three_succeed(stack, demo):
    waiting = stack.job(demo["digits"])
    if stack.job(demo["conv"])["state"] != "succeeded":
        assert (waiting["state"], waiting["wait_reason"]) == ("pending", "source_job")
    conv, digits = stack.ended(demo["conv"], within=900), stack.ended(demo["digits"], within=180)
    assert (conv["state"], digits["state"]) == ("succeeded", "succeeded"), (conv["end_reason"], digits["end_reason"])
    for job in (conv, digits):
        rows = stack.api("GET", f"/jobs/{job['id']}/evaluations/")[1]["results"]
        assert min(row["metrics"]["accuracy"] for row in rows) >= 0.95


def test_the_invariants_hold(stack, demo):
    stack.ended(demo["digits"], within=300)
    stack.manage("check_invariants")  # exits with 1 on any violation
