"""PMIDs that PubMed no longer serves: noted, never deleted."""

from collections.abc import Collection

from django.db.models import F
from django.utils import timezone

from studies.models import AuditEvent, Report


def note_polls(*, served: Collection[int], silent: Collection[int]) -> None:
    """Note which reports PubMed served. Two silent polls on different days make a report missing.

    An outage looks like a deletion, so one day's silence proves nothing.
    """
    today = timezone.localdate()
    Report.objects.filter(pmid__in=served, first_missed_on__isnull=False).update(
        first_missed_on=None, missing_since=None
    )
    if not silent:
        return
    Report.objects.filter(pmid__in=silent, first_missed_on=None).update(first_missed_on=today)
    missing = list(
        Report.objects.filter(pmid__in=silent, first_missed_on__lt=today, missing_since=None).only(
            "pk", "title", "pmid"
        )
    )
    if missing:
        Report.objects.filter(pk__in=[r.pk for r in missing]).update(missing_since=F("first_missed_on"))
        AuditEvent.objects.bulk_create(
            [AuditEvent(**AuditEvent.objects.values("found missing from PubMed", report)) for report in missing]
        )
