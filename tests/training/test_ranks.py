"""Real ranks that share one model: two of them, unless a test says otherwise."""

import json
import os
import signal
import time

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from contract.events import Batch
from contract.run_dir import read_json
from tests.training.exchanging import CALLS
from tests.training.factories import batches, events, mnist, points, prepared_data, spec, tiny
from tests.training.ranks import Attempt
from tests.waiting import wait_until

pytestmark = pytest.mark.integration
CLASSES = ["a", "b", "c"]
CONV = {"source": "conv", "channels": [4, 8], "hidden": [16]}


@pytest.fixture(scope="module")
def few(data_dir):
    """Easy data of 96 pictures, 67 of them to train on."""
    return prepared_data(data_dir, *tiny(), classes=CLASSES)


@pytest.fixture(scope="module")
def digits_of_mnist(data_dir):
    images, labels = mnist()
    return prepared_data(data_dir, images[:1500], labels[:1500])


def training(**settings):
    few_samples = {"per_device_train_batch_size": 8, "learning_rate": 0.01, "optim": "adam", "max_steps": 20}
    return {"training": {**few_samples, **settings}, "export": {"formats": ["safetensors"]}}


def endless(**settings):
    """Nothing but steps, without a look at the validation split or a save."""
    return spec(model=CONV, **training(max_steps=100_000, save_steps=1_000_000, eval_steps=1_000_000, **settings))


def weights_hashes(attempt) -> set[str]:
    """What the ranks held when they had trained: one hash if they share one model."""
    ended = [events(attempt.paths(rank), "stage", stage="fine_tune", state="ended") for rank in attempt.ranks]
    return {each[-1]["data"]["weights_hash"] for each in ended}


def steady_step(attempt, rank: int, seconds: float) -> int:
    """The step of a rank once it has not moved for so long."""
    seen = {"step": -1, "since": time.monotonic()}

    def unmoved():
        step = attempt.step(rank)
        if step != seen["step"]:
            seen.update(step=step, since=time.monotonic())
        return time.monotonic() - seen["since"] > seconds

    wait_until(unmoved, within=seconds + 10)
    return seen["step"]


def test_two_ranks_train_one_model_and_tell_every_step_once(starter, tmp_path, few):
    job = spec(model=CONV, **training(num_train_epochs=3, max_steps=-1, learning_rate=0.02))
    attempt = Attempt(starter, tmp_path, job, [few, few])
    reports = attempt.run()
    assert [report["outcome"] for report in reports] == ["succeeded", "succeeded"]
    assert len(weights_hashes(attempt)) == 1
    for rank in attempt.ranks:
        paths = attempt.paths(rank)
        told = [Batch.from_json(batch) for batch in batches(paths)]
        assert [batch.number for batch in told] == list(range(1, reports[rank]["last_batch"] + 1))
        assert told[0].events[0].type == "started"
        started = told[0].events[0].data
        assert started["total_steps"] == 15 and started["steps_per_epoch"] == 5
        for key, cadence in started["cadences"].items():
            assert list(points(paths, key)) == list(range(cadence, 16, cadence)), key
        stages = [(event["data"]["stage"], event["data"]["state"]) for event in events(paths, "stage")]
        assert stages == [
            (stage, state)
            for stage in ("preprocess", "compile", "fine_tune", "evaluate")
            for state in ("began", "ended")
        ]
        assert events(paths, "evaluation")[0]["data"]["metrics"]["accuracy"] >= 0.9
    ended = [[event["data"] for event in events(attempt.paths(rank), "stage", state="ended")] for rank in attempt.ranks]
    assert all(proof.pop("seconds") >= 0 for proofs in ended for proof in proofs)
    assert all(proof.pop("peak_memory_bytes", 1) > 0 for proofs in ended for proof in proofs)
    said = [[{k: v for k, v in proof.items() if not k.endswith("_seconds")} for proof in proofs] for proofs in ended]
    assert said[0] == said[1]
    assert points(attempt.paths(0), "train/loss") == points(attempt.paths(1), "train/loss")
    assert not [name for name in os.listdir("/dev/shm") if name.startswith("fleetune-")]


def test_the_number_of_ranks_does_not_change_the_training(starter, tmp_path, few):
    """Ranks see disjoint parts of the same global batches, the last, smaller one of an epoch included."""
    results = []
    for world_size, batch_size in ((1, 24), (2, 12), (3, 8)):
        job = spec(model=CONV, **training(per_device_train_batch_size=batch_size, max_steps=7))
        attempt = Attempt(starter, tmp_path / str(world_size), job, [few] * world_size)
        assert {report["outcome"] for report in attempt.run()} == {"succeeded"}
        results.append((attempt, load_file(attempt.paths(0).artifacts / "model.safetensors")))
    (first, alone), *others = results
    for attempt, together in others:
        for name, weights in alone.items():
            torch.testing.assert_close(together[name], weights, atol=2e-5, rtol=1e-4)
        losses = np.array(list(points(attempt.paths(0), "train/loss").values()))
        np.testing.assert_allclose(losses, list(points(first.paths(0), "train/loss").values()), rtol=1e-4)


