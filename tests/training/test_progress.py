import time

from contract.run_dir import read_json
from training.progress import SignOfLife


def test_a_new_stage_is_written_at_once_with_its_budget(tmp_path):
    sign = SignOfLife(tmp_path / "progress.json")
    before = time.monotonic()
    sign.enter("compile", 60, "checkpointing")
    told = read_json(tmp_path / "progress.json")
    assert (told["stage"], told["budget"], told["activity"], told["step"]) == ("compile", 60, "checkpointing", 0)
    assert before <= told["at"] <= time.monotonic()


def test_steps_are_written_at_most_each_quarter_second(tmp_path):
    sign = SignOfLife(tmp_path / "progress.json")
    sign.enter("fine_tune", 30)
    sign.step(1, 0.01)
    assert read_json(tmp_path / "progress.json")["step"] == 0


def test_the_budget_follows_the_steps_and_is_at_least_a_second(tmp_path, monkeypatch):
    monkeypatch.setattr("training.progress.WRITE_EVERY_S", 0.0)
    sign = SignOfLife(tmp_path / "progress.json")
    sign.step(1, 0.01)
    assert read_json(tmp_path / "progress.json")["budget"] == 1.0
    for step in range(2, 60):
        sign.step(step, 2.0)
    assert read_json(tmp_path / "progress.json")["budget"] == 6.0
