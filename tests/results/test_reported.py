"""The report: the same facts as JSON, as a page that asks for nothing, and as PDF."""

import json
import re

import pytest

from jobs.report import pdf, written
from jobs.report.blocks import Chart, Line, Section, Table
from jobs.report.drawing import drawn
from results import measuring
from results.measuring import Question
from results.models import Measurement
from tests.jobs.factories import make_owner
from tests.results.factories import answered, make_result

pytestmark = pytest.mark.django_db
LIMITS = ["eval/accuracy@lab-1-cpu-0 >= 0.8", "p99 of model.onnx <= 1 ms", "memory of model.pt2 <= 1 GB"]


@pytest.fixture
def report():
    version = make_result(requirements=LIMITS, name="数字 <b>")
    asked = Question("model.onnx", ["lab-1-cpu-0"], ["quality", "speed"], "test")
    measuring.measure(version.job, asked, make_owner(), via="api")
    answered(Measurement.objects.get())
    return written(version.job)


def test_the_page_asks_for_nothing_and_runs_nothing(report):
    page = report["report.html"].decode()
    assert not re.search(r"<(script|link|img|iframe)|(src|href)=|url\(|@import", page)
    assert "数字 &lt;b&gt;" in page and "<b>" not in page


def test_the_page_says_what_passed_what_failed_and_what_nobody_looked_at(report):
    page = report["report.html"].decode()
    rows = dict(reversed(re.findall(r"<tr><th>([^<]*)</th><td>([^<]*)</td>", page)))
    assert rows["eval/accuracy@lab-1-cpu-0 &gt;= 0.8"] == "pass"
    assert rows["p99 of model.onnx &lt;= 1 ms"] == "FAIL"
    assert rows["memory of model.pt2 &lt;= 1 GB"] == "not measured"
    assert "limit that was not measured" in page and "The data was not obfuscated before training." in page
    assert "known issues of dependencies" in rows


def test_json_holds_the_same_facts(report):
    facts = json.loads(report["report.json"])
    assert [row["verdict"] for row in facts["requirements"]] == ["met", "missed", "unknown"]
    assert facts["result"]["version"] == 1 and facts["fleetune"]["version"]
    assert {row["name"] for row in facts["files"]} >= {"model.onnx", "model.safetensors"}
    assert facts["made_from"]["prepared_hash"] and facts["devices"][0]["environment"]
    assert [one["file"] for one in facts["choice"]["candidates"]] == ["model.onnx"]
    for row in facts["files"]:
        assert row["sha256"] in report["report.html"].decode()


def test_what_a_private_training_spent_is_told_with_all_that_it_hangs_on():
    version = make_result(name="private")
    spent = {"epsilon": 2.9, "budget": 3.0, "delta": 1e-5, "noise_multiplier": 1.1, "clip_norm": 1.0}
    spent |= {"sampling_rate": 0.05, "steps": 40, "accountant": "PRV", "unit": "one sample", "random_source": "SHAKE"}
    version.job.proofs = {"fine_tune": {"0": {"privacy": spent}, "1": {}}}
    report = written(version.job)
    assert json.loads(report["report.json"])["privacy"] == spent | {"samples": 80}
    page = report["report.html"].decode()
    for words in ("2.9 (at most 3 was allowed)", "1e-05", "with probability 0.05", "<td>80</td>", "<td>1.1</td>"):
        assert words in page


def test_steps_that_hide_something_are_told_in_words_with_what_they_do_not_protect():
    version = make_result(name="hidden")
    manifest = version.job.prepared.manifest
    steps = [{"step": "redact", "what": ["email"], "names": {"count": 0}, "columns": ["who"], "by": "tag"}]
    manifest["obfuscation"] = [steps[0] | {"report": {"email": 3, "nothing_found_in": ["who"]}}]
    page = written(version.job)["report.html"].decode()
    section = page[page.index("Obfuscation") : page.index("Hashes")]
    assert "Replace personal data (email) by its kind." in section
    assert "whoever reads the data does not see them" in section and "Style of writing" in section
    assert "email 3" in section and "Nothing was found in who" in section
    assert "{" not in section and "[" not in section


def test_the_pdf_has_the_same_sections_and_takes_any_language(report):
    assert report["report.pdf"].startswith(b"%PDF-") and report["report.pdf"].rstrip().endswith(b"%%EOF")
    assert b"STSong-Light" in report["report.pdf"]
    assert report["report.pdf"].count(b"/Type /Page\n") + report["report.pdf"].count(b"/Type /Page ") >= 2


def test_the_same_sections_make_the_same_pdf():
    parts = [Section("A", ["text", Table([("x", "y" * 5000), ("emoji", "\N{ROCKET}\0")], ("a", "b"))])]
    assert pdf.pdf("t", parts) == pdf.pdf("t", parts)


def test_a_chart_keeps_its_line_within_the_frame_and_leaves_out_what_is_no_number():
    chart = Chart("loss", "step", [Line("a", [(0, 1.0), (5, float("nan")), (10, 3.0)])])
    found = drawn(chart)
    [(_colour, _line, points)] = found.lines
    assert len(points) == 2 and points[0][1] > points[1][1]
    assert [words for _place, words in found.x_ticks] == ["0", "5.00", "10.0"]
    assert drawn(Chart("loss", "step", [Line("a", [(0, float("inf"))])])) is None
    assert drawn(Chart("loss", "step", [Line("a", [(3, 2.0)])])).lines
