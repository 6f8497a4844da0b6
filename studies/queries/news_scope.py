"""Whose news somebody asks for: of the studies that a list finds, of one study, of one trial."""

from collections.abc import Callable, Sequence
from datetime import datetime

from django.db.models import Q, QuerySet
from django.http import QueryDict

from studies.models import Study, TrialRegistration
from studies.queries import search, trials
from studies.queries.filters import Filters
from studies.queries.newness import newness
from studies.queries.news import Scope
from studies.queries.study import where_now
from studies.queries.trial_filters import TrialFilters
from studies.queries.vocabulary import Vocabulary


def of_list(filters: Filters, vocabulary: Vocabulary) -> Scope:
    """The studies of a list, whatever page of it; words that say nothing to the search bind nothing, as there."""
    words = filters.words if filters.words and search.says_something(filters.words) else ""
    asked = Filters(words, filters.lists, filters.numbers, filters.flags)
    found = search.narrowed(asked, vocabulary).filter(*search.alternatives(asked, vocabulary).values())
    return Scope(studies=found.values("pk"))


def of_query(query_string: str, vocabulary: Vocabulary) -> Scope:
    return of_list(filters_of(query_string, vocabulary), vocabulary)


def filters_of(query_string: str, vocabulary: Vocabulary) -> Filters:
    values: Callable[[str], Sequence[str]] = QueryDict(query_string.removeprefix("?")).getlist
    return Filters.read(values, vocabulary.by_slug)


def of_study(study_id: int) -> Scope:
    """The study, and the registrations that its reports name, confirmed or not: a stopped trial concerns it.

    One that was grouped into another is followed there.
    """
    study = where_now(study_id)
    study_id = study.pk if study else study_id
    named = TrialRegistration.objects.filter(Q(study=study_id) | Q(mentions__report__study=study_id))
    return Scope(Study.objects.filter(pk=study_id).values("pk"), _as_now(named).values("pk"))


def of_registration(registration_id: int) -> Scope:
    """The trial, whatever its number is today, and what happens to the reports of its study."""
    rows = _as_now(TrialRegistration.objects.filter(pk=registration_id))
    return Scope(Study.objects.filter(registrations__in=rows).values("pk"), rows.values("pk"))


def _as_now(rows: QuerySet[TrialRegistration]) -> QuerySet[TrialRegistration]:
    """These registrations, and those that the registry has merged them into."""
    present = rows.filter(alias_of__isnull=False)
    return TrialRegistration.objects.filter(Q(pk__in=rows.values("pk")) | Q(pk__in=present.values("alias_of")))


def of_trials(query_string: str, vocabulary: Vocabulary, now: datetime) -> Scope:
    """The trials that a filter of the Trials page finds now, as everybody sees them, and nothing of their studies."""
    filters = trial_filters_of(query_string, vocabulary)
    found = trials.narrowed(filters, vocabulary, new=newness(now), now=now)
    return Scope(registrations=found.values("pk"))


def trial_filters_of(query_string: str, vocabulary: Vocabulary) -> TrialFilters:
    values: Callable[[str], Sequence[str]] = QueryDict(query_string.removeprefix("?")).getlist
    return TrialFilters.read(values, vocabulary.by_slug)
