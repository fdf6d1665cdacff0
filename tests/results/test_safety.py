"""The safety rows of a version: measured ones with their verdict, all others with the reason why not."""

import pytest

from jobs import clock, errands
from results import limits, measured, safety
from results.models import Measurement
from results.safety_words import QUESTIONS
from tests.results.factories import answered, make_result

pytestmark = pytest.mark.django_db
CLEAN = {"value": 0.9, "low": 0.88, "high": 0.92, "n": 512}


def share(value, low, high, **more):
    return {"value": value, "low": low, "high": high, "n": 512, "seed": 42, **more}


def attacks(value=0.5, masked=()):
    points = [{"size": 4.0, "noise": 0.9, "fgsm": value, "pgd": value}]
    rows = {f"safety/{name}_accuracy@4": share(value, value - 0.02, value + 0.02) for name in ("fgsm", "pgd")}
    return {"rows": rows, "clean": CLEAN, "curve": points, "unit": "1/255", "masked": list(masked)}


def membership(value, low, high, tpr=0.012, least=0.008):
    rows = {
        "safety/mia_auc": share(value, low, high, attack="likelihood"),
        "safety/mia_tpr_at_fpr_0.01": share(tpr, least, tpr + 0.01, attack="loss"),
        "safety/mia_tpr_at_fpr_0.001": {"not_measured": "too few samples: 700 non-members, 5000 are needed"},
    }
    return {"rows": rows, "not_run": {"difference": "no base model"}}


def files(value, *verdicts):
    found = [{"name": f"{verdict}.zip", "verdict": verdict, "why": "a pickle is inside: x"} for verdict in verdicts]
    return {"rows": {"safety/format": {"value": value, "n": len(found)}}, "files": found}


def told(version, **suites):
    """Rows by key after a device has measured these suites."""
    device = version.job.attempts.get().ranks.first().device
    [errand] = errands.create("evaluate", version.job.owner, [device], {"artifact": "x"}, clock.now())
    row = Measurement.objects.create(
        job=version.job,
        prepared=version.job.prepared,
        device=device,
        errand=errand,
        artifact="model.safetensors",
        sha256="x",
        split="test",
    )
    answered(row, **suites)
    return {row["key"]: row for row in safety.rows(version, measured.rows(version, measured.runs(version)))}


def test_every_question_has_a_row_and_what_nobody_measured_says_why():
    version = make_result()
    rows = safety.rows(version, [])
    assert [row["key"] for row in rows] == list(QUESTIONS)
    for row in rows:
        assert row["verdict"] == ("not_measured" if row["value"] is None else row["verdict"])
        assert row["title"] and row["good"].startswith("Good is") and row["proves"].startswith("This does not prove")
        assert row["value"] is not None or row["why"]
    missing = safety.not_checked(rows)
    assert {"safety/mia_auc", "safety/pgd_accuracy", "safety/format", "privacy/epsilon"} <= set(missing)


def test_what_devices_measured_is_judged_by_its_limit_and_its_interval():
    rows = told(make_result(), attacks=attacks(), membership=membership(0.51, 0.48, 0.54), format=files(0, "pass"))
    assert rows["safety/pgd_accuracy@4"]["verdict"] == "pass" and rows["safety/pgd_accuracy@4"]["limit"] == ">= 0.45"
    assert rows["safety/mia_auc"]["verdict"] == "pass" and "likelihood" in rows["safety/mia_auc"]["why"]
    assert "no base model" in rows["safety/mia_auc"]["why"]
    assert rows["safety/mia_tpr_at_fpr_0.01"]["verdict"] == "pass"
    assert rows["safety/mia_tpr_at_fpr_0.001"]["why"].startswith("too few samples")
    assert rows["safety/format"]["verdict"] == "pass" and rows["safety/format"]["n"] == 1
    assert "safety/pgd_accuracy" not in rows and rows["safety/mia_auc"]["device"]


