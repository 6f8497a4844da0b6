"""A check of citations as its page and its table show it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from operator import or_

from django.core.paginator import Page, Paginator
from django.db.models import Count, Q

from studies import identifiers
from studies.models import CheckedReference, CitationCheck
from studies.rules.citation_verdict import AUTHOR, IDENTIFIER, JOURNAL, TITLE, YEAR, Found
from studies.rules.references import Cited
from studies.terms import CheckVerdict, NoticeStatus

LINES_A_PAGE, MOST_ON_A_PAGE = 100, 20_000


@dataclass(frozen=True, slots=True)
class Part:
    """One line of the comparison: `mark` is "same", "differs" or empty where it could not be compared."""

    label: str
    cited: str
    found: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Choice:
    """An article that a reference may mean, with what happened to it."""

    title: str
    line: str
    links: tuple[Link, ...]
    notice: str
    is_grave: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One reference of the page; `notice` is the word for what happened to the article, empty for nothing."""

    reference: CheckedReference
    parts: tuple[Part, ...]
    links: tuple[Link, ...]
    choices: tuple[Choice, ...]
    notice: str
    is_grave: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class CheckPage:
    """`counts` holds (verdict, label, how many) of the verdicts there are; `lines` those asked for.

    `n_noticed` references are of an article that was retracted or the like, `n_perhaps` others may be.
    """

    check: CitationCheck
    lines: Page
    verdict: str
    shows_all: bool
    counts: tuple[tuple[str, str, int], ...]
    n_noticed: int
    n_perhaps: int
    n_to_import: int

    @property
    def n_done(self) -> int:
        return sum(n for verdict, _, n in self.counts if verdict != CheckVerdict.WAITING)

    @property
    def n_not_asked(self) -> int:
        return next((n for verdict, _, n in self.counts if verdict == CheckVerdict.NOT_ASKED), 0)


_GRAVE = (NoticeStatus.CONCERN, NoticeStatus.REMOVED, NoticeStatus.RETRACTED)


def page_of(check: CitationCheck, *, verdict: str = "", page: str | int = 1, shows_all: bool = False) -> CheckPage:
    """One page of the references with this verdict, or all of them."""
    verdict = verdict if verdict in CheckVerdict.values else ""
    references = check.references.select_related("study")
    references = references.filter(verdict=verdict) if verdict else references
    lines = Paginator(references, LINES_A_PAGE if not shows_all else MOST_ON_A_PAGE).get_page(page)
    lines.object_list = tuple(map(line_of, lines.object_list))
    is_grave = Q(notice_status__in=_GRAVE)
    may_be = reduce(or_, (Q(choices__contains=[{"notice_status": status.value}]) for status in _GRAVE))
    graves = check.references.aggregate(
        n_noticed=Count("pk", filter=is_grave), n_perhaps=Count("pk", filter=may_be & ~is_grave)
    )
    found = dict(check.references.order_by().values_list("verdict").annotate(n=Count("pk")))
    return CheckPage(
        check=check,
        lines=lines,
        verdict=verdict,
        shows_all=shows_all,
        counts=tuple((one.value, one.label, found[one.value]) for one in CheckVerdict if one.value in found),
        **graves,
        n_to_import=len(pmids_to_import(check)),
    )


def progress_of(check: CitationCheck) -> tuple[int, int]:
    """(references with an answer, all of them)."""
    waiting = check.references.filter(verdict=CheckVerdict.WAITING).count()
    return check.n_references - waiting, check.n_references


TABLE = (
    "No.", "Reference", "Verdict", "Notice", "Compared", "Different", "Remark", "Cited title", "Cited first author",
    "Cited year", "Cited journal", "Cited ids", "Found title", "Found authors", "Found year", "Found journal", "PMID",
    "PMCID", "DOI", "Trial", "May be meant", "Asked of", "Asked at",
)  # fmt: skip