def test_a_stopped_rank_stops_the_other(starter, tmp_path, few):
    attempt = Attempt(starter, tmp_path, endless(), [few, few]).start().go()
    wait_until(lambda: attempt.step(0) > 5, within=20)
    attempt.signal(1, signal.SIGSTOP)
    halted = steady_step(attempt, rank=0, seconds=1)
    attempt.signal(1, signal.SIGCONT)
    wait_until(lambda: attempt.step(0) > halted and attempt.step(1) > halted, within=10)
    attempt.want("cancel")
    assert {report["outcome"] for report in attempt.wait(10)} == {"cancelled"}


def test_a_frozen_rank_is_given_up_and_named(starter, tmp_path, few):
    attempt = Attempt(starter, tmp_path, endless(), [few, few]).start().go()
    wait_until(lambda: attempt.step(0) > 5, within=20)
    attempt.signal(1, signal.SIGSTOP)
    report = wait_until(lambda: read_json(attempt.paths(0).exit), within=20)
    assert (report["reason"], report["params"]["peer"], report["params"]["what"]) == ("sync_timeout", 1, "silent")
    attempt.signal(1, signal.SIGKILL)
    attempt.wait(10)


def test_a_killed_rank_is_noticed_at_once(starter, tmp_path, few):
    attempt = Attempt(starter, tmp_path, endless(), [few, few]).start().go()
    wait_until(lambda: attempt.step(0) > 5, within=20)
    attempt.signal(1, signal.SIGKILL)
    report = wait_until(lambda: read_json(attempt.paths(0).exit), within=10)
    assert (report["reason"], report["params"]["peer"], report["params"]["what"]) == ("sync_timeout", 1, "gone")
    assert attempt.wait(5)[1] == {}
    assert read_json(attempt.paths(1).path / "ended.json")["code"] == -signal.SIGKILL


def test_a_rank_that_is_killed_while_others_await_it_is_noticed(starter, tmp_path, few):
    job = spec(model=CONV, **training(eval_steps=5))
    killed = {1: {"FLEETUNE_FAULT": "evaluate:2:kill"}}
    reports = Attempt(starter, tmp_path, job, [few, few], env_of=killed).run()
    assert reports[1] == {}
    params = reports[0]["params"]
    assert (reports[0]["reason"], params["peer"], params["what"]) == ("sync_timeout", 1, "gone")


@pytest.mark.parametrize("world_size", [1, 2, 3])
def test_a_killed_run_that_goes_on_ends_with_the_same_bits(starter, tmp_path, few, world_size):
    job = spec(model=CONV, **training(save_steps=5, lr_scheduler_type="cosine", optim="adamw", weight_decay=0.01))
    whole = Attempt(starter, tmp_path / "whole", job, [few] * world_size)
    assert {report["outcome"] for report in whole.run()} == {"succeeded"}
    killed = {world_size - 1: {"FLEETUNE_FAULT": "step:13:kill"}}
    broken = Attempt(starter, tmp_path / "broken", job, [few] * world_size, env_of=killed)
    assert broken.run()[-1] == {}
    resumed = broken.again(resume_step=broken.saved_by_all()[-1])
    assert resumed.resume_step in (5, 10)
    assert {report["outcome"] for report in resumed.run()} == {"succeeded"}
    assert list(points(resumed.paths(0), "train/loss")) == list(range(resumed.resume_step + 1, 21))
    assert weights_hashes(resumed) == weights_hashes(whole)


def test_a_drained_run_saves_at_one_step_and_goes_on_with_the_same_bits(starter, tmp_path, few):
    job = spec(model=CONV, **training(max_steps=600))
    whole = Attempt(starter, tmp_path / "whole", job, [few, few])
    whole.run()
    attempt = Attempt(starter, tmp_path / "drained", job, [few, few]).start().go()
    wait_until(lambda: attempt.step(0) > 5, within=20)
    attempt.want("drain")
    reports = attempt.wait(10)
    assert [(report["outcome"], report["reason"]) for report in reports] == [("drained", "drained")] * 2
    saved = [events(attempt.paths(rank), "checkpoint")[-1]["data"] for rank in attempt.ranks]
    assert saved[0]["step"] == saved[1]["step"] < 600
    assert saved[0]["manifest_sha256"] == saved[1]["manifest_sha256"]
    resumed = attempt.again(resume_step=saved[0]["step"])
    resumed.run()
    assert weights_hashes(resumed) == weights_hashes(whole)