def test_a_planted_overfit_a_weak_model_and_a_pickle_are_not_passed():
    found = membership(0.93, 0.9, 0.96, tpr=0.4, least=0.3)
    rows = told(make_result(), attacks=attacks(value=0.1), membership=found, format=files(2, "pass", "fail"))
    assert rows["safety/mia_auc"]["verdict"] == "fail" and rows["safety/mia_tpr_at_fpr_0.01"]["verdict"] == "fail"
    assert rows["safety/pgd_accuracy@4"]["verdict"] == "warn"
    assert rows["safety/format"]["verdict"] == "fail" and "fail.zip: a pickle is inside" in rows["safety/format"]["why"]


def test_what_is_doubtful_is_neither_passed_nor_failed():
    masked = attacks(masked=["it does not fall"])
    doubtful = told(make_result(), membership=membership(0.58, 0.53, 0.62), attacks=masked)
    assert doubtful["safety/mia_auc"]["verdict"] == "warn"
    attacked = doubtful["safety/fgsm_accuracy@4"]
    assert (attacked["verdict"], attacked["why"]) == ("warn", "it does not fall")


def test_leaks_come_from_the_import_and_privacy_from_the_training():
    version = make_result()
    dataset = version.job.version
    dataset.schema = dataset.schema | {"leaks": {"exact": 0, "near": 3, "pairs": []}}
    dataset.splits = {"train": {"count": 5000}, "test": {"count": 1000}}
    dataset.save()
    spent = {"epsilon": 2.9, "delta": 1e-5, "budget": 3.0, "noise_multiplier": 1.1}
    version.job.proofs = {"fine_tune": {"0": {"privacy": spent}, "1": {}}}
    rows = {row["key"]: row for row in safety.rows(version, [])}
    assert (rows["safety/leak_exact"]["verdict"], rows["safety/leak_exact"]["n"]) == ("pass", 1000)
    assert (rows["safety/leak_near"]["verdict"], rows["safety/leak_near"]["value"]) == ("fail", 3)
    assert (rows["privacy/epsilon"]["value"], rows["privacy/epsilon"]["verdict"]) == (2.9, "pass")
    assert rows["privacy/delta"]["verdict"] == "pass"
    version.job.version.schema["leaks"]["near"] = 1
    version.job.proofs["fine_tune"]["0"]["privacy"] = spent | {"epsilon": 3.1, "delta": 0.001}
    rows = {row["key"]: row for row in safety.rows(version, [])}
    assert (rows["safety/leak_near"]["verdict"], rows["privacy/epsilon"]["verdict"]) == ("warn", "fail")
    assert rows["privacy/delta"]["verdict"] == "fail"


def test_page_and_rest_show_the_same_rows(client):
    version = make_result()
    told(version, attacks=attacks(), membership=membership(0.51, 0.48, 0.54), format=files(0, "pass"))
    client.force_login(version.job.owner)
    body = client.get(f"/api/v1/results/{version.result.slug}/versions/{version.number}/").json()
    rows = {row["key"]: row for row in body["safety"]}
    assert rows["safety/mia_auc"]["n"] == 512
    assert "safety/leak_exact" in body["security"]["not_checked"] or rows["safety/leak_exact"]["value"] is not None
    page = client.get(f"/results/{version.result.slug}/v/{version.number}/").content.decode()
    assert page.count('data-testid="safety-row"') == len(rows)
    assert 'data-key="safety/mia_auc" data-verdict="pass"' in page
    assert "This does not prove that no stronger attack works" in page and 'data-testid="figure-attacks"' in page


def test_limits_speak_of_safety_and_of_the_size_of_an_attack():
    version = make_result(
        requirements=["safety/mia_auc <= 0.55", "safety/pgd_accuracy@4 >= 0.6", "safety/pgd_accuracy@8 >= 0.1"]
    )
    told(version, attacks=attacks(), membership=membership(0.51, 0.48, 0.54))
    verdicts = {row["text"]: (row["verdict"], row["value"]) for row in limits.verdicts(version)}
    assert verdicts["safety/mia_auc <= 0.55"] == ("met", 0.51)
    assert verdicts["safety/pgd_accuracy@4 >= 0.6"] == ("missed", 0.5)
    assert verdicts["safety/pgd_accuracy@8 >= 0.1"] == ("unknown", None)
