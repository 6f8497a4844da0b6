"""A study's tags as people see them: every term with who says what, the rules' phrases, and the texts marked."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from studies.models import Report, StudyTag, Tag, User
from studies.rules import marked_text
from studies.rules.marked_text import Piece, Span
from studies.rules.rule_standing import Standing, is_ticked
from studies.rules.tag_state import APPLIED, state_of
from studies.terms import Facet, TagOrigin, TagState, TagStatus

_STRENGTHS = {"source": 0, "title": 1, "abstract": 2, "derived": 3, "weak": 4}
_WHERE = {"mesh": "MeSH", "publication_types": "PubMed’s publication types", "registry": "the registry"}


@dataclass(frozen=True, slots=True)
class Said:
    """One person's present word."""

    author: User | None
    status: str
    at: datetime
    reason: str
    is_mine: bool

    @property
    def name(self) -> str:
        return str(self.author or "a person whose account is gone")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a rule suggests a term: its phrase and where it stands. `report` is named where the study has several."""

    rule: str
    version: int
    phrase: str
    where: str
    strength: str
    report: str
    is_demoted: bool

    @property
    def sentence(self) -> str:
        read = f"“{self.phrase}” in {self.where}" if self.phrase else f"in {self.where}"
        if self.strength == "derived":
            read = f"follows from {read}" if self.phrase else "follows from other tags"
        weak = ", a weak sign" if self.strength == "weak" else ""
        return f"{read}{weak}{f', {self.report}' if self.report else ''}"


@dataclass(frozen=True, slots=True)
class TagLine:
    """One term on one study; `mine` is what the reader says of it, `is_ticked` how an open suggestion is offered."""

    tag: Tag
    state: TagState
    said: tuple[Said, ...]
    is_starter: bool
    evidence: tuple[Evidence, ...]
    is_open: bool
    is_ticked: bool
    mine: str = ""

    @property
    def is_applied(self) -> bool:
        return self.state in APPLIED


@dataclass(frozen=True, slots=True)
class MarkedReport:
    """A report's title and sections cut where phrases begin and end."""

    report: Report
    title: tuple[Piece, ...]
    sections: tuple[tuple[str, tuple[Piece, ...]], ...]


def lines_of(statements: Iterable[StudyTag], reports: Sequence[Report], user: User | None) -> list[TagLine]:
    """Facet by facet in the vocabulary's order; one query, for how far the rules can be trusted."""
    by_tag: dict[Tag, list[StudyTag]] = defaultdict(list)
    for statement in statements:
        by_tag[statement.tag].append(statement)
    standing = standings({s.rule for said in by_tag.values() for s in said if s.rule})
    names = {report.pk: report.identifier for report in reports} if len(reports) > 1 else {}
    facets = {facet: place for place, facet in enumerate(Facet.values)}
    tags = sorted(by_tag, key=lambda tag: (facets[tag.facet], tag.position, tag.label))
    return [_line(tag, by_tag[tag], standing, names, user) for tag in tags]


def silence_of(reports: Sequence[Report], lines: Iterable[TagLine], *, is_registered: bool) -> str:
    """Why no rule suggests anything, and what will change that; empty where one does, or did and was answered."""
    if any(line.evidence for line in lines):
        return ""
    has_title, has_abstract = any(r.title for r in reports), any(r.abstract for r in reports)
    if has_abstract:
        return (
            "Nothing is suggested because no rule knows a phrase in what the record says; a changed record or a newer"
            " rule is read again."
        )
    if any(report.pmid for report in reports):
        source = "the next answer from PubMed"
    elif is_registered and not reports:
        source = "the next answer from the registry"
    else:
        source = "a record of it that is imported from a file"
    if has_title:
        return (
            f"Nothing is suggested because no rule knows a phrase in the title and no abstract is kept here: {source}"
            " may bring one, which is read at once."
        )
    return (
        f"Nothing is suggested because neither title nor abstract is kept here for the rules to read: {source} may"
        " bring both, which are read at once."
    )


