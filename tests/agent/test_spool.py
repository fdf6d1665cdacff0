from agent.spool import SpoolReader, append_log, last_lines
from contract.events import Batch


def write(path, *texts: str) -> None:
    with open(path, "ab") as file:
        file.write("".join(texts).encode())


def test_line_n_is_batch_n_and_a_line_that_is_not_whole_is_not_there_yet(tmp_path):
    spool = tmp_path / "spool.jsonl"
    reader = SpoolReader(spool)
    assert reader.look() == 0
    write(spool, "one\n", "two\n", "thr")
    assert reader.look() == 2
    assert reader.lines(1, 100) == [b"one", b"two"]
    write(spool, "ee\n")
    assert reader.look() == 3
    assert reader.lines(3, 100) == [b"three"]
    assert reader.lines(4, 100) == []


def test_lines_are_cut_into_posts_and_one_too_large_goes_alone(tmp_path):
    spool = tmp_path / "spool.jsonl"
    write(spool, "aaaa\n", "b" * 50 + "\n", "c\n", "d\n")
    reader = SpoolReader(spool)
    reader.look()
    assert reader.lines(1, 10) == [b"aaaa"]
    assert reader.lines(2, 10) == [b"b" * 50]
    assert reader.lines(3, 10) == [b"c", b"d"]


def test_the_supervisors_words_take_the_next_number_in_place_of_a_torn_line(tmp_path):
    spool = tmp_path / "spool.jsonl"
    write(spool, Batch(1, 1.0).to_line(), '{"batch": 2, "ti')
    assert append_log(spool, ["killed"], "error") == 2
    reader = SpoolReader(spool)
    assert reader.look() == 2
    assert b'"batch":2' in reader.lines(2, 1000)[0]
    assert b"killed" in reader.lines(2, 1000)[0]


def test_without_words_nothing_is_written_but_the_number_is_told(tmp_path):
    spool = tmp_path / "spool.jsonl"
    assert append_log(spool, [], "error") == 0
    write(spool, "one\n")
    assert append_log(spool, [], "error") == 1
    assert spool.read_bytes() == b"one\n"


def test_last_lines_come_from_the_end_and_a_missing_log_has_none(tmp_path):
    log = tmp_path / "rank.log"
    assert last_lines(log, 3) == []
    log.write_text("\n".join(f"line {n}" for n in range(1000)) + "\n\n")
    assert last_lines(log, 2) == ["line 998", "line 999"]
