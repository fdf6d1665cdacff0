"""Real ranks that share one model in every way there is."""

import shutil

import numpy as np
import pytest
from safetensors.torch import load_file

from tests.training.factories import events, points, prepared_data, spec, tiny
from tests.training.ranks import Attempt

pytestmark = pytest.mark.integration
CLASSES = ["a", "b", "c"]
NET = {"source": "dense", "hidden": [16, 16, 16]}
GLOBAL_BATCH = 16


@pytest.fixture(scope="module")
def few(data_dir):
    """Easy data of 96 pictures, 67 of them to train on: 4 full global batches and one of 3 samples."""
    return prepared_data(data_dir, *tiny(), classes=CLASSES)


def job(strategy, world_size, **settings):
    batch_size = GLOBAL_BATCH // world_size
    training = {"per_device_train_batch_size": batch_size, "learning_rate": 0.005, "max_steps": 50, **settings}
    parallel = {"strategy": strategy}
    return spec(model=NET, training=training, parallel=parallel, export={"formats": ["safetensors"]})


def losses(attempt) -> np.ndarray:
    return np.array(list(points(attempt.paths(0), "train/loss").values()))


@pytest.fixture(scope="module")
def alone(starter, tmp_path_factory, few):
    """The reference: one rank."""
    attempt = Attempt(starter, tmp_path_factory.mktemp("alone"), job("ddp", 1), [few])
    assert [report["outcome"] for report in attempt.run()] == ["succeeded"]
    return attempt


@pytest.mark.parametrize("world_size", [2, 4])
@pytest.mark.parametrize("strategy", ["ddp", "fsdp", "tensor", "pipeline"])
def test_every_strategy_trains_what_one_rank_trains(starter, tmp_path, few, alone, strategy, world_size):
    attempt = Attempt(starter, tmp_path, job(strategy, world_size), [few] * world_size)
    reports = attempt.run()
    assert [report["outcome"] for report in reports] == ["succeeded"] * world_size, reports
    assert len(losses(attempt)) == 50
    np.testing.assert_allclose(losses(attempt), losses(alone), rtol=1e-5)
    reference = load_file(alone.paths(0).artifacts / "model.safetensors")
    trained = load_file(attempt.paths(0).artifacts / "model.safetensors")
    assert {name: tensor.shape for name, tensor in trained.items()} == {n: t.shape for n, t in reference.items()}
    metrics = [events(attempt.paths(rank), "evaluation")[0]["data"]["metrics"] for rank in attempt.ranks]
    assert all(each == metrics[0] for each in metrics)
    parameters, whole = [facts["parameters"] for facts in held(attempt)], held(alone)[0]["parameters"]
    if strategy in ("fsdp", "pipeline"):
        assert sum(parameters) == whole
    elif strategy == "tensor":
        assert max(parameters) < 1.5 * whole / world_size
    else:
        assert parameters == [whole] * world_size


@pytest.mark.parametrize("strategy", ["fsdp", "tensor", "pipeline"])
def test_a_checkpoint_of_two_ranks_goes_on_with_the_same_bits_and_on_any_number(starter, tmp_path, few, strategy):
    settings = {"max_steps": 10, "save_steps": 4, "weight_decay": 0.01}
    whole = Attempt(starter, tmp_path / "whole", divisible(strategy, 2, **settings), [few] * 2)
    assert [report["outcome"] for report in whole.run()] == ["succeeded"] * 2
    killed = {1: {"FLEETUNE_FAULT": "step:9:kill"}}
    broken = Attempt(starter, tmp_path / "broken", divisible(strategy, 2, **settings), [few] * 2, env_of=killed)
    assert broken.run()[-1] == {}
    step = broken.saved_by_all()[-1]
    assert step in (4, 8)
    saved = {}
    for world_size in (1, 3):
        home = tmp_path / str(world_size)
        for rank in range(world_size):
            shutil.copytree(broken.checkpoints(0), home / f"device{rank}" / "checkpoints")
        other = divisible(strategy, world_size, **settings)
        resized = Attempt(starter, home, other, [few] * world_size, resume_step=step)
        assert [report["outcome"] for report in resized.run()] == ["succeeded"] * world_size
        np.testing.assert_allclose(losses(resized), losses(whole)[step:], rtol=1e-5)
        saved[world_size] = events(resized.paths(0), "stage", stage="compile", state="ended")[0]["data"]["weights_hash"]
    resumed = broken.again(resume_step=step)
    assert [report["outcome"] for report in resumed.run()] == ["succeeded"] * 2
    assert weights_hashes(resumed) == weights_hashes(whole)
    loaded = events(resumed.paths(0), "stage", stage="compile", state="ended")[0]["data"]["weights_hash"]
    assert set(saved.values()) == {loaded}


