"""Whose turn it is: shares of reports, and reports held for the person who has them open."""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from reviews.actions import log
from reviews.models import Assignment, Candidate, Membership, Review, ReviewStage, ScreeningDecision
from reviews.queries import screening as queries
from reviews.rules import screening as rules
from reviews.rules.permissions import PERMISSIONS, Permission
from reviews.terms import Dealing
from studies.models import User

HELD_FOR = timedelta(minutes=15)
# Nobody waits for the disk because of a hold: lost in a power cut, the card is dealt again.
_HOLD = """
SET LOCAL synchronous_commit TO off;
UPDATE reviews_candidate SET
    held_by_id = CASE WHEN id = %(now)s THEN %(user)s END,
    held_until = CASE WHEN id = %(now)s THEN %(until)s END,
    held_order = CASE WHEN id = %(now)s THEN %(order)s ELSE held_order END
WHERE id = %(now)s OR (review_id = %(review)s AND held_by_id = %(user)s AND NOT id = ANY(%(besides)s::bigint[]))
"""
_ROLES = [role for role, powers in PERMISSIONS.items() if Permission.SCREEN in powers]


def screeners(review: Review) -> QuerySet[Membership]:
    """Members who may decide now."""
    return review.memberships.active().filter(role__in=_ROLES, user__is_active=True)


@transaction.atomic
def deal(review: Review, *, by: User | None = None) -> int:
    """Give every open report as many reviewers as it needs, by their shares; what is dealt stays. Answers how many."""
    if review.dealing != Dealing.SHARE:
        return 0
    Review.objects.select_for_update().get(pk=review.pk)
    n = sum(_deal_stage(review, stage) for stage in review.stages.all())
    if n:
        log.record("dealt reports", review, review=review, by=by, n=n)
    return n


def _deal_stage(review: Review, stage: ReviewStage) -> int:
    seats = list(screeners(review))
    needed = rules.need(stage.mode, stage.n_pilot_reviewers)
    people = {seat.user_id for seat in seats}
    chosen = [seat for seat in seats if seat.is_expert and needed.expert]
    experts = {seat.user_id for seat in chosen}
    dealt = defaultdict(set)
    for candidate, user in Assignment.objects.filter(candidate__review=review, stage=stage.stage).values_list(
        "candidate", "user"
    ):
        if user in people:
            dealt[candidate].add(user)
    for candidate, user in _have_decided(review, stage.stage):
        dealt[candidate].add(user)
    turns, turns_of_experts = _turns(seats), _turns(chosen)
    rows = []
    wanting = Candidate.objects.filter(queries.in_hand(stage), review=review, verdict__in=rules.OPEN, duplicate_of=None)
    for candidate in wanting.order_by("shuffle").values_list("pk", flat=True):
        given = dealt[candidate]
        # The place that only an expert can take comes first: two others would wait for one who was never asked.
        if experts and not experts & given:
            _give(rows, candidate, stage, given, next(turns_of_experts))
        free = min(needed.n, len(people | given)) - len(given)
        for user in itertools.islice(_others(turns, given, people), max(0, free)):
            _give(rows, candidate, stage, given, user)
    Assignment.objects.bulk_create(rows, ignore_conflicts=True, batch_size=2000)
    return len(rows)


def _give(rows: list[Assignment], candidate: int, stage: ReviewStage, given: set[int], user: int) -> None:
    given.add(user)
    rows.append(Assignment(candidate_id=candidate, stage=stage.stage, user_id=user))


def _have_decided(review: Review, stage: str) -> Iterable[tuple[int, int]]:
    found = ScreeningDecision.objects.standing().filter(
        candidate__review=review, stage=stage, round=F("candidate__round")
    )
    return found.values_list("candidate", "reviewer")


def _turns(seats: Iterable[Membership]) -> Iterator[int]:
    """The reviewers in turn, each as often as their share says."""
    return itertools.cycle([seat.user_id for seat in seats for _ in range(max(1, seat.share))])


def _others(turns: Iterator[int], taken: set[int], people: set[int]) -> Iterator[int]:
    """Whose turn it is next, passing over those who have the report already; ends when nobody is left."""
    while people - taken:
        user = next(turns)
        if user not in taken:
            yield user


def free(review: Review, user: User) -> None:
    """Put back what the person holds and what was dealt to them and not decided, and deal it to the others."""
    Candidate.objects.filter(review=review, held_by=user).update(held_by=None, held_until=None)
    Assignment.objects.filter(candidate__review=review, user=user).delete()
    deal(review)


def hold(review: Review, user: User, candidate: Candidate | None, *, order: str, besides: Iterable[int] = ()) -> None:
    """Hold this candidate for the person, and let go of what else they hold, but for the cards they have open."""
    until = timezone.now() + HELD_FOR
    values = {"now": candidate.pk if candidate else 0, "user": user.pk, "until": until, "order": order}
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, values | {"review": review.pk, "besides": list(besides)})
    if candidate:
        candidate.held_by, candidate.held_until, candidate.held_order = user, until, order


def is_held_by_another(candidate: Candidate, user: User) -> bool:
    return bool(
        candidate.held_by_id
        and candidate.held_by_id != user.pk
        and candidate.held_until
        and candidate.held_until > timezone.now()
    )
