"""Keeps the study row, which lists and searches read, in step with reports, registrations, tags and notices."""

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import Count, Exists, OuterRef
from django.db.models.functions import Coalesce

from studies.actions import bulk
from studies.identifiers import registry_id
from studies.models import (
    CitationCount,
    RegistrationMention,
    Report,
    Study,
    StudyTag,
    Tag,
    TrialLink,
    TrialRegistration,
)
from studies.queries.notices import kinds_in_force
from studies.rules import notices as notice_rules
from studies.rules import study_design
from studies.rules.tag_state import APPLIED, state_of
from studies.terms import CitationSource, Facet, MentionBasis, ProposalState, ReportKind, TagOrigin, TagState, TagStatus

_KIND_ORDER = {kind: place for place, kind in enumerate(ReportKind.values)}
_CHECK_TAGS = {"Humans", "Animals"}
_FACETS = tuple(Facet.values)  # made anew at each asking, which a record would feel
# to_tsvector refuses more than a megabyte of words; a text this long is no abstract.
_SEARCHED_CHARACTERS = 250_000
KEPT = (
    "title",
    "authors",
    "journal",
    "year",
    "published_on",
    "design",
    "design_basis",
    "evidence_level",
    "notice_status",
    "n_reports",
    "n_registrations",
    "n_citations",
    "has_abstract",
    "has_full_text",
    "n_open_suggestions",
    "is_disputed",
    *Facet.values,
    "search_title",
    "search_terms",
    "search_abstract",
    "search_people",
)


@transaction.atomic
def refresh_studies(study_ids: Collection[int]) -> None:
    """Derive the kept columns of these studies anew, in a number of statements that does not depend on how many."""
    if not study_ids:
        return
    # Tagging and importing may meet on one study: one after the other.
    studies = list(Study.objects.select_for_update().filter(pk__in=study_ids).order_by("pk").for_list())
    reports = _by_study(
        Report.objects.filter(study__in=study_ids)
        .defer("references", "grants", "investigators", "history", "relations")
        .order_by("pk")
    )
    with_text = set(
        Report.objects.filter(study__in=study_ids, full_text__has_body=True).values_list("study", flat=True)
    )
    standing = standings(study_ids)
    notices = kinds_in_force(report__study__in=study_ids)
    citations = most_cited(study_ids)
    numbers = _registration_numbers(study_ids)
    registered_as = registered([study.pk for study in studies if not reports[study.pk]])
    tree = TagTree()
    for study in studies:
        fill(
            study,
            reports=reports[study.pk],
            standing=standing[study.pk],
            notice_kinds=[kind for report in reports[study.pk] for kind in notices.get(report.pk, ())],
            registration_numbers=numbers[study.pk],
            has_full_text=study.pk in with_text,
            n_citations=citations.get(study.pk),
            tree=tree,
            registration=registered_as.get(study.pk),
        )
    _write(studies)


def fill(
    study: Study,
    *,
    reports: Sequence[Report],
    standing: "Standing",
    notice_kinds: Sequence[str],
    registration_numbers: Collection[str],
    has_full_text: bool,
    tree: "TagTree",
    n_citations: int | None = None,
    registration: TrialRegistration | None = None,
) -> None:
    """Set the kept columns on `study`; nothing is saved. `notice_kinds` are those in force.

    `registration` is what a study without a report is described by.
    """
    lead = min(reports, key=_leads, default=None)
    tag_ids = standing.applied
    said = _registration_texts(registration)
    study.title = lead.title if lead else said.title or study.starter.get("title", "")
    study.authors = _short_authors(lead.authors) if lead else ""
    study.journal = (lead.journal_abbreviation or lead.journal or lead.book_title) if lead else ""
    study.published_on = lead.published_on if lead else None
    study.year = study.published_on.year if study.published_on else None
    study.design, study.design_basis = _design(reports, tree.design_slugs(tag_ids))
    study.evidence_level = study_design.evidence_level(study.design)
    study.notice_status = notice_rules.effective_status(notice_kinds)
    study.n_reports = len(reports)
    study.n_registrations = len(registration_numbers)
    study.has_abstract = any(report.abstract for report in reports)
    study.has_full_text = has_full_text
    study.n_citations = n_citations
    study.n_open_suggestions = standing.n_open
    study.is_disputed = standing.is_disputed
    for facet, ids in tree.with_ancestors(tag_ids).items():
        setattr(study, facet, ids)
    study.packed_terms = ""  # a trigger's word; loading the old one would cost a query a study
    titles = [text for report in reports for text in (report.title, report.vernacular_title) if text]
    study.search_title = _searched(titles or [study.title])
    study.search_terms = _searched(_terms(reports) | tree.words(tag_ids) | said.terms)
    study.search_abstract = _searched([*_abstracts(reports), *said.texts])
    study.search_people = _searched({*_people(reports), *registration_numbers, *said.people})


