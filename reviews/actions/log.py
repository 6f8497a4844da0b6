"""The log of a review: each act, in the transaction that does it, with the review's number in its detail."""

from collections.abc import Iterable
from typing import Any

from django.db import models

from reviews.models import Review
from studies.models import AuditEvent

_BATCH = 2000


def record(verb: str, obj: models.Model, *, review: Review | int, by: Any, **detail: Any) -> AuditEvent:
    """What a person decided about a report is never in the detail: the log is read by people who are still blind."""
    return AuditEvent.objects.record(verb, obj, by=by, review=getattr(review, "pk", review), **detail)


def record_all(verb: str, found: Iterable[tuple[models.Model, dict[str, Any]]], *, review: int, by: Any) -> None:
    """The same act on many objects, each with its own detail, in one statement for many of them."""
    rows = (AuditEvent.objects.values(verb, obj, by=by, review=review, **detail) for obj, detail in found)
    AuditEvent.objects.bulk_create((AuditEvent(**row) for row in rows), _BATCH)
