"""Real ranks of unlike speed."""

import numpy as np
import pytest

from tests.training.factories import events, points, prepared_data, spec, tiny
from tests.training.ranks import Attempt
from tests.training.slow_data import MILLISECONDS

pytestmark = pytest.mark.integration


def test_measured_shares_shorten_the_steps_and_change_nothing_else(starter, tmp_path, data_dir):
    """One rank takes 8 ms a sample, the other 1 ms: even shares take 128 ms a step, the best ones about 28."""
    images, labels = tiny(count=2000)
    data = prepared_data(data_dir, images, labels, classes=["a", "b", "c"])
    seconds, losses, attempts = {}, {}, {}
    for shares in ("even", "measured"):
        training = {"per_device_train_batch_size": 16, "max_steps": 60, "learning_rate": 0.005, "optim": "sgd"}
        parallel, export = {"shares": shares}, {"formats": ["safetensors"]}
        job = spec(model={"source": "dense"}, training=training, parallel=parallel, export=export)
        slow = {0: {MILLISECONDS: "1"}, 1: {MILLISECONDS: "8"}}
        ranks = {"env_of": slow, "runs": "tests.training.slow_data:main"}
        attempt = attempts[shares] = Attempt(starter, tmp_path / shares, job, [data] * 2, **ranks)
        assert [report["outcome"] for report in attempt.run(within=120)] == ["succeeded"] * 2
        times = list(points(attempt.paths(0), "train/step_seconds").values())
        seconds[shares] = float(np.median(times[30:]))
        losses[shares] = np.array(list(points(attempt.paths(0), "train/loss").values()))
    assert seconds["even"] / seconds["measured"] > 1.5, seconds
    np.testing.assert_allclose(losses["measured"], losses["even"], rtol=1e-4)
    chosen = events(attempts["measured"].paths(0), "choice", what="shares of a batch")
    assert chosen and int(chosen[-1]["data"]["chosen"].split("%")[0]) > 75
    named = events(attempts["even"].paths(0), "choice", what="slow rank")
    assert named and named[0]["data"]["chosen"] == "rank 1: data"
