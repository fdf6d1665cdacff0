"""How a rank begins and ends under its supervisor, and what it answers to an errand."""

import os
import signal
import subprocess
import sys

import pytest

from contract.run_dir import read_json
from tests.training.factories import batches, events, points, prepared_data, spec, tiny
from tests.training.ranks import ROOT, Attempt
from tests.waiting import wait_until

pytestmark = pytest.mark.integration
CLASSES = ["a", "b", "c"]


@pytest.fixture(scope="module")
def few(data_dir):
    return prepared_data(data_dir, *tiny(), classes=CLASSES)


def job(model=None, **training):
    settings = {"per_device_train_batch_size": 8, "max_steps": 100_000, "save_steps": 1_000_000, **training}
    return spec(model=model or {"source": "dense"}, training=settings, export={"formats": ["safetensors"]})


def running(starter, home, few, ranks=1):
    attempt = Attempt(starter, home, job(), [few] * ranks).start().go()
    wait_until(lambda: attempt.step(0) > 2, within=20)
    return attempt


def test_a_rank_dies_with_its_supervisor(starter, tmp_path, few):
    attempt = running(starter, tmp_path, few)
    pids = read_json(attempt.paths(0).path / "pids.json")
    os.kill(pids["supervisor"], signal.SIGKILL)
    wait_until(lambda: not os.path.exists(f"/proc/{pids['rank']}"), within=4)
    assert not attempt.paths(0).exit.exists()


def test_a_rank_has_its_own_session_and_stays_on_its_cores(starter, tmp_path, few):
    attempt = running(starter, tmp_path, few)
    pids = read_json(attempt.paths(0).path / "pids.json")
    assert os.getsid(pids["rank"]) == pids["rank"] != os.getsid(pids["supervisor"]) == pids["supervisor"]
    assert len(os.sched_getaffinity(pids["rank"])) == 1
    attempt.want("cancel")
    attempt.wait(10)


def test_term_ends_a_rank_cleanly_with_everything_it_said(starter, tmp_path, few):
    attempt = running(starter, tmp_path, few)
    attempt.signal(0, signal.SIGTERM)
    (report,) = attempt.wait(5)
    assert (report["outcome"], report["reason"]) == ("failed", "killed")
    assert report["last_batch"] == len(batches(attempt.paths(0)))
    assert max(points(attempt.paths(0), "train/loss")) >= attempt.step(0)


def test_term_ends_a_rank_that_waits_for_another(starter, tmp_path, few):
    attempt = running(starter, tmp_path, few, ranks=2)
    attempt.signal(1, signal.SIGSTOP)
    attempt.want("cancel")
    attempt.signal(0, signal.SIGTERM)
    assert wait_until(lambda: read_json(attempt.paths(0).exit), within=15)["outcome"] == "cancelled"
    attempt.signal(1, signal.SIGKILL)
    attempt.wait(5)


def test_usr1_shows_where_every_thread_is(starter, tmp_path, few):
    attempt = running(starter, tmp_path, few)
    attempt.signal(0, signal.SIGUSR1)
    log = attempt.paths(0).log
    wait_until(lambda: log.read_text().count("most recent call first") >= 3, within=15)
    assert "fine_tune.py" in log.read_text()
    attempt.want("cancel")
    assert attempt.wait(10)[0]["outcome"] == "cancelled"


@pytest.mark.parametrize("word,outcome", [("cancel", "cancelled"), ("drain", "drained")])
def test_a_rank_that_was_not_let_go_yet_ends_when_it_is_told(starter, tmp_path, few, word, outcome):
    attempt = Attempt(starter, tmp_path, job(), [few]).start()
    wait_until((attempt.paths(0).path / "door.json").exists, within=20)
    attempt.want(word)
    assert attempt.wait(5)[0]["outcome"] == outcome


def test_an_impossible_label_ends_the_job_with_its_row(starter, tmp_path, data_dir):
    images, labels = tiny()
    labels[5] = 12
    bad = prepared_data(data_dir, images, labels, classes=CLASSES)
    reports = Attempt(starter, tmp_path, job(), [bad, bad]).run()
    assert {report["reason"] for report in reports} == {"bad_data"}
    assert {(report["params"]["split"], report["params"]["row"]) for report in reports} == {("train", 5)}


def test_data_without_a_split_to_evaluate_on_is_refused_before_training(starter, tmp_path, data_dir):
    images, labels = tiny(6)
    none_to_test = prepared_data(
        data_dir, images, labels, classes=CLASSES, splits=(("train", 0.7), ("validation", 1.0))
    )
    (report,) = Attempt(starter, tmp_path, job(), [none_to_test]).run()
    assert (report["reason"], report["params"]["split"]) == ("bad_data", "test")


def test_an_error_in_the_code_ends_the_job_with_its_traceback(starter, tmp_path, few):
    (report,) = Attempt(starter, tmp_path, job(), [few], env={"FLEETUNE_FAULT": "step:3:raise"}).run()
    assert report["reason"] == "code_error"
    assert "InjectedFault" in report["params"]["detail"] and "fine_tune.py" in report["params"]["traceback"]


