"""Which studies are checked again every week instead of every month; others decide, the catalogue is told."""

from collections.abc import Collection

from django.db import transaction
from django.db.models import QuerySet

from studies.models import Study


@transaction.atomic
def check_weekly(studies: QuerySet | Collection[int]) -> int:
    """These studies are checked every week and no others; answers for how many that is new."""
    n = Study.objects.filter(check_weekly=True).exclude(pk__in=studies).update(check_weekly=False)
    return n + Study.objects.filter(check_weekly=False, pk__in=studies).update(check_weekly=True)
