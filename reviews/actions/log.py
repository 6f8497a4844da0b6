"""The log of a review: each act, in the transaction that does it, with the review's number in its detail."""

from typing import Any

from django.db import models

from reviews.models import Review
from studies.models import AuditEvent


def record(verb: str, obj: models.Model, *, review: Review | int, by: Any, **detail: Any) -> AuditEvent:
    """What a person decided about a report is never in the detail: the log is read by people who are still blind."""
    return AuditEvent.objects.record(verb, obj, by=by, review=getattr(review, "pk", review), **detail)
