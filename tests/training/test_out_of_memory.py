"""A batch that is too large for a device's memory is found before the job starts, with one that fits."""

import pytest

from tests.training.factories import prepared_data, spec, tiny
from tests.training.ranks import Attempt
from training.fitting_batch import largest_fitting

BOUND = {"FLEETUNE_MEMORY_BYTES": str(120 * 2**20)}
TOO_LARGE = 4096


@pytest.mark.parametrize(("asked", "room"), [(64, 20), (64, 1), (4096, 1500), (3, 2), (2, 1)])
def test_the_batch_that_is_named_fits_and_a_little_more_does_not(asked, room):
    tries = []
    found = largest_fitting(asked, lambda batch: tries.append(batch) or batch <= room)
    assert found <= room and room - found <= max(1, found // 8)
    assert len(tries) <= 2 * asked.bit_length()


def test_where_not_even_one_sample_fits_the_answer_is_none_of_them():
    assert largest_fitting(64, lambda batch: False) == 0
    assert largest_fitting(1, lambda batch: False) == 0


def test_a_search_that_takes_too_long_tells_what_it_has_found():
    answers = iter([False, True, None])
    assert largest_fitting(64, lambda batch: next(answers)) == 16
    assert largest_fitting(64, lambda batch: None) is None


@pytest.mark.integration
def test_a_preflight_names_a_batch_that_fits_and_training_with_it_does(starter, tmp_path):
    data = prepared_data(tmp_path / "data", *tiny(count=6000))
    settings = {"max_steps": 2, "per_device_train_batch_size": TOO_LARGE, "optim": "sgd"}
    model = {"source": "dense", "hidden": [4096]}

    def ran(name, batch, **more):
        job = spec(model=model, training=settings | {"per_device_train_batch_size": batch}, export={"formats": []})
        [report] = Attempt(starter, tmp_path / name, job, [data], env=BOUND, **more).run()
        return report

    preflight = {"more": {"kind": "errand", "errand": {"kind": "preflight"}}}
    told = ran("too-large", TOO_LARGE, **preflight)["answer"]
    assert (told["ok"], told["reason"]) == (False, "out_of_memory"), told
    assert 0 < told["fits"] < TOO_LARGE
    assert ran("fitting", told["fits"], **preflight)["answer"]["ok"]
    ended = ran("job", TOO_LARGE)
    assert (ended["outcome"], ended["reason"]) == ("failed", "out_of_memory")
    assert ran("again", told["fits"])["outcome"] == "succeeded"