def test_data_that_is_not_what_the_server_named_is_refused(starter, tmp_path, few):
    (report,) = Attempt(starter, tmp_path, job(), [few], more={"hash": "f" * 64}).run()
    assert report["reason"] == "recipe_mismatch"


def test_a_full_disk_costs_a_checkpoint_and_not_the_training(starter, tmp_path, few):
    full = {"FLEETUNE_FAULT": "ckpt.manifest:1:enospc"}
    attempt = Attempt(starter, tmp_path, job(max_steps=20, save_steps=8), [few], env=full)
    assert attempt.run()[0]["outcome"] == "succeeded"
    assert attempt.saved_by_all() == [16, 20]
    said = [line for batch in batches(attempt.paths(0)) for line in batch["log"]]
    warnings = [line["text"] for line in said if line["level"] == "warning"]
    assert len(warnings) == 1
    assert "step 8" in warnings[0] and "bytes are needed" in warnings[0]


def test_a_rank_that_dies_with_a_checkpoint_on_disk_has_told_the_points_before_it(starter, tmp_path, few):
    killed = {"FLEETUNE_FAULT": "ckpt.report:1:kill"}
    attempt = Attempt(starter, tmp_path, job(max_steps=100, save_steps=7), [few], env=killed)
    assert attempt.run() == [{}]
    assert attempt.saved_by_all()[-1] == 7
    assert list(points(attempt.paths(0), "train/loss"))[:7] == list(range(1, 8))


def test_a_job_with_a_time_limit_ends_as_a_success_that_met_it(starter, tmp_path, few):
    limited = {**job(), "schedule": {**job()["schedule"], "max_seconds": 1}}
    attempt = Attempt(starter, tmp_path, limited, [few, few])
    reports = attempt.run()
    assert {(report["outcome"], report["reason"]) for report in reports} == {("succeeded", "limit_reached")}
    assert attempt.saved_by_all()[-1] == events(attempt.paths(0), "stage", stage="fine_tune")[-1]["data"]["steps"]


def test_training_stops_early_when_nothing_gets_better(starter, tmp_path, few):
    attempt = Attempt(
        starter, tmp_path, job(learning_rate=0.0, early_stopping_patience=2, eval_steps=3, logging_steps=2), [few, few]
    )
    assert {report["outcome"] for report in attempt.run()} == {"succeeded"}
    assert list(points(attempt.paths(0), "eval/loss")) == [3, 6, 9]
    assert list(points(attempt.paths(1), "train/loss")) == [2, 4, 6, 8]


def test_only_the_head_learns_with_that_method(starter, tmp_path, few):
    from safetensors.torch import load_file

    head = {**job({"source": "conv", "channels": [4]}, max_steps=5), "method": {**job()["method"], "kind": "head"}}
    attempt = Attempt(starter, tmp_path, {**head, "training": {**head["training"], "save_steps": 4}}, [few, few])
    assert {report["outcome"] for report in attempt.run()} == {"succeeded"}
    before = load_file(attempt.checkpoints(0) / "step-4" / "model.safetensors")
    after = load_file(attempt.checkpoints(0) / "step-5" / "model.safetensors")
    changed = {name for name in before if not before[name].equal(after[name])}
    assert changed == {"head.weight", "head.bias"}


def test_preflight_runs_real_batches_and_answers(starter, tmp_path, few):
    errand = {"kind": "errand", "errand": {"kind": "preflight"}}
    (report,) = Attempt(starter, tmp_path, job(), [few], more=errand).run()
    answer = report["answer"]
    assert (report["kind"], report["outcome"], answer["ok"]) == ("errand", "succeeded", True)
    assert 0 < answer["step_seconds"] < 5 and answer["peak_memory_bytes"] > 2**20
    assert answer["data_hash"] == few.name and len(answer["graph_hash"]) == 64


def test_preflight_says_what_is_wrong(starter, tmp_path, data_dir):
    images, labels = tiny()
    labels[0] = -1
    bad = prepared_data(data_dir, images, labels, classes=CLASSES)
    errand = {"kind": "errand", "errand": {"kind": "preflight"}}
    answer = Attempt(starter, tmp_path, job(), [bad], more=errand).run()[0]["answer"]
    assert not answer["ok"] and answer["reason"] == "bad_data" and "row 0" in answer["detail"]


def test_a_rank_runs_in_a_fresh_interpreter_as_well(starter, tmp_path, few):
    attempt = Attempt(starter, tmp_path, job(max_steps=5), [few])
    attempt.prepare()
    attempt.let_go({"address": "127.0.0.1", "port": 0})
    subprocess.run([sys.executable, "-m", "training.run", str(attempt.paths(0).path)], cwd=ROOT, check=True, timeout=60)
    assert read_json(attempt.paths(0).exit)["outcome"] == "succeeded"
