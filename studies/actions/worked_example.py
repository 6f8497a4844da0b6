"""The worked example of the page that checks citations: made once, and asked about again from time to time."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from studies.actions import checking, locks, resolving
from studies.models import CheckedReference, CitationCheck
from studies.rules.references import Cited, references_in
from studies.terms import CheckState, CheckVerdict

# The reference that the project's first article gives.
EXAMPLE = (
    "Yin et al. 2017. Adipose-derived mesenchymal stem cells for skin rejuvenation: A systematic review and "
    "meta-analysis of randomized controlled trials, PMC5600176"
)
_EVERY = timedelta(days=1)
_ANSWERS = (CheckVerdict.MATCH, CheckVerdict.MISMATCH, CheckVerdict.NOT_FOUND, CheckVerdict.AMBIGUOUS)


def example() -> CitationCheck | None:
    return CitationCheck.objects.filter(is_example=True).first()


def tend(now: datetime) -> CitationCheck:
    """The worked example: made once, asked again every day, and sooner while no source has answered."""
    check = example() or _make()
    if is_due(now):
        _ask(check.pk, now)
    return CitationCheck.objects.get(pk=check.pk)


def is_due(now: datetime) -> bool:
    check = example()
    return not check or check.asked_at <= now - _EVERY or _is_unanswered(check, now)


def _is_unanswered(check: CitationCheck, now: datetime) -> bool:
    return check.references.exclude(verdict__in=_ANSWERS).exists() and check.asked_at <= now - timedelta(minutes=10)


def _make() -> CitationCheck:
    try:
        with transaction.atomic():
            return checking.keep(references_in(EXAMPLE), by=None, is_example=True, asked_at=timezone.now() - 2 * _EVERY)
    except IntegrityError:  # another process made it in the same second
        return CitationCheck.objects.get(is_example=True)


def _ask(check_id: int, now: datetime) -> None:
    """A source that is down leaves the last answer, with its date, as it is."""
    if not locks.claim_check(check_id):
        return
    try:
        rows = list(CheckedReference.objects.filter(check_of=check_id))
        desk = checking.open_desk()
        outcomes = resolving.resolve({one.pk: Cited.of(one.pasted, one.cited) for one in rows}, desk)
        answered = [one for one in rows if outcomes[one.pk].verdict in _ANSWERS or one.verdict not in _ANSWERS]
        checking.write(check_id, answered, {one.pk: outcomes[one.pk] for one in answered})
        CitationCheck.objects.filter(pk=check_id).update(asked_at=now, state=CheckState.FINISHED, finished_at=now)
    finally:
        locks.release_check(check_id)
