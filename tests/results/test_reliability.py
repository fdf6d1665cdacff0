"""How far numbers can be trusted: before and after, devices and seeds against each other, whole and spoilt inputs."""

import numpy as np
import pytest

from jobs.models import Errand, Evaluation
from results.reliability import without_seed
from tests.jobs.factories import make_owner
from tests.results.answering import answer, ask, pictured_result

pytestmark = pytest.mark.django_db
PAGE = "/results/digits/v/1/"
URL = "/api/v1/results/digits/versions/1/reliability/"
TRUE = [0, 1] * 50
BEFORE = [0] * 100
AFTER = [0, 1] * 45 + [1, 0] * 5


@pytest.fixture
def version(client):
    made = pictured_result()
    client.force_login(make_owner())
    return made


def text_of(client):
    return client.get(PAGE).content.decode()


def test_the_model_before_fine_tuning_starts_from_the_job_s_own_source_and_is_no_version_of_it(client, version):
    measurement = ask(client, "start")
    payload = Errand.objects.get(pk=measurement.errand_id).payload
    assert (payload["artifact"], payload["source"], payload["base_model"]) == ("start", None, None)
    answer(measurement, TRUE, BEFORE, [0.7] * 100)

    found = client.get("/api/v1/results/digits/versions/1/").json()
    assert "start" not in {row["artifact"] for row in found["evaluations"]}
    assert "before fine-tuning" in text_of(client)


def test_fine_tuning_helped_when_the_interval_of_the_paired_difference_lies_above_nothing(client, version):
    answer(ask(client, "start"), TRUE, BEFORE, [0.7] * 100)
    answer(ask(client), TRUE, AFTER, [0.2] * 100)

    told = client.get(URL).json()["fine_tuning"]["difference"]
    assert (told["before"], told["after"], told["verdict"], told["paired"]) == (0.5, 0.9, "helped", True)
    pairs = (np.array(AFTER) == TRUE).astype(float) - (np.array(BEFORE) == TRUE)
    width = 1.96 * pairs.std() / 10
    assert (told["low"], told["high"]) == pytest.approx((0.4 - width, 0.4 + width), abs=0.03)
    assert "Fine-tuning helped." in text_of(client)


def test_a_difference_that_the_samples_cannot_show_is_called_so(client, version):
    answer(ask(client, "start"), TRUE, AFTER, [0.2] * 100)
    answer(ask(client), TRUE, [*AFTER[:-1], 1 - AFTER[-1]], [0.2] * 100)
    assert client.get(URL).json()["fine_tuning"]["difference"]["verdict"] == "unclear"
    assert "No difference that these samples can show." in text_of(client)


def test_devices_and_formats_are_held_against_each_other_sample_by_sample(client, version):
    answer(ask(client, "model.safetensors"))
    answer(ask(client, "model.onnx", "lab-1-cpu-1"), said=[0, 1, 1, 0])

    found = client.get(URL).json()
    [compared] = found["agreement"]["compared"]
    assert (compared["device"], compared["equal"], compared["share"]) == ("lab-1-cpu-1", 3, 0.75)
    assert found["restarts"] == 0 and found["batches_missing"] == 0
    assert "3 of 4" in text_of(client)


def test_jobs_are_alike_when_only_their_seeds_differ():
    spec = {"task": "x", "training": {"seed": 1, "learning_rate": 0.1}, "name": "first"}
    other = spec | {"training": {"seed": 2, "learning_rate": 0.1}, "name": "second"}
    assert without_seed(spec) == without_seed(other)
    assert without_seed(spec) != without_seed(other | {"training": {"seed": 2, "learning_rate": 0.2}})


def test_jobs_that_differ_in_their_seed_alone_give_the_spread_over_seeds(client, version):
    twin, evaluation = version.job, Evaluation.objects.filter(job=version.job).last()
    twin.pk, twin.spec = None, twin.spec | {"training": twin.spec["training"] | {"seed": 7}}
    twin.save()
    evaluation.pk, evaluation.job, evaluation.metrics = None, twin, {"accuracy": 0.8}
    evaluation.save()

    told = client.get(URL).json()["seeds"]
    assert told["seeds"] == 2 and told["mean"] == pytest.approx(0.85) and told["lowest"] == 0.8


def test_spoilt_and_foreign_inputs_are_a_chart_and_a_figure(client, version):
    interval = {"value": 0.9, "low": 0.8, "high": 0.95, "n": 60}
    worse = [{"severity": number, **interval, "value": 0.9 - number / 10} for number in range(1, 6)]
    spoilt = {"metric": "accuracy", "rows": 60, "seed": 1, "clean": interval, "kinds": {"blur": worse}, "mean": 0.6}
    scores = {"energy": {"auroc": interval, "false_alarms": 0.25}}
    lower = {"energy": {"auroc": interval | {"value": 0.7}, "false_alarms": 0}}
    foreign = {"foreign": {"dataset": "photos", "rows": 9, "scores": lower}}
    foreign |= {"against": "noise", "rows": 60, "scores": scores}
    more = {"corruption": spoilt, "out_of_distribution": foreign}
    answer(ask(client, suites=["corruption", "out_of_distribution"]), **more)

    page = text_of(client)
    assert 'data-testid="figure-corruption"' in page and "AUROC 0.9" in page
    assert "Noticing photos by: Energy" in page and "AUROC 0.7" in page
