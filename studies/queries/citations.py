"""Citations of one study as its page shows them: counts by source and month, iCite's measures, who cites whom here."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import F, QuerySet

from studies.models import CitationCount, CitationLink, ICiteMeasures, Report, Study
from studies.terms import CitationSource

SHOWN = 50  # neighbours of one kind
_HEIGHT, _STEP, _BAR = 96, 14, 10  # of the drawing of months, in its own units
_MONTHS = 36


@dataclass(frozen=True, slots=True)
class Month:
    """One month's number, and its bar's place in the drawing."""

    month: date
    count: int
    x: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Count:
    """What one source says of one report; `doubted` is a smaller number it gave since, which is not believed."""

    report: Report
    source: str
    count: int | None
    counted_on: date | None
    doubted: int | None
    doubted_on: date | None
    months: tuple[Month, ...]

    height = _HEIGHT

    @property
    def label(self) -> str:
        return str(CitationSource(self.source).label)

    @property
    def width(self) -> int:
        return max(len(self.months) * _STEP, _STEP)

    @property
    def most(self) -> int:
        return max((month.count for month in self.months), default=0)


@dataclass(frozen=True, slots=True)
class Share:
    """One part of the bar of what an article is about, in hundredths."""

    label: str
    name: str
    percent: int
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Measures:
    report: Report
    kept: ICiteMeasures
    shares: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Studies of the catalogue on the other end of citations, and how many articles there are in all."""

    studies: tuple[Study, ...]
    n_articles: int

    @property
    def n_elsewhere(self) -> int:
        return max(self.n_articles - len(self.studies), 0)


@dataclass(frozen=True, slots=True)
class Citations:
    counts: tuple[Count, ...]
    measures: tuple[Measures, ...]
    cited_by: Neighbours
    cites: Neighbours
    has_several_reports: bool

    @property
    def is_empty(self) -> bool:
        return not (self.counts or self.measures or self.cited_by.n_articles or self.cites.n_articles)


def citations_of(study: Study, reports: Sequence[Report]) -> Citations:
    """Six queries, however many there are; none for a study without a PMID."""
    known = [report for report in reports if report.pmid]
    if not known:
        nobody = Neighbours((), 0)
        return Citations((), (), nobody, nobody, has_several_reports=False)
    pmids = [report.pmid for report in known]
    links = CitationLink.objects
    return Citations(
        counts=tuple(_counts(known)),
        measures=tuple(_measures(known)),
        cited_by=_neighbours(study, links.filter(cited_pmid__in=pmids), "citing_pmid"),
        cites=_neighbours(study, links.filter(citing_pmid__in=pmids), "cited_pmid"),
        has_several_reports=len(known) > 1,
    )


def _counts(reports: Sequence[Report]) -> Iterable[Count]:
    rows: dict[tuple[int, str], list[CitationCount]] = defaultdict(list)
    for row in CitationCount.objects.filter(report__in=reports).order_by("counted_on", "pk"):
        rows[row.report_id, row.source].append(row)
    for report in reports:
        for source in CitationSource:
            if found := rows.get((report.pk, source)):
                yield _count(report, source, found)


def _count(report: Report, source: str, rows: Sequence[CitationCount]) -> Count:
    facts = [row for row in rows if not row.is_doubtful]
    last, latest = facts[-1] if facts else None, rows[-1]
    is_doubted = latest.is_doubtful
    return Count(
        report=report,
        source=source,
        count=last.count if last else None,
        counted_on=last.counted_on if last else None,
        doubted=latest.count if is_doubted else None,
        doubted_on=latest.counted_on if is_doubted else None,
        months=tuple(_months(facts[-_MONTHS:])),
    )


def _months(facts: Sequence[CitationCount]) -> Iterable[Month]:
    most = max((row.count for row in facts), default=0) or 1
    for place, row in enumerate(facts):
        height = round((_HEIGHT - 2) * row.count / most, 1)
        yield Month(row.month, row.count, place * _STEP + (_STEP - _BAR) // 2, round(_HEIGHT - height, 1), height)


def _measures(reports: Sequence[Report]) -> Iterable[Measures]:
    by_report = {report.pk: report for report in reports}
    for kept in ICiteMeasures.objects.filter(report__in=by_report).order_by("report"):
        yield Measures(by_report[kept.report_id], kept, tuple(_shares(kept)))


def _shares(kept: ICiteMeasures) -> Iterable[Share]:
    """Parts of a whole of 100; without all three there is no whole."""
    parts: list[tuple[str, str, Decimal | None]] = [
        ("Human", "human", kept.human),
        ("Animal", "animal", kept.animal),
        ("Molecular and cellular", "molecular", kept.molecular),
    ]
    total = sum(value for _, _, value in parts if value is not None)
    if not total or any(value is None for _, _, value in parts):
        return
    x = 0.0
    for label, name, value in parts:
        width = float(100 * value / total)  # type: ignore[operator]
        yield Share(label, name, round(width), round(x, 2), round(width, 2))
        x += width


def _neighbours(study: Study, links: QuerySet[CitationLink], end: str) -> Neighbours:
    numbers = links.values(end).distinct()
    studies = Study.objects.for_list().filter(reports__pmid__in=numbers).exclude(pk=study.pk).distinct()
    shown = studies.order_by(F("published_on").desc(nulls_last=True), "-pk")[:SHOWN]
    return Neighbours(tuple(shown), numbers.count())
