"""Candidates as de-duplication compares them, the pairs that wait for a person, and the merges made."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Q, QuerySet

from reviews.models import Candidate, DuplicateLink, PairProposal, Review, ScreeningDecision
from reviews.queries.blinding import visible_to
from reviews.rules.record_shape import Shape, shape
from reviews.terms import PairAnswer, PairKind
from studies.models import RegistrationMention, Report, User
from studies.terms import MentionBasis, ReportKind

_FIELDS = (
    "title",
    "abstract",
    "authors",
    "journal",
    "journal_abbreviation",
    "book_title",
    "published_on",
    "volume",
    "issue",
    "pages",
    "doi",
    "pmid",
    "pmcid",
    "kind",
    "publication_types",
)


@dataclass(frozen=True, slots=True)
class Comparable:
    id: int
    is_compared: bool
    shape: Shape


def comparable(review: Review) -> list[Comparable]:
    """Every candidate that is not merged, folded for comparison, in the order of their ids; three queries."""
    named = _registrations(review)
    found = Candidate.objects.filter(review=review, duplicate_of=None).order_by("pk")
    rows = found.values_list("pk", "compared_at", "report", *(f"report__{name}" for name in _FIELDS))
    return [
        Comparable(pk, compared_at is not None, shape_of(dict(zip(_FIELDS, said, strict=True)), named.get(report, ())))
        for pk, compared_at, report, *said in rows.iterator(chunk_size=5000)
    ]


def _registrations(review: Review) -> dict[int, list[str]]:
    """The registrations each report gives as its own; a number in running text may be another trial's."""
    rows = RegistrationMention.objects.filter(
        report__in=Candidate.objects.filter(review=review).values("report"), basis=MentionBasis.DATABANK
    )
    found: dict[int, list[str]] = {}
    for report, number in rows.values_list("report", "registration__number"):
        found.setdefault(report, []).append(number)
    return found


def shape_of(said: dict[str, Any], registrations: Any = ()) -> Shape:
    """A report's columns as the rules compare them."""
    return shape(
        title=said["title"],
        abstract=" ".join(part.get("text", "") for part in said["abstract"]),
        authors=[_named(author) for author in said["authors"]],
        journals=[name for name in (said["journal"], said["journal_abbreviation"], said["book_title"]) if name],
        year=said["published_on"].year if said["published_on"] else None,
        volume=said["volume"],
        issue=said["issue"],
        pages=said["pages"],
        doi=said["doi"],
        pmid=said["pmid"],
        pmcid=said["pmcid"],
        is_preprint=said["kind"] == ReportKind.PREPRINT,
        registrations=registrations,
    )


def _named(author: dict[str, Any]) -> tuple[str, str]:
    family = author.get("last") or author.get("collective", "")
    return family, author.get("fore") or author.get("initials", "")


def settled_pairs(review: Review) -> set[tuple[int, int]]:
    """Pairs that are proposed already, or that people have answered: no rule touches them."""
    return set(PairProposal.objects.filter(review=review).values_list("first", "second"))


def with_decisions(review: Review) -> set[int]:
    found = ScreeningDecision.objects.filter(candidate__review=review)
    return set(found.values_list("candidate", flat=True).distinct())


@dataclass(frozen=True, slots=True)
class Side:
    """One report of a pair as a person compares it; decisions are shown as far as this person may see them."""

    candidate: Candidate
    report: Report
    sources: tuple[str, ...]
    decisions: tuple[ScreeningDecision, ...]
    n_decisions: int

    @property
    def facts(self) -> list[tuple[str, str]]:
        """(what, value), the same lines on both sides."""
        report = self.report
        people = [_named(author) for author in report.authors]
        return [
            ("Title", report.title),
            ("Authors", "; ".join(f"{family} {given}".strip() for family, given in people)),
            ("Journal", report.journal or report.journal_abbreviation or report.book_title),
            ("Year", str(report.published_on.year) if report.published_on else ""),
            ("Volume, issue, pages", ", ".join(filter(None, (report.volume, report.issue, report.pages)))),
            ("PMID", str(report.pmid or "")),
            ("DOI", report.doi),
            ("Sources", ", ".join(self.sources)),
            ("Abstract", " ".join(part.get("text", "") for part in report.abstract)),
        ]


@dataclass(frozen=True, slots=True)
class Pair:
    proposal: PairProposal
    sides: tuple[Side, Side]

    @property
    def lines(self) -> list[tuple[str, str, str, bool]]:
        """(what, on the first side, on the second, whether they differ)."""
        one, other = (side.facts for side in self.sides)
        return [(name, a, b, a.casefold() != b.casefold()) for (name, a), (_, b) in zip(one, other, strict=True)]

    @property
    def both_decided(self) -> bool:
        return all(side.n_decisions for side in self.sides)


def open_pairs(review: Review) -> QuerySet[PairProposal]:
    """What waits for a person: neither side merged meanwhile."""
    found = PairProposal.objects.open().filter(review=review)
    found = found.filter(first__duplicate_of=None, second__duplicate_of=None)
    # Reports that are one study by now need no proposal to group them.
    return found.exclude(kind=PairKind.STUDY, first__report__study=F("second__report__study"))


def shown_pairs(proposals: list[PairProposal], user: User | None) -> Iterator[Pair]:
    """The pairs of one page with both sides, in four queries."""
    ids = {pk for one in proposals for pk in (one.first_id, one.second_id)}
    candidates = Candidate.objects.select_related("report__study").prefetch_related("records__source").in_bulk(ids)
    seen: dict[int, list[ScreeningDecision]] = {}
    for said in ScreeningDecision.objects.filter(visible_to(user), candidate__in=ids).select_related(
        "reviewer", "primary_reason"
    ):
        seen.setdefault(said.candidate_id, []).append(said)
    counts = dict(
        ScreeningDecision.objects.standing()
        .filter(candidate__in=ids)
        .values_list("candidate")
        .annotate(n=Count("pk"))
        .values_list("candidate", "n")
    )

    def side(pk: int) -> Side:
        candidate = candidates[pk]
        sources = dict.fromkeys(record.source.name for record in candidate.records.all())
        return Side(candidate, candidate.report, tuple(sources), tuple(seen.get(pk, ())), counts.get(pk, 0))

    return (Pair(one, (side(one.first_id), side(one.second_id))) for one in proposals)


def merges(review: Review) -> QuerySet[DuplicateLink]:
    """Merges that stand, the latest first."""
    found = DuplicateLink.objects.filter(kept__review=review, undone_at=None)
    return found.select_related("kept__report", "dropped__report", "by").order_by("-at", "-pk")


def numbers(review: Review) -> dict[str, int]:
    """How many pairs wait, merges stand, pairs people kept apart."""
    proposals = open_pairs(review).aggregate(
        doubtful=Count("pk", filter=Q(kind=PairKind.DUPLICATE)), studies=Count("pk", filter=Q(kind=PairKind.STUDY))
    )
    links = DuplicateLink.objects.filter(kept__review=review)
    return proposals | {
        "merged": links.filter(undone_at=None).count(),
        "undone": links.exclude(undone_at=None).count(),
        "apart": PairProposal.objects.filter(review=review, answer=PairAnswer.APART).count(),
    }
