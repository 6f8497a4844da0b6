"""Articles that the catalogue does not have, though its studies cite them or are cited by them (snowballing)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import connection

from studies import identifiers
from studies.models import Report, Study

PAGE_SIZE = 25
FEW = 3  # studies named beside a candidate
WAYS = {
    "cited": ("cited_pmid", "citing_pmid"),  # cited by studies here
    "citing": ("citing_pmid", "cited_pmid"),  # citing studies here
}
# What a notice about another paper cites says nothing about the field.
_CANDIDATES = """
SELECT link.{their}, count(DISTINCT report.study_id) AS n, min(report.id),
       (array_agg(DISTINCT report.study_id))[1:{few}], count(*) OVER ()
FROM studies_citationlink AS link
JOIN studies_report AS report ON report.pmid = link.{our} AND report.kind <> 'notice'
JOIN studies_study AS study ON study.id = report.study_id AND study.in_default_views
WHERE NOT EXISTS (SELECT FROM studies_report AS known WHERE known.pmid = link.{their})
GROUP BY link.{their} ORDER BY n DESC, link.{their} DESC LIMIT %s OFFSET %s
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One article outside the catalogue; `text` is how one of our studies cites it, where it does in words."""

    pmid: int
    n_studies: int
    studies: tuple[Study, ...]
    text: str

    @property
    def url(self) -> str:
        return identifiers.pubmed_url(self.pmid)

    @property
    def n_more(self) -> int:
        return self.n_studies - len(self.studies)


@dataclass(frozen=True, slots=True)
class Page:
    way: str
    candidates: tuple[Candidate, ...]
    total: int
    number: int

    @property
    def n_pages(self) -> int:
        return max(-(-self.total // PAGE_SIZE), 1)

    @property
    def first(self) -> int:
        return (self.number - 1) * PAGE_SIZE + 1


def page_of(way: str, number: int) -> Page:
    """Those with the most studies on the other end first; three queries."""
    their, our = WAYS[way]
    with connection.cursor() as cursor:
        cursor.execute(_CANDIDATES.format(their=their, our=our, few=FEW), [PAGE_SIZE, (number - 1) * PAGE_SIZE])
        rows = cursor.fetchall()
    studies = Study.objects.for_list().in_bulk({pk for row in rows for pk in row[3]})
    texts = _texts(rows) if way == "cited" else {}
    candidates = tuple(
        Candidate(pmid, n, tuple(studies[pk] for pk in ids if pk in studies), texts.get(pmid, ""))
        for pmid, n, _, ids, _ in rows
    )
    return Page(way, candidates, rows[0][4] if rows else 0, number)


def _texts(rows: Sequence[tuple]) -> Mapping[int, str]:
    """How one citing report words the reference; most reference lists say it, iCite does not."""
    lists = dict(Report.objects.filter(pk__in={row[2] for row in rows}).values_list("pk", "references"))
    return {
        pmid: next((entry.get("citation", "") for entry in lists.get(report, ()) if entry.get("pmid") == pmid), "")
        for pmid, _, report, _, _ in rows
    }
