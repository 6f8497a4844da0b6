"""What a registration is beside its own columns, as conditions for queries: of the field, published, overdue."""

from datetime import date

from django.db.models import Exists, OuterRef, Q

from studies.models.trial_link import TrialLink


def published() -> Q:
    """A report of it is known: linked, or of the same study."""
    links = TrialLink.objects.standing().filter(registration=OuterRef("pk"))
    return Q(Exists(links)) | Q(study__n_reports__gt=0)


def of_the_field() -> Q:
    """Brought by one of our searches or by a person, or published by a report of the catalogue.

    What reports name in passing may be a trial of anything.
    """
    return Q(found_at__isnull=False) | Q(study__isnull=False) | published()


def overdue(today: date) -> Q:
    """More than a year after primary completion without results and without a publication that we know of."""
    without = Q(has_results=False, results_posted_on=None, results_due_on__lt=today)
    return without & ~Q(source="") & ~published()
