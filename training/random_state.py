"""Random states: every rank draws from its own, and a checkpoint holds those of all ranks."""

import torch

from training.rendezvous import Group

PER_RANK = 1_000_003


def seed_rank(seed: int, rank: int) -> None:
    """From here on (dropout and the like) ranks draw differently."""
    torch.manual_seed(seed + PER_RANK * (rank + 1))


def random_states(group: Group, device: torch.device) -> dict[str, torch.Tensor]:
    """States of all ranks by "<rank>/<generator>", uint8."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    gathered = {name: group.gather(state.numpy().tobytes()) for name, state in states.items()}
    return {
        f"{rank}/{name}": torch.frombuffer(bytearray(data), dtype=torch.uint8)
        for name, per_rank in gathered.items()
        for rank, data in enumerate(per_rank)
    }


def put_random_states(states: dict[str, torch.Tensor], rank: int, device: torch.device) -> None:
    """Go on drawing where rank `rank` stood; a rank that was not there keeps what `seed_rank` gave it."""
    if f"{rank}/cpu" in states:
        torch.set_rng_state(states[f"{rank}/cpu"])
    if device.type == "cuda" and f"{rank}/cuda" in states:
        torch.cuda.set_rng_state(states[f"{rank}/cuda"], device)