def _line(
    tag: Tag, said: Sequence[StudyTag], standing: Mapping[str, Standing], names: Mapping[int, str], user: User | None
) -> TagLine:
    rules = sorted((s for s in said if s.origin == TagOrigin.RULE), key=lambda s: _STRENGTHS.get(s.strength, 9))
    waiting = [s for s in rules if s.status == TagStatus.SUGGESTED]
    people = [s for s in said if s.origin == TagOrigin.PERSON]
    me = user.pk if user else None
    return TagLine(
        tag=tag,
        state=state_of((s.origin, s.status) for s in said),
        said=tuple(Said(s.by, s.status, s.at, s.reason, me is not None and s.by_id == me) for s in people),
        is_starter=any(s.origin == TagOrigin.STARTER for s in said),
        evidence=tuple(_evidence(s, standing, names) for s in rules),
        is_open=bool(waiting),
        is_ticked=any(is_ticked(s.strength, standing.get(s.rule, Standing())) for s in waiting),
        mine=next((s.status for s in people if me is not None and s.by_id == me), ""),
    )


def _evidence(row: StudyTag, standing: Mapping[str, Standing], names: Mapping[int, str]) -> Evidence:
    where = _WHERE.get(row.field.replace(" ", "_"), f"the {row.field}" if row.field else "the record")
    report = names.get(row.report_id or 0, "")
    is_demoted = standing.get(row.rule, Standing()).is_demoted
    return Evidence(row.rule, row.rule_version or 0, row.phrase, where, row.strength, report, is_demoted)


def marked(reports: Iterable[Report], statements: Iterable[StudyTag]) -> list[MarkedReport]:
    """The reports' own words with every phrase that a rule read, unless people have rejected what it suggests."""
    spans: dict[tuple[int, str], list[tuple[StudyTag, Span]]] = defaultdict(list)
    for row in statements:
        if row.start is not None and row.end and row.report_id and row.status != TagStatus.REJECTED:
            spans[row.report_id, row.field].append((row, Span(row.start, row.end, row.tag_id)))
    found = []
    for report in reports:
        # What people have answered keeps its place although the source may have changed its text since.
        title = [span for row, span in spans[report.pk, "title"] if _stands(report.title, row)]
        joined = marked_text.joined(report.abstract)
        abstract = [span for row, span in spans[report.pk, "abstract"] if _stands(joined, row)]
        sections = tuple(
            (_heading(section), tuple(marked_text.pieces(section.get("text", ""), own)))
            for section, own in zip(report.abstract, marked_text.by_section(report.abstract, abstract), strict=True)
        )
        found.append(MarkedReport(report, tuple(marked_text.pieces(report.title, title)), sections))
    return found


def _stands(text: str, row: StudyTag) -> bool:
    return text[row.start : row.end] == row.phrase


def _heading(section: Mapping[str, str]) -> str:
    return (section.get("label") or section.get("category") or "").capitalize()


def statements_of(study_id: int) -> list[StudyTag]:
    return list(StudyTag.objects.filter(study=study_id).select_related("tag", "by").order_by("at", "pk"))


def standings(rules: Collection[str]) -> dict[str, Standing]:
    """What people answered to these rules; one query over answers alone, which an index holds."""
    answered = StudyTag.objects.filter(origin=TagOrigin.RULE, rule__in=rules).exclude(rule="")
    counts = (
        answered.exclude(status=TagStatus.SUGGESTED)
        .values("rule")
        .annotate(
            accepted=Count("pk", filter=Q(status=TagStatus.ACCEPTED)),
            rejected=Count("pk", filter=Q(status=TagStatus.REJECTED)),
        )
    )
    return {row["rule"]: Standing(row["accepted"], row["rejected"]) for row in counts} if rules else {}


def find_terms(words: str, *, most: int = 12) -> list[Tag]:
    """Terms on offer whose label, synonyms or slug hold the words: labels that begin with them first."""
    wanted = " ".join(words.casefold().split())
    if not wanted:
        return []
    ranked = []
    for tag in Tag.objects.filter(is_retired=False).only(
        "facet", "slug", "label", "definition", "synonyms", "position"
    ):
        names = [tag.label.casefold(), *(word.casefold() for word in tag.synonyms), tag.slug]
        ranks = [_rank(name, wanted, is_label=place == 0) for place, name in enumerate(names)]
        if (best := min(ranks)) < _NO_MATCH:
            ranked.append((best, len(tag.label), tag.pk, tag))
    return [tag for *_, tag in sorted(ranked, key=lambda entry: entry[:3])[:most]]


_NO_MATCH = 9


def _rank(name: str, wanted: str, *, is_label: bool) -> int:
    if name == wanted:
        return 0 if is_label else 1
    if name.startswith(wanted):
        return 2 if is_label else 3
    if f" {wanted}" in name.replace("-", " "):
        return 4 if is_label else 5
    return 6 if wanted in name else _NO_MATCH