def test_a_damaged_checkpoint_on_one_device_sends_all_ranks_to_the_one_before(starter, tmp_path, few):
    job = spec(model=CONV, **training(save_steps=5))
    whole = Attempt(starter, tmp_path / "whole", job, [few, few])
    whole.run()
    broken = Attempt(starter, tmp_path / "broken", job, [few, few], env={"FLEETUNE_FAULT": "step:18:kill"})
    broken.run()
    before, newest = broken.saved_by_all()[-2:]
    weights = broken.checkpoints(1) / f"step-{newest}" / "model.safetensors"
    flipped = bytearray(weights.read_bytes())
    flipped[-7] ^= 4
    weights.write_bytes(flipped)
    resumed = broken.again(resume_step=newest)
    assert {report["outcome"] for report in resumed.run()} == {"succeeded"}
    choice = events(resumed.paths(0), "choice", what="resume step")[0]["data"]
    assert choice["chosen"] == str(before)
    assert (broken.checkpoints(1) / f"damaged-step-{newest}").is_dir()
    assert weights_hashes(resumed) == weights_hashes(whole)


def test_a_loss_that_is_not_a_number_ends_both_ranks_and_saves_nothing_of_it(starter, tmp_path, few):
    wild = training(learning_rate=100.0, optim="sgd", max_grad_norm=0.0, max_steps=200, save_steps=1)
    attempt = Attempt(starter, tmp_path, spec(model=CONV, **wild), [few, few])
    reports = attempt.run()
    assert {report["reason"] for report in reports} == {"nan_loss"}
    step = reports[0]["params"]["step"]
    assert points(attempt.paths(0), "train/loss")[step] in ("nan", "inf")
    saved = [event["step"] for event in events(attempt.paths(0), "checkpoint")]
    assert all(each < step for each in saved)


def test_permuted_labels_teach_nothing(starter, tmp_path, data_dir):
    images, labels = mnist()
    shuffled = prepared_data(data_dir, images, np.random.default_rng(1).permutation(labels))
    job = spec(model={"source": "dense"}, **training(num_train_epochs=3, max_steps=-1, per_device_train_batch_size=64))
    attempt = Attempt(starter, tmp_path, job, [shuffled, shuffled])
    attempt.run()
    metrics = [events(attempt.paths(rank), "evaluation")[0]["data"]["metrics"] for rank in attempt.ranks]
    assert metrics[0] == metrics[1]
    assert 0.05 < metrics[0]["accuracy"] < 0.16


def test_going_on_from_a_trained_model_beats_starting_anew(starter, tmp_path, digits_of_mnist, data_dir):
    from tests.training.factories import digits

    target = prepared_data(data_dir, *digits())
    learns = spec(model=CONV, **training(num_train_epochs=5, max_steps=-1, learning_rate=0.005))
    source = Attempt(starter, tmp_path / "source", learns, [digits_of_mnist] * 2)
    source.run()
    means = {}
    for begin in ({"source": "job", "id": 1}, CONV):
        accuracies = []
        for seed in (1, 2, 3):
            job = spec(model=begin, **training(max_steps=10, per_device_train_batch_size=32, seed=seed))
            home = tmp_path / f"{begin['source']}{seed}"
            attempt = Attempt(starter, home, job, [target] * 2, model_dir=str(source.paths(0).artifacts))
            attempt.run()
            accuracies.append(events(attempt.paths(0), "evaluation")[0]["data"]["metrics"]["accuracy"])
        means[begin["source"]] = sum(accuracies) / 3
    assert means["job"] > means["conv"] + 0.2, means


def test_other_data_on_one_rank_ends_both_before_the_first_step(starter, tmp_path, few, data_dir):
    other = prepared_data(data_dir, *tiny(seed=1), classes=CLASSES)
    attempt = Attempt(starter, tmp_path, spec(model=CONV, **training()), [few, other])
    assert {report["reason"] for report in attempt.run()} == {"recipe_mismatch"}
    assert points(attempt.paths(0), "train/loss") == {}


def test_another_model_on_one_rank_ends_both_before_the_first_step(starter, tmp_path, few):
    seeds = [spec(model=CONV, **training(seed=seed)) for seed in (1, 2)]
    attempt = Attempt(starter, tmp_path, seeds[0], [few, few], spec_of={1: seeds[1]})
    reports = attempt.run()
    assert {report["reason"] for report in reports} == {"version_mismatch"}
    assert reports[0]["params"]["what"] == "weights"
    assert points(attempt.paths(0), "train/loss") == {}


@pytest.mark.parametrize("world_size", [2, 3])
def test_both_ways_to_exchange_give_one_sum_to_all(starter, tmp_path, few, world_size):
    attempt = Attempt(starter, tmp_path, spec(), [few] * world_size, runs="tests.training.exchanging:main")
    attempt.start().go().wait(30)
    for rank in attempt.ranks:
        found = json.loads((attempt.paths(rank).path / "exchanged.json").read_text())
        assert found["agreed"] and found["close"] == CALLS
        assert found["equal"] == CALLS or world_size > 2
        assert found["reason"] == "all ranks run on one host"
