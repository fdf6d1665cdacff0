import pytest

from agent.relay import Delivery, bring_all
from agent.server import NoAnswer, Refused, Server
from contract.agent_calls import Assignment
from contract.events import Batch, Frame
from tests.agent.fake_server import CREDENTIAL


@pytest.fixture
def spool(tmp_path):
    path = tmp_path / "spool.jsonl"
    lines = [Batch(n, float(n), [Frame([n], [float(n)], {"train/loss": [0.5]})]).to_line() for n in range(1, 21)]
    path.write_text("".join(lines))
    return path


@pytest.fixture
def holder(server):
    return server.assign()


def delivery(server, holder, spool) -> Delivery:
    return Delivery(Server(server.url, lambda: CREDENTIAL), Assignment.from_json(holder.assignment), spool)


def test_a_spool_is_brought_whole_and_in_order(server, holder, spool):
    bring_all(delivery(server, holder, spool))
    assert holder.numbers == list(range(1, 21))


def test_it_goes_on_from_the_number_that_the_server_holds(server, holder, spool):
    first = delivery(server, holder, spool)
    first.step()
    del holder.batches[7:]
    second = delivery(server, holder, spool)
    bring_all(second)
    assert holder.numbers == list(range(1, 21))
    assert second.complete


def test_an_answer_that_was_lost_doubles_nothing(server, holder, spool):
    server.swallow_answers = 2
    bringing = delivery(server, holder, spool)
    with pytest.raises(NoAnswer):
        bring_all(bringing)
    assert bringing.last_stored is None, "the number is asked for again"
    bring_all(bringing)
    assert holder.numbers == list(range(1, 21))


def test_what_is_refused_for_good_is_not_brought_again(server, holder, spool):
    holder.stale = True
    with pytest.raises(Refused):
        bring_all(delivery(server, holder, spool))


def test_impossible_batches_are_set_aside_each_with_a_line_in_its_place(server, holder, spool):
    holder.impossible = {1, 8, 20}
    bring_all(delivery(server, holder, spool))
    assert holder.numbers == list(range(1, 21))
    assert holder.steps() == [n for n in range(1, 21) if n not in holder.impossible]
    assert [line[:8] for line in holder.lines()] == ["Batch 1 ", "Batch 8 ", "Batch 20"]
    assert spool.with_name("set_aside.jsonl").read_text().count("\n") == 3
