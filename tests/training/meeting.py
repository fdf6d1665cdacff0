"""How a rank that only a test runs meets the others, as every rank does."""

from contract.agent_calls import Go
from training.rank import Rank
from training.rendezvous import Door, Group, join


def meet(run_dir: str) -> tuple[Rank, Go, Group]:
    rank = Rank.begin(run_dir)
    door = Door(rank.assignment.rank)
    rank.lifeline.tell({"port": door.port, "address": door.address})
    go = rank.wait_for_go()
    return rank, go, join(go, door, rank.device, rank.still_waiting)