def test_sharded_ranks_hold_half_and_need_less_memory(starter, tmp_path, few):
    """Peak memory is that of the process. A layer of 36 MB is above what the allocator keeps for itself when freed."""
    ended = {}
    for strategy in ("ddp", "fsdp"):
        training = {"per_device_train_batch_size": 4, "max_steps": 2, "eval_steps": 2}
        model = {"source": "dense", "hidden": [3000, 3000]}
        parallel, export = {"strategy": strategy}, {"formats": ["safetensors"]}
        large = spec(model=model, training=training, parallel=parallel, export=export)
        attempt = Attempt(starter, tmp_path / strategy, large, [few] * 2)
        assert [report["outcome"] for report in attempt.run()] == ["succeeded"] * 2
        ended[strategy] = held(attempt)
    whole = 36 * 3000 + 3000 + 3000 * 3000 + 3000 + 3000 * 3 + 3
    assert [facts["parameters"] for facts in ended["ddp"]] == [whole] * 2
    assert sum(facts["parameters"] for facts in ended["fsdp"]) == whole
    assert max(facts["parameters"] for facts in ended["fsdp"]) < 0.51 * whole
    assert ended["fsdp"][0]["peak_memory_bytes"] < ended["ddp"][0]["peak_memory_bytes"]


@pytest.mark.parametrize("outer", ["mean", "diloco"])
def test_local_ranks_meet_as_one_model_and_go_on_with_the_same_bits(starter, tmp_path, few, outer):
    def job(world_size):
        training = {"per_device_train_batch_size": 12 // world_size, "learning_rate": 0.01, "max_steps": 20}
        parallel = {"strategy": "local-sgd", "sync_every": 3, "outer": outer}
        training |= {"save_steps": 8, "max_grad_norm": 0.5}
        return spec(model=NET, training=training, parallel=parallel, export={"formats": ["safetensors"]})

    whole = Attempt(starter, tmp_path / "whole", job(2), [few] * 2)
    assert [report["outcome"] for report in whole.run()] == ["succeeded"] * 2
    assert len(weights_hashes(whole)) == 1
    first, second = (points(whole.paths(rank), "train/loss") for rank in whole.ranks)
    assert first[1] != second[1]  # each tells the loss of its own samples
    broken = Attempt(starter, tmp_path / "broken", job(2), [few] * 2, env_of={1: {"FLEETUNE_FAULT": "step:18:kill"}})
    assert broken.run()[-1] == {}
    step = broken.saved_by_all()[-1]
    assert step in (8, 16)
    for world_size in (1, 3):
        home = tmp_path / str(world_size)
        for rank in range(world_size):
            shutil.copytree(broken.checkpoints(0), home / f"device{rank}" / "checkpoints")
        resized = Attempt(starter, home, job(world_size), [few] * world_size, resume_step=step)
        assert [report["outcome"] for report in resized.run()] == ["succeeded"] * world_size
        assert events(resized.paths(0), "evaluation")[0]["data"]["metrics"]["loss"] < first[1]
    resumed = broken.again(resume_step=step)
    assert [report["outcome"] for report in resumed.run()] == ["succeeded"] * 2
    assert weights_hashes(resumed) == weights_hashes(whole)


@pytest.mark.parametrize(
    "strategy, hidden, world_size, says",
    [
        ("pipeline", [8], 3, "2 layers with weights, too few for 3 devices"),
        ("tensor", [9, 8], 2, "9 wide, which 2 devices cannot share evenly"),
    ],
)
def test_what_cannot_be_cut_is_said_by_the_job_and_before_it(
    starter, tmp_path, few, strategy, hidden, world_size, says
):
    parts = {"model": {"source": "dense", "hidden": hidden}, "parallel": {"strategy": strategy}}
    impossible = spec(devices={"count": world_size}, training={"max_steps": 2}, **parts)
    attempt = Attempt(starter, tmp_path / "job", impossible, [few] * world_size)
    reports = attempt.run()
    assert {report["reason"] for report in reports} == {"impossible"}
    assert says in reports[0]["params"]["detail"]
    errand = {"kind": "errand", "errand": {"kind": "preflight"}}
    before = Attempt(starter, tmp_path / "before", impossible, [few], more=errand)
    answer = before.run()[0]["answer"]
    assert (answer["ok"], answer["reason"]) == (False, "impossible")
    assert says in answer["detail"]


def divisible(strategy, world_size, **settings):
    """Widths and batches that 1, 2 and 3 ranks can share."""
    training = {"per_device_train_batch_size": 12 // world_size, "learning_rate": 0.005, **settings}
    parallel = {"strategy": strategy}
    model = {"source": "dense", "hidden": [12, 12, 12]}
    return spec(model=model, training=training, parallel=parallel, export={"formats": ["safetensors"]})


def held(attempt) -> list[dict]:
    """What each rank told at the end of its training: what it held, its hash, its memory."""
    return [events(attempt.paths(r), "stage", stage="fine_tune", state="ended")[-1]["data"] for r in attempt.ranks]


def weights_hashes(attempt) -> set[str]:
    return {facts["weights_hash"] for facts in held(attempt)}
