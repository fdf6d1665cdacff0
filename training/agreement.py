"""Ranks show each other what they hold, so that a difference ends the attempt before it can spoil a step."""

from typing import Any

from contract.reasons import EndReason
from training.failures import Failure
from training.rendezvous import Group


def agree(group: Group, facts: dict[str, str], reason: EndReason) -> None:
    """Raise Failure with `reason`, naming the first fact that differs and the first two ranks that differ in it.

    All ranks have to give the same keys.
    """
    per_rank = _gathered(group, facts)
    for what in facts:
        values = [facts_of_rank[what] for facts_of_rank in per_rank]
        other = next((rank for rank, value in enumerate(values) if value != values[0]), None)
        if other is not None:
            sentence = f"rank 0 and rank {other} differ in {what}: {values[0]} and {values[other]}"
            raise Failure(reason, sentence, what=what, ranks=[0, other], values=[values[0], values[other]])


def _gathered(group: Group, facts: dict[str, str]) -> list[dict[str, Any]]:
    texts = group.gather("\n".join(facts.values()).encode())
    return [dict(zip(facts, text.decode().split("\n"), strict=True)) for text in texts]
