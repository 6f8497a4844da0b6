"""Keeping a search of the list of studies under a name, and letting it go."""

from django.db import transaction

from studies.models import AuditEvent, SavedSearch, User


class NameTaken(ValueError):
    """This person has another search of that name."""


@transaction.atomic
def keep(*, by: User, name: str, query_string: str) -> SavedSearch:
    """Raises NameTaken."""
    search, is_new = SavedSearch.objects.get_or_create(user=by, name=name, defaults={"query_string": query_string})
    if not is_new:
        raise NameTaken(f"You have a search named “{name}” already.")
    AuditEvent.objects.record("saved the search", search, by=by)
    return search


@transaction.atomic
def let_go(search: SavedSearch, *, by: User) -> None:
    AuditEvent.objects.record("deleted the saved search", search, by=by)
    search.delete()
