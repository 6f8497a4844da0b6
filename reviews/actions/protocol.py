"""Protocols: begin a review, change what it asks, write a new version of its criteria."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils.text import slugify

from reviews.actions import log
from reviews.models import (
    CriteriaVersion,
    Criterion,
    Membership,
    Review,
    ReviewStage,
    ScreeningDecision,
    StatusStatement,
)
from reviews.rules import criteria as rules
from reviews.rules.criteria import Draft
from reviews.terms import Role, Stage
from studies.models import User

_LONGEST_SLUG = 50


@transaction.atomic
def create_review(*, by: User, title: str, **fields: Any) -> Review:
    """A review with its first lead, both stages, and criteria yet to be written."""
    review = Review.objects.create(title=title, slug=_free_slug(title), created_by=by, **fields)
    ReviewStage.objects.bulk_create([ReviewStage(review=review, stage=stage) for stage in Stage])
    CriteriaVersion.objects.create(review=review, by=by)
    Membership.objects.create(review=review, user=by, role=Role.LEAD, is_expert=True)
    log.record("began review", review, review=review, by=by)
    return review


def _free_slug(title: str) -> str:
    slug = slugify(title)[:_LONGEST_SLUG].strip("-") or "review"
    # `new` and the like are addresses of their own.
    taken = set(Review.objects.filter(slug__startswith=slug).values_list("slug", flat=True)) | {"new", "invitation"}
    number = 2
    found = slug
    while found in taken:
        found, number = f"{slug}-{number}", number + 1
    return found


@transaction.atomic
def change_review(review: Review, *, by: User, verb: str = "changed protocol", **fields: Any) -> Review:
    """Set the fields given; the log keeps what they were and what they are."""
    review = Review.objects.select_for_update().get(pk=review.pk)
    changed = [name for name, value in fields.items() if getattr(review, name) != value]
    if not changed:
        return review
    before = {name: _plain(getattr(review, name)) for name in changed}
    for name in changed:
        setattr(review, name, fields[name])
    review.save(update_fields=changed)
    log.record(verb, review, review=review, by=by, before=before, after={n: _plain(fields[n]) for n in changed})
    return review


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | bool | list | None) else str(value)


@transaction.atomic
def write_criteria(review: Review, *, by: User, drafts: Sequence[Draft], why: str = "") -> CriteriaVersion:
    """Put these criteria in force. Once somebody has decided by the old ones, they are kept and a version is added."""
    review = Review.objects.select_for_update().get(pk=review.pk)
    current = review.criteria_versions.first() or CriteriaVersion(review=review, number=0, by=by)
    before = drafts_of(current) if current.pk else []
    said = rules.changes(before, drafts)
    if not said:
        return current
    if current.pk and not ScreeningDecision.objects.filter(candidate__review=review).exists():
        current.criteria.all().delete()
        version = current
    else:
        version = CriteriaVersion.objects.create(
            review=review, number=current.number + 1, by=by, what_changed="\n".join([*said, *([why] if why else [])])
        )
    Criterion.objects.bulk_create(
        Criterion(
            version=version,
            key=draft.key or uuid.uuid4(),
            kind=draft.kind,
            position=place,
            label=draft.label,
            description=draft.description,
        )
        for place, draft in enumerate(drafts)
    )
    log.record("changed criteria", version, review=review, by=by, version=version.number, changes=said, why=why)
    return version


def drafts_of(version: CriteriaVersion) -> list[Draft]:
    """The criteria of a version as they would be written again."""
    return [Draft(one.kind, one.label, one.description, one.key) for one in version.criteria.order_by("position", "pk")]


@transaction.atomic
def state_status(review: Review, *, by: User, plans: str, **numbers: Any) -> StatusStatement:
    """The month's statement of a living review, with the numbers of this day."""
    statement = StatusStatement.objects.create(review=review, by=by, plans=plans, **numbers)
    log.record("stated status", statement, review=review, by=by)
    return statement
