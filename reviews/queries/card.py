"""A card: what a reviewer needs to decide about one report, and nothing that another one said."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Subquery

from reviews.models import Candidate, CriteriaVersion, Criterion, Review, ScreeningDecision
from reviews.models.candidates import NAMED_BY, CandidateQuerySet
from reviews.rules.highlighting import spans
from reviews.terms import CriterionKind, DecisionKind
from studies.models import Report, StudyTag, User
from studies.queries.study import Link, citation_of
from studies.rules import marked_text
from studies.rules.marked_text import Span
from studies.rules.tag_state import state_of
from studies.terms import TagState, TagStatus

MOST_AUTHORS = 6
_SHOWN = (
    *NAMED_BY,
    "report__study_id",
    "report__abstract",
    "report__authors",
    "report__keywords",
    "report__journal",
    "report__journal_abbreviation",
    "report__book_title",
    "report__publisher",
    "report__published_raw",
    "report__published_on",
    "report__volume",
    "report__issue",
    "report__pages",
    "report__study__notice_status",
)


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of text; `kind` is empty, or `include`, `exclude`, `phrase`, and `why` says what it speaks for."""

    text: str
    kind: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class CardTag:
    """A term; `caution` says why it is not simply so: a rule or the starter data says it, or people disagree."""

    label: str
    facet: str
    caution: str


@dataclass(frozen=True, slots=True)
class Card:
    candidate: Candidate
    report: Report
    authors: str
    citation: str
    links: tuple[Link, ...]
    title: tuple[Mark, ...]
    sections: tuple[tuple[str, tuple[Mark, ...]], ...]
    tags: tuple[CardTag, ...]
    mine: ScreeningDecision | None
    inclusion: tuple[Criterion, ...]
    exclusion: tuple[Criterion, ...]
    version: CriteriaVersion | None


Criteria = tuple[CriteriaVersion | None, tuple[Criterion, ...], tuple[Criterion, ...]]


def with_text(candidates: CandidateQuerySet) -> CandidateQuerySet:
    """With as much of their reports and studies as a card shows."""
    return candidates.reading(*_SHOWN)


def card_of(review: Review, candidate_id: int, stage: str, user: User | None) -> Card:
    """Four queries, however long the text. Raises Candidate.DoesNotExist."""
    candidate = with_text(Candidate.objects.all()).get(pk=candidate_id, review=review)
    return card_for(review, candidate, criteria_of(review), mine=_mine(candidate, stage, user) if user else None)


def card_for(
    review: Review, candidate: Candidate, criteria: Criteria, *, mine: ScreeningDecision | None = None
) -> Card:
    """The card of a candidate that was read with its text, in one query; `mine` is its reader's standing word."""
    report = candidate.report
    statements = _statements(report.study_id)
    version, inclusion, exclusion = criteria
    title, sections = marked(review, report, statements)
    names = [_surname(author) for author in report.authors[:MOST_AUTHORS]]
    return Card(
        candidate=candidate,
        report=report,
        authors=", ".join(filter(None, names)) + (" et al." if len(report.authors) > MOST_AUTHORS else ""),
        citation=citation_of(report),
        links=tuple(Link(label, url) for label, url in report.links),
        title=title,
        sections=sections,
        tags=tuple(_tags(statements)),
        mine=mine,
        inclusion=inclusion,
        exclusion=exclusion,
        version=version,
    )


def criteria_of(review: Review) -> Criteria:
    """The version in force, with its criteria in their order; one query, or two while nothing is written."""
    versions = CriteriaVersion.objects.filter(review=review)
    newest = Subquery(versions.values("pk")[:1])
    found = Criterion.objects.filter(version=newest).select_related("version").order_by("position", "pk")
    version = found[0].version if found else versions.first()
    inclusion = tuple(one for one in found if one.kind == CriterionKind.INCLUSION)
    return version, inclusion, tuple(one for one in found if one.kind == CriterionKind.EXCLUSION)


def marked(
    review: Review, report: Report, statements: Iterable[StudyTag]
) -> tuple[tuple[Mark, ...], tuple[tuple[str, tuple[Mark, ...]], ...]]:
    """Title and sections with the review's words and the rules' phrases marked."""
    phrases = _phrases(report, statements)
    joined = marked_text.by_section(report.abstract, phrases["abstract"])
    sections = tuple(
        (_heading(section), _marks(review, section.get("text", ""), own))
        for section, own in zip(report.abstract, joined, strict=True)
    )
    return _marks(review, report.title, phrases["title"]), sections


def _statements(study: int) -> list[StudyTag]:
    """What is said of the study and by which phrase, without who said it."""
    read = ("tag", "report", "origin", "status", "field", "phrase", "start", "end")
    found = StudyTag.objects.filter(study=study).select_related("tag")
    return list(found.only(*read, "tag__label", "tag__facet", "tag__position").order_by("at", "pk"))


def _phrases(report: Report, statements: Iterable[StudyTag]) -> Mapping[str, list[Span]]:
    """Spans of what rules read in this report, unless people have rejected what it suggests or the text has changed."""
    texts = {"title": report.title, "abstract": marked_text.joined(report.abstract)}
    found: dict[str, list[Span]] = defaultdict(list)
    for row in statements:
        if row.report_id != report.pk or row.start is None or not row.end or row.status == TagStatus.REJECTED:
            continue
        if texts.get(row.field, "")[row.start : row.end] == row.phrase:
            found[row.field].append(Span(row.start, row.end, f"phrase:{row.tag.label}"))
    return found


def _marks(review: Review, text: str, phrases: list[Span]) -> tuple[Mark, ...]:
    found = [*phrases, *spans(text, review.include_words, "include"), *spans(text, review.exclude_words, "exclude")]
    return tuple(_mark(piece) for piece in marked_text.pieces(text, found))


def _mark(piece: marked_text.Piece) -> Mark:
    for kind, why in (("exclude", "speaks for exclusion"), ("include", "speaks for inclusion")):
        if kind in piece.keys:
            return Mark(piece.text, kind, why)
    labels = [str(key).removeprefix("phrase:") for key in piece.keys]
    return Mark(piece.text, "phrase", ", ".join(labels)) if labels else Mark(piece.text)


def _heading(section: Mapping[str, str]) -> str:
    return (section.get("label") or section.get("category") or "").capitalize()


def _tags(statements: Iterable[StudyTag]) -> Iterable[CardTag]:
    """What people and rules say of the study; what people alone have not settled is marked as such."""
    by_tag = defaultdict(list)
    for row in statements:
        by_tag[row.tag].append(row)
    for tag in sorted(by_tag, key=lambda tag: (tag.facet, tag.position)):
        state = state_of((row.origin, row.status) for row in by_tag[tag])
        if state != TagState.REJECTED:
            yield CardTag(tag.label, tag.get_facet_display(), _CAUTIONS.get(state, ""))


_CAUTIONS = {TagState.SUGGESTED: "suggested", TagState.STARTER: "starter data", TagState.DISPUTED: "disputed"}


def _surname(author: Mapping[str, str]) -> str:
    return author.get("collective") or " ".join(filter(None, (author.get("last", ""), author.get("initials", ""))))


def _mine(candidate: Candidate, stage: str, user: User) -> ScreeningDecision | None:
    """The person's own standing word, which the card shows again."""
    return (
        ScreeningDecision.objects.standing()
        .filter(candidate=candidate, stage=stage, round=candidate.round, reviewer=user, kind=DecisionKind.INDEPENDENT)
        .select_related("primary_reason")
        .first()
    )
