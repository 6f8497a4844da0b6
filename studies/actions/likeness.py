"""Reports that look as if they published a registered trial: proposed to people, never counted before they agree."""

from collections.abc import Collection, Iterable
from datetime import datetime

from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db.models import F

from studies.models import Report, Study, TrialLink, TrialRegistration
from studies.rules import trial_links as rules
from studies.rules.trial_links import Subject
from studies.terms import LinkBasis, ReportKind, StudyDesign

_CANDIDATES = 30
_WORDS = 12  # of a title, the longest: enough to find its like
# A review of trials is no publication of one, whatever its title.
_NOT_OF_TRIALS = (StudyDesign.SYSTEMATIC_REVIEW, StudyDesign.REVIEW, StudyDesign.GUIDELINE, StudyDesign.ANIMAL)


def propose(registration_ids: Collection[int], *, now: datetime) -> int:
    """Propose reports for those of these registrations of the field that no publication is known of; how many."""
    links = TrialLink.objects.standing().filter(registration__in=registration_ids)
    rows = TrialRegistration.objects.current().filter(pk__in=registration_ids, found_at__isnull=False)
    rows = rows.exclude(pk__in=links.values("registration")).exclude(title="", official_title="")
    found = [link for row in rows.for_list() for link in _links_of(row, now)]
    TrialLink.objects.bulk_create(found, ignore_conflicts=True)  # what people have answered stays answered
    return len(found)


def _links_of(registration: TrialRegistration, now: datetime) -> Iterable[TrialLink]:
    people = frozenset(word for official in registration.officials for word in rules.words(official.get("name", "")))
    titles = [title for title in (registration.title, registration.official_title) if title]
    for report in _candidates(registration, titles):
        authors = frozenset(word for author in report.authors for word in rules.words(author.get("last", "")))
        theirs = Subject(report.title, authors, report.published_on)
        alike = max(rules.likeness(Subject(title, people, registration.start_on), theirs) for title in titles)
        value = rules.score([LinkBasis.SIMILAR], alike=alike)
        if value >= rules.PROPOSED:
            yield TrialLink(
                registration=registration, report=report, bases=[LinkBasis.SIMILAR], score=value, proposed_at=now
            )


def _candidates(registration: TrialRegistration, titles: Iterable[str]) -> Iterable[Report]:
    """The reports whose study shares most words with the titles, published since the trial began."""
    words = sorted({word for title in titles for word in rules.words(title)}, key=lambda word: (-len(word), word))
    if not words:
        return []
    query = SearchQuery(" OR ".join(words[:_WORDS]), search_type="websearch", config="english")
    studies = Study.objects.filter(search_vector=query, n_reports__gt=0).exclude(design__in=_NOT_OF_TRIALS)
    if registration.start_on:
        studies = studies.filter(year__gte=registration.start_on.year)
    ranked = studies.annotate(rank=SearchRank(F("search_vector"), query)).order_by("-rank", "pk")
    nearest = list(ranked.values_list("pk", flat=True)[:_CANDIDATES])
    reports = Report.objects.filter(study__in=nearest).exclude(kind=ReportKind.NOTICE)
    return reports.exclude(study=registration.study_id).only("title", "authors", "published_on", "study")
