"""References that the catalogue itself can answer."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from django.db.models import Q

from studies.models import Report, TrialRegistration
from studies.queries.notices import kinds_in_force
from studies.rules import notices as notice_rules
from studies.rules.citation_verdict import Found
from studies.rules.references import Cited

CATALOGUE = "catalogue"
# Files and the starter library repeat what somebody wrote: only these two speak for themselves.
_OWN_WORD = ("pubmed", "pmc")
_COLUMNS = (
    "study_id", "title", "vernacular_title", "authors", "journal", "journal_abbreviation", "book_title", "volume",
    "pages", "published_on", "electronic_on", "pmid", "pmcid", "doi", "fingerprint",
)  # fmt: skip


class Shelf:
    """What the catalogue knows of many references, in four queries."""

    def __init__(self, cited: Collection[Cited], fingerprints: Collection[str]) -> None:
        own_ids = Q(pmid__in=[one.pmid for one in cited if one.pmid])
        own_ids |= Q(pmcid__in=[one.pmcid for one in cited if one.pmcid])
        own_ids |= Q(doi__in=[one.doi for one in cited if one.doi])
        own_ids |= Q(fingerprint__in=[name for name in fingerprints if name])
        reports = list(Report.objects.filter(own_ids, source__in=_OWN_WORD).only(*_COLUMNS))
        statuses = statuses_of(report.pk for report in reports)
        self._by: dict[tuple[str, object], dict[int, Found]] = defaultdict(dict)
        for report in reports:
            found = found_of(report, statuses.get(report.pk, 0))
            for kind in ("pmid", "pmcid", "doi", "fingerprint"):
                if value := getattr(report, kind):
                    self._by[kind, value][report.pk] = found
        numbers = [one.registration for one in cited if one.registration]
        self._registrations = {
            one.number: one for one in TrialRegistration.objects.filter(number__in=numbers).exclude(source="")
        }

    def by_ids(self, cited: Cited) -> Found | None:
        """The one report that all ids cited lead to; None where an id leads nowhere or to several."""
        found: dict[int, Found] = {}
        for kind in ("pmid", "pmcid", "doi"):
            if value := getattr(cited, kind):
                if not (here := self._by.get((kind, value))):
                    return None
                found |= here
        return next(iter(found.values())) if len(found) == 1 else None

    def by_fingerprint(self, fingerprint: str) -> Found | None:
        found = self._by.get(("fingerprint", fingerprint), {}) if fingerprint else {}
        return next(iter(found.values())) if len(found) == 1 else None

    def registration(self, number: str) -> Found | None:
        row = self._registrations.get(number)
        return registered(row) if row else None


def registered(row: TrialRegistration) -> Found:
    posted = row.first_posted_on
    return Found(
        title=row.title or row.official_title,
        years=(posted.year,) if posted else (),
        registration=row.number,
        study=row.study_id,
        source=CATALOGUE,
    )


def statuses_of(report_ids: Iterable[int]) -> dict[int, int]:
    """The worst notice in force of each report that has any."""
    kinds = kinds_in_force(report__in=list(report_ids))
    return {report: notice_rules.effective_status(said) for report, said in kinds.items()}


def found_of(report: Report, notice_status: int) -> Found:
    days = (report.published_on, report.electronic_on)
    names = [_name(author) for author in report.authors]
    return Found(
        title=report.title,
        vernacular=report.vernacular_title,
        authors=tuple(filter(None, names)),
        n_authors=len(names),
        years=tuple(dict.fromkeys(day.year for day in days if day)),
        journals=tuple(filter(None, (report.journal, report.journal_abbreviation, report.book_title))),
        volume=report.volume,
        pages=report.pages,
        pmid=report.pmid,
        pmcid=report.pmcid or "",
        doi=report.doi,
        notice_status=notice_status,
        study=report.study_id,
        source=CATALOGUE,
    )


def _name(author: Mapping[str, str]) -> str:
    return author.get("collective") or f"{author.get('last', '')} {author.get('initials', '')}".strip()


def in_catalogue(found: Collection[Found]) -> dict[int, tuple[int, int]]:
    """(study, notice status) of those found whose PMID the catalogue has."""
    reports = Report.objects.filter(pmid__in=[one.pmid for one in found if one.pmid]).values_list(
        "pmid", "pk", "study_id"
    )
    statuses = statuses_of(pk for _, pk, _ in reports)
    return {pmid: (study, statuses.get(pk, 0)) for pmid, pk, study in reports}
