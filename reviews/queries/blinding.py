"""Decisions as somebody may see them: every page and export of decisions asks here."""

from django.db.models import Q

from reviews.models import Candidate
from reviews.rules.blinding import is_revealed
from reviews.terms import Stage, Verdict
from studies.models import User


def _revealed() -> Q:
    """The rule as a condition on decisions: which stage and verdict of the candidate reveal which stage's words."""
    condition = Q(pk__in=[])
    for said in Stage:
        for now in Stage:
            verdicts = [verdict for verdict in Verdict if is_revealed(said, now, verdict)]
            if verdicts:
                condition |= Q(stage=said, candidate__stage=now, candidate__verdict__in=verdicts)
    return condition


REVEALED = _revealed()


def visible_to(user: User | None) -> Q:
    """Which decisions this person may see: their own, and others' once everybody needed has decided."""
    return REVEALED | Q(reviewer=user) if user else REVEALED


def shown_rank(candidate: Candidate) -> float | None:
    """The ranking score, once it can sway nobody any more."""
    return candidate.rank if is_revealed(candidate.stage, candidate.stage, candidate.verdict) else None