def table_of(check: CitationCheck) -> Iterator[list[str | int | None]]:
    """The check as rows under TABLE."""
    yield list(TABLE)
    for reference in check.references.all():
        cited, found = Cited.of(reference.pasted, reference.cited), Found.of(reference.found)
        status = NoticeStatus(reference.notice_status)
        yield [
            reference.position,
            reference.pasted,
            reference.get_verdict_display(),
            status.label if status else "",
            "; ".join(reference.compared),
            "; ".join(reference.differences),
            reference.remark,
            cited.title,
            cited.author,
            cited.year,
            cited.journal,
            "; ".join(ids_of(cited)),
            found.title,
            authors_line(found),
            found.years[0] if found.years else None,
            found.journals[0] if found.journals else "",
            found.pmid,
            found.pmcid,
            found.doi,
            found.registration,
            "; ".join(_meant(Found.of(choice)) for choice in reference.choices),
            "; ".join(reference.sources),
            f"{reference.asked_at:%Y-%m-%d %H:%M} UTC" if reference.asked_at else "",
        ]


def _meant(choice: Found) -> str:
    status = NoticeStatus(choice.notice_status)
    return ", ".join((*([status.label.upper()] if status else []), *ids_of(choice)))


def pmids_to_import(check: CitationCheck) -> list[int]:
    """The PMIDs of its matches that the catalogue has not."""
    matches = check.references.filter(verdict=CheckVerdict.MATCH, study=None)
    return sorted({found["pmid"] for found in matches.values_list("found", flat=True) if found.get("pmid")})


def line_of(reference: CheckedReference) -> Line:
    cited, found = Cited.of(reference.pasted, reference.cited), Found.of(reference.found)
    status = NoticeStatus(reference.notice_status)
    return Line(
        reference=reference,
        parts=tuple(_parts(cited, found, reference)) if reference.found else (),
        links=tuple(links_of(found)),
        choices=tuple(map(_choice, map(Found.of, reference.choices))),
        notice=status.label if status else "",
        is_grave=status in _GRAVE,
        sentence=_sentence(reference),
    )


def _parts(cited: Cited, found: Found, reference: CheckedReference) -> Iterable[Part]:
    def mark(name: str) -> str:
        return "differs" if name in reference.differences else "same" if name in reference.compared else ""

    yield Part("Title", cited.title, found.title, mark(TITLE))
    yield Part("First author", cited.author, authors_line(found), mark(AUTHOR))
    yield Part("Year", str(cited.year or ""), " / ".join(map(str, found.years)), mark(YEAR))
    yield Part("Journal", cited.journal, found.journals[0] if found.journals else "", mark(JOURNAL))
    yield Part("Identifier", ", ".join(ids_of(cited)), ", ".join(ids_of(found)), mark(IDENTIFIER))


def authors_line(found: Found) -> str:
    """`Yin X and 4 more`."""
    if not found.authors:
        return ""
    others = max(found.n_authors, len(found.authors)) - 1
    return f"{found.authors[0]} and {others} more" if others else found.authors[0]


def ids_of(what: Cited | Found) -> Iterable[str]:
    if what.pmid:
        yield f"PMID {what.pmid}"
    if what.pmcid:
        yield what.pmcid
    if what.doi:
        yield f"doi:{what.doi}"
    if what.registration:
        yield what.registration


def links_of(found: Found) -> Iterable[Link]:
    if found.pmid:
        yield Link(f"PMID {found.pmid}", identifiers.pubmed_url(found.pmid))
    if found.pmcid:
        yield Link(found.pmcid, identifiers.pmc_url(found.pmcid))
    if found.doi:
        yield Link(f"doi:{found.doi}", identifiers.doi_url(found.doi))
    if found.registration and (registration := identifiers.registry_id(found.registration)):
        yield Link(found.registration, registration.url)


def _choice(found: Found) -> Choice:
    where = found.journals[-1] if found.journals else ""
    line = ". ".join(filter(None, (authors_line(found), where, str(found.years[0]) if found.years else "")))
    status = NoticeStatus(found.notice_status)
    return Choice(found.title, line, tuple(links_of(found)), status.label if status else "", status in _GRAVE)


def _sentence(reference: CheckedReference) -> str:
    """What the verdict rests on."""
    if reference.verdict == CheckVerdict.MATCH and not reference.compared:
        return "The identifier exists; nothing else was cited that could be compared."
    if reference.verdict == CheckVerdict.MATCH:
        return f"Compared and alike: {', '.join(reference.compared)}."
    if reference.verdict == CheckVerdict.MISMATCH and reference.differences:
        return f"Different: {', '.join(reference.differences)}."
    return ""