@dataclass(frozen=True, slots=True)
class _Texts:
    """What a registration gives to be shown and searched."""

    title: str = ""
    terms: frozenset[str] = frozenset()
    texts: tuple[str, ...] = ()
    people: frozenset[str] = frozenset()


def _registration_texts(registration: TrialRegistration | None) -> _Texts:
    if registration is None:
        return _Texts()
    given = [one["name"] for one in registration.interventions if one.get("name")]
    return _Texts(
        registration.title or registration.official_title,
        frozenset((*registration.conditions, *registration.keywords, *given)),
        tuple(filter(None, (registration.official_title, registration.summary))),
        frozenset(filter(None, (registration.sponsor, *registration.aliases))),
    )


def most_cited(study_ids: Collection[int]) -> dict[int, int]:
    """By study the count of its most cited report; two reports' counts may hold the same citing articles twice.

    iCite's count where it has given one, else elink's: numbers of two sources are never compared.
    """
    counts: dict[int, dict[str, dict[int, int]]] = defaultdict(lambda: defaultdict(dict))
    for study_id, source, report_id, count in (
        CitationCount.objects.facts()
        .filter(report__study__in=study_ids)
        .order_by("month")
        .values_list("report__study", "source", "report", "count")
    ):
        counts[study_id][source][report_id] = count  # the latest month's stays
    preferred = (CitationSource.ICITE, CitationSource.ELINK)
    return {
        study_id: max(next(by_source[source] for source in preferred if source in by_source).values())
        for study_id, by_source in counts.items()
    }


@dataclass(slots=True)
class Standing:
    """What a study's statements come to: the terms that count, how many wait for a person, whether two disagree."""

    applied: set[int] = field(default_factory=set)
    n_open: int = 0
    is_disputed: bool = False


def standings(study_ids: Collection[int]) -> dict[int, Standing]:
    """Two queries, however many statements there are; what only a rule says is counted, not read."""
    said: dict[tuple[int, int], list[tuple[str, str]]] = defaultdict(list)
    statements = StudyTag.objects.filter(study__in=study_ids)
    decided = statements.exclude(origin=TagOrigin.RULE).values_list("study", "tag", "origin", "status")
    for study_id, tag_id, *statement in decided:
        said[study_id, tag_id].append((statement[0], statement[1]))
    found: dict[int, Standing] = defaultdict(Standing)
    for (study_id, tag_id), words in said.items():
        state = state_of(words)
        if state in APPLIED:
            found[study_id].applied.add(tag_id)
        found[study_id].is_disputed |= state == TagState.DISPUTED
    waiting = statements.filter(origin=TagOrigin.RULE, status=TagStatus.SUGGESTED).values("study")
    for row in waiting.annotate(n=Count("tag", distinct=True)):
        found[row["study"]].n_open = row["n"]
    return found


class TagTree:
    """The vocabulary in memory: ancestors and words of a term."""

    def __init__(self) -> None:
        self._tags: dict[int, Tag] = {tag.pk: tag for tag in Tag.objects.all()}

    def with_ancestors(self, tag_ids: Iterable[int]) -> dict[str, list[int]]:
        """Per facet the sorted ids of these tags and of everything above them."""
        found: dict[str, set[int]] = {facet: set() for facet in _FACETS}
        for tag_id in tag_ids:
            tag = self._tags.get(tag_id)
            while tag and tag.pk not in found[tag.facet]:
                found[tag.facet].add(tag.pk)
                tag = self._tags.get(tag.parent_id)  # type: ignore[arg-type]
        return {facet: sorted(ids) for facet, ids in found.items()}

    def design_slugs(self, tag_ids: Iterable[int]) -> set[str]:
        return {tag.slug for i in tag_ids if (tag := self._tags.get(i)) and tag.facet == Facet.DESIGN}

    def words(self, tag_ids: Iterable[int]) -> set[str]:
        return {tag.label for i in tag_ids if (tag := self._tags.get(i)) and not tag.is_not_reported}


