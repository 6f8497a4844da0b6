"""Freeze the flow diagram of a moment, with the rows behind every number."""

from django.db import transaction
from django.db.models import Max

from reviews.actions import log
from reviews.models import FlowVersion, Review
from reviews.queries import flow as queries
from studies.models import User


class DoesNotAddUp(Exception):
    """The numbers contradict each other: nothing is frozen until they agree."""


@transaction.atomic
def freeze(review: Review, *, by: User, label: str = "") -> FlowVersion:
    """Keep the flow as it is now. Raises DoesNotAddUp."""
    review = Review.objects.select_for_update().get(pk=review.pk)
    flow = queries.counted(review)
    shown = queries.snapshot(review, flow)
    if shown.breaks:
        raise DoesNotAddUp
    last = FlowVersion.objects.filter(review=review).aggregate(last=Max("number"))["last"] or 0
    version = FlowVersion.objects.create(
        review=review,
        number=last + 1,
        label=label,
        as_of=shown.as_of,
        by=by,
        search_run_ids=queries.run_ids(review),
        boxes=queries.frozen_values(review, flow, shown),
    )
    log.record("froze flow", version, review=review, by=by, number=version.number, label=label)
    return version
