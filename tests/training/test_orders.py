import os

import pytest

from training import orders
from training.lifeline import Terminated
from training.orders import Orders


def want(path, word):
    aside = path.with_name("new")
    aside.write_text(word)
    os.replace(aside, path)


def test_without_a_file_the_word_is_run(tmp_path):
    assert Orders(tmp_path / "wanted").word() == "run"


def test_a_word_is_heard_once_it_is_looked_at_again(tmp_path, monkeypatch):
    monkeypatch.setattr(orders, "LOOK_EVERY_S", 0.0)
    listening = Orders(tmp_path / "wanted")
    want(tmp_path / "wanted", "drain\n")
    assert listening.word() == "drain"
    want(tmp_path / "wanted", "cancel")
    assert listening.word() == "cancel"


def test_the_file_is_not_looked_at_each_step(tmp_path):
    listening = Orders(tmp_path / "wanted")
    assert listening.word() == "run"
    want(tmp_path / "wanted", "cancel")
    assert listening.word() == "run"
    assert listening.latest() == "cancel"


def test_stop_ends_the_rank_at_once(tmp_path):
    want(tmp_path / "wanted", "stop")
    with pytest.raises(Terminated):
        Orders(tmp_path / "wanted").word()