def _leads(report: Report) -> tuple[int, bool, str, int]:
    """The article before its preprint or a notice about it, then the earliest."""
    return (
        _KIND_ORDER[report.kind],
        not report.title,
        report.published_on.isoformat() if report.published_on else "9999",
        report.pk or 0,
    )


def _design(reports: Sequence[Report], slugs: set[str]) -> tuple[str, str]:
    if not reports and not slugs:
        return "registered", "registry"
    spoken_for = [report for report in reports if report.kind != ReportKind.NOTICE] or reports
    return study_design.design_of(
        tags=slugs,
        publication_types=[(t.get("ui", ""), t["name"]) for r in spoken_for for t in r.publication_types],
        check_tags=[h["name"] for r in spoken_for for h in r.mesh if h["name"] in _CHECK_TAGS],
        has_databank_registration=any(_names_a_registry(report) for report in spoken_for),
        has_reports=bool(reports),
    )


def _names_a_registry(report: Report) -> bool:
    return any(registry_id(number) for bank in report.databanks for number in bank.get("accessions", ()))


def _short_authors(authors: Sequence[dict]) -> str:
    """Up to three names and "et al."."""
    names = [
        author.get("collective") or " ".join(filter(None, (author.get("last"), author.get("initials"))))
        for author in authors[:3]
    ]
    return ", ".join(filter(None, names)) + (" et al." if len(authors) > 3 else "")


def _terms(reports: Sequence[Report]) -> set[str]:
    words: set[str] = set()
    for report in reports:
        words.update(keyword["text"] for keyword in report.keywords)
        words.update(coded["name"] for coded in (*report.substances, *report.supplementary_mesh))
        for heading in report.mesh:
            words.add(heading["name"])
            words.update(qualifier["name"] for qualifier in heading.get("qualifiers", ()))
    return words


def _abstracts(reports: Sequence[Report]) -> list[str]:
    texts = []
    for report in reports:
        texts += [section["text"] for section in report.abstract]
        texts += [section["text"] for other in report.other_abstracts for section in other["sections"]]
    return texts


def _people(reports: Sequence[Report]) -> set[str]:
    words: set[str] = set()
    for report in reports:
        for author in report.authors:
            words.add(author.get("collective") or f"{author.get('last', '')} {author.get('fore', '')}")
        words.update(filter(None, (report.journal, report.journal_abbreviation, report.book_title)))
        words.update(filter(None, (str(report.pmid or ""), report.pmcid, report.doi)))
    return words


def _searched(words: Iterable[str]) -> str:
    """One text, folded (NFKC) so that "CO2" finds CO₂; queries/search.py folds what is typed."""
    words = sorted(words) if isinstance(words, set) else words
    text = "\n".join(words)[:_SEARCHED_CHARACTERS]
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def _by_study(reports: Iterable[Report]) -> dict[int, list[Report]]:
    grouped = defaultdict(list)
    for report in reports:
        grouped[report.study_id].append(report)
    return grouped


def registered(study_ids: Collection[int]) -> dict[int, TrialRegistration]:
    """The first registration of each of these studies."""
    rows = TrialRegistration.objects.filter(study__in=study_ids).order_by("-pk") if study_ids else ()
    return {row.study_id: row for row in rows}


def _registration_numbers(study_ids: Collection[int]) -> dict[int, set[str]]:
    """Registrations of the study itself, and those its reports give in PubMed's databank list, unless people object.

    By their present numbers: one that a registry has given up for another is no second registration.
    """
    numbers = defaultdict(set)
    own = TrialRegistration.objects.filter(study__in=study_ids).annotate(present=_present_number(""))
    for study_id, number in own.values_list("study", "present"):
        numbers[study_id].add(number)
    rejected = TrialLink.objects.filter(
        registration=Coalesce(OuterRef("registration__alias_of"), OuterRef("registration")),
        report=OuterRef("report"),
        state=ProposalState.REJECTED,
    )
    named = RegistrationMention.objects.filter(
        ~Exists(rejected), report__study__in=study_ids, basis__in=(MentionBasis.DATABANK, MentionBasis.STARTER)
    ).annotate(present=_present_number("registration__"))
    for study_id, number in named.values_list("report__study", "present"):
        numbers[study_id].add(number)
    return numbers


def _present_number(path: str) -> Coalesce:
    return Coalesce(f"{path}alias_of__number", f"{path}number")


def _write(studies: list[Study]) -> None:
    # An upsert on the key is one statement; bulk_update would send a CASE for every row and column.
    bulk.write(Study, [bulk.dump(bulk.row(study)) for study in studies], replacing=KEPT)
