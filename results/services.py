"""What people decide about a version: how far it is trusted, and what its card says."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts import audit
from contract.problems import Invalid, Problem, gettext_noop, unknown
from results.models import ResultVersion, Stage

LONGEST_REASON = 400
LONGEST_CARD = 100_000


@transaction.atomic
def set_stage(
    version: ResultVersion, stage: Any, reason: Any, actor: Any, *, via: str, address: str | None = None
) -> None:
    """Trust it, or trust it no more, and say why. Raises Invalid."""
    if not isinstance(stage, str) or stage not in Stage.values:
        raise Invalid([unknown("stage", str(stage), Stage.values)])
    if not isinstance(reason, str) or not reason.strip() or len(reason) > LONGEST_REASON:
        sentence = gettext_noop("Say why, in at most %(most)s characters.")
        raise Invalid([Problem("reason", sentence, {"most": LONGEST_REASON})])
    before = {"stage": version.stage, "reason": version.stage_reason}
    version.stage, version.stage_reason = stage, reason.strip()
    version.staged_by, version.staged_at = actor, timezone.now()
    version.save(update_fields=["stage", "stage_reason", "staged_by", "staged_at"])
    after = {"stage": version.stage, "reason": version.stage_reason}
    audit.record(actor, "staged", version, via=via, before=before, after=after, address=address)


@transaction.atomic
def set_card(version: ResultVersion, card: Any, actor: Any, *, via: str, address: str | None = None) -> None:
    """Say in own words what the model is; "" goes back to the card made from facts. Raises Invalid."""
    if not isinstance(card, str) or len(card) > LONGEST_CARD:
        sentence = gettext_noop("Expected Markdown of at most %(most)s characters.")
        raise Invalid([Problem("card", sentence, {"most": LONGEST_CARD})])
    before = {"card": version.card}
    version.card = card
    version.save(update_fields=["card"])
    audit.record(actor, "described", version, via=via, before=before, after={"card": card}, address=address)
