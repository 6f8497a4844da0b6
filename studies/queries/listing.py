"""The list of studies as the page shows it: rows, facets, chips and pages, all finished values."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from studies.models import Newness, Study, Tag, User
from studies.queries import facets, search
from studies.queries.filters import SORTS, Filters
from studies.queries.newness import new_among, newness
from studies.queries.vocabulary import Vocabulary
from studies.terms import Facet, StudyDesign

FEW = 4000  # hits that are sorted faster than the newest studies are searched for them
SHOWN_AT_ONCE = 8  # terms of a facet before "more"
OPEN_AT_FIRST = ("design", Facet.SOURCE, Facet.DELIVERY)
ROW_FACETS = (Facet.SOURCE, Facet.PRODUCT, Facet.DELIVERY)
_NOTICE_LABELS = {
    "retracted": "Retracted, removed or withdrawn",
    "concern": "Expression of concern",
    "replaced": "Retracted and republished",
    "corrected": "Corrected",
    "none": "No notice",
}
_CHECKED_LABELS = {"starter": "Starter data, to be verified", "verified": "From a source"}
_NUMBER_LABELS = {"year_from": "From {}", "year_to": "To {}", "people": "{}+ people", "months": "{}+ months followed"}
_UNKNOWN_LABELS = {"people": "how many people took part", "months": "how long people were followed"}
_STATE_LABELS = {
    "untagged": "Not tagged yet",
    "open": "Has open suggestions",
    "disputed": "Two people disagree",
}
_LACKS_LABELS = {facet: label.lower() for facet, label in Facet.choices}
_FLAG_LABELS = {
    "registered": "Has a registration",
    "full_text": "Has full text",
    "reviewed": "Included in a review",
    "human": "Without animal and in-vitro studies",
    "everything": "With indirect, plant and platelet studies",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One study of a list; `highlight` is empty without words."""

    study: Study
    tags: tuple[Tag, ...]
    is_new: bool
    highlight: search.Highlight | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """One checkbox of a facet: `state` is "on", "not" or empty."""

    value: str
    label: str
    count: int
    state: str = ""
    depth: int = 0
    definition: str = ""


@dataclass(frozen=True, slots=True)
class FacetPanel:
    """One facet: what shows at once, what folds away; `may_exclude` offers NOT, `matches_all` says AND is on."""

    name: str
    label: str
    options: tuple[Option, ...]
    more: tuple[Option, ...]
    is_open: bool
    may_exclude: bool = False
    may_match_all: bool = False
    matches_all: bool = False


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is on, and the address without it."""

    facet: str
    label: str
    url: str
    is_not: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """Studies that a number keeps out because they do not give it, and the address that lets them in."""

    name: str
    n: int
    what: str
    url: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Everything the page says. `pages` holds (number, url), a number of 0 for a gap."""

    filters: Filters
    total: int
    rows: tuple[Row, ...]
    panels: tuple[FacetPanel, ...]
    chips: tuple[Chip, ...]
    registered: int
    full_text: int
    sorts: tuple[tuple[str, str, bool], ...]  # (value, label, whether it is on); no value for the usual one
    page: int
    n_pages: int
    pages: tuple[tuple[int, str], ...]
    sentence: str = ""  # about words that could not be searched for
    unknown: tuple[Unknown, ...] = ()

    @property
    def first(self) -> int:
        return (self.page - 1) * search.PAGE_SIZE + 1

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1

    @property
    def previous_url(self) -> str:
        return self.filters.query(page=self.page - 1) or "?" if self.page > 1 else ""

    @property
    def next_url(self) -> str:
        return self.filters.query(page=self.page + 1) if self.page < self.n_pages else ""


def listing(filters: Filters, vocabulary: Vocabulary, *, now: datetime, reader: User | None = None) -> Listing:
    """The page that `filters` ask for, as `reader` sees it; a page past the end is the last one."""
    words, sentence = filters.words, ""
    asked = filters
    if words and not search.says_something(words):
        sentence = f"“{words}” holds only words too common to search for, so all studies are shown."
        asked = replace(filters, words="")
    counts = facets.count(asked, vocabulary)
    n_listed = min(counts.total, search.RANKED) if asked.order == "relevance" else counts.total
    if n_listed < counts.total:
        sentence = f"So many studies match that only the newest {n_listed:,} are ranked: add words, or sort by date."
    n_pages = max(-(-n_listed // search.PAGE_SIZE), 1)
    page = min(filters.page, n_pages)
    with search.planned(by_index=bool(asked.words), few=asked.order == "relevance" or counts.total < FEW):
        studies = search.page_of(asked, vocabulary, page) if counts.total else []
    marked = search.highlights(asked.words, studies) if asked.words and studies else {}
    return Listing(
        filters=filters,
        total=counts.total,
        rows=tuple(rows(studies, vocabulary, newness(now, reader), marked)),
        panels=_panels(filters, vocabulary, counts),
        chips=tuple(chips_of(filters, vocabulary)),
        registered=counts.registered,
        full_text=counts.full_text,
        sorts=tuple(_sorts(filters)),
        page=page,
        n_pages=n_pages,
        pages=tuple(_pages(filters, page, n_pages)),
        sentence=sentence,
        unknown=unknown(asked, vocabulary),
    )


def unknown(filters: Filters, vocabulary: Vocabulary) -> tuple[Unknown, ...]:
    return tuple(
        Unknown(name, n, _UNKNOWN_LABELS[name], filters.including_unknown(name).query())
        for name, n in search.unknown(filters, vocabulary).items()
    )


def rows(
    studies: Iterable[Study],
    vocabulary: Vocabulary,
    new: Newness,
    marked: Mapping[int, search.Highlight] | None = None,
) -> list[Row]:
    studies, marked = list(studies), marked or {}
    new_ids = new_among(studies, new)
    return [Row(study, _tags(study, vocabulary), study.pk in new_ids, marked.get(study.pk)) for study in studies]


def _tags(study: Study, vocabulary: Vocabulary) -> tuple[Tag, ...]:
    ids = [i for facet in ROW_FACETS for i in getattr(study, facet)]
    return tuple(vocabulary.leaves(ids)[:6])


def _sorts(filters: Filters) -> Iterable[tuple[str, str, bool]]:
    for value, label in SORTS.items():
        if filters.words or value != "relevance":
            # Without a value, so that words typed into a list by date are answered by relevance.
            yield "" if value == filters.usual_order else value, label, value == filters.order


def _pages(filters: Filters, page: int, n_pages: int) -> Iterable[tuple[int, str]]:
    """First, last and the neighbours of this page; a gap in between is number 0."""
    shown = sorted({1, n_pages, *range(max(page - 2, 1), min(page + 2, n_pages) + 1)})
    before = 0
    for number in shown:
        if number - before > 1:
            yield 0, ""
        yield number, filters.query(page=number) or "?"
        before = number


def _panels(filters: Filters, vocabulary: Vocabulary, counts: facets.Counts) -> tuple[FacetPanel, ...]:
    coarse = (
        _plain("design", "Design", {d.value: d.label for d in StudyDesign}, counts.designs, filters),
        *(_terms(facet, filters, vocabulary, counts) for facet in Facet),
        _plain("notice", "Notices", _NOTICE_LABELS, counts.notices, filters),
        _plain("checked", "Origin of the data", _CHECKED_LABELS, counts.checked, filters),
        _plain("state", "Tagging", _STATE_LABELS, counts.states, filters),
        # Where it is on, all that is listed lacks it; the form has to send it along.
        _plain("lacks", "Without a tag for", _LACKS_LABELS, dict.fromkeys(filters.of("lacks"), counts.total), filters),
    )
    return tuple(panel for panel in coarse if panel.options)


def _plain(name: str, label: str, labels: dict[str, str], counted: dict[str, int], filters: Filters) -> FacetPanel:
    chosen = filters.of(name)
    options = tuple(
        Option(value, text, counted.get(value, 0), "on" if value in chosen else "")
        for value, text in labels.items()
        if counted.get(value) or value in chosen
    )
    return FacetPanel(name, label, options, (), bool(chosen) or name in OPEN_AT_FIRST)


def _terms(facet: Facet, filters: Filters, vocabulary: Vocabulary, counts: facets.Counts) -> FacetPanel:
    options = list(_branch(vocabulary.roots(facet), 0, filters, vocabulary, counts.terms))
    first = [option for place, option in enumerate(options) if place < SHOWN_AT_ONCE or option.state]
    more = [option for option in options if option not in first]
    chosen = filters.of(facet)
    is_open = facet in OPEN_AT_FIRST or any(option.state for option in options)
    return FacetPanel(
        facet.value,
        facet.label,
        tuple(first),
        tuple(more),
        is_open,
        may_exclude=True,
        may_match_all=len(chosen) > 1,
        matches_all=facet.value in filters.of("all"),
    )


def _branch(
    tags: Sequence[Tag], depth: int, filters: Filters, vocabulary: Vocabulary, counted: dict[int, int]
) -> Iterable[Option]:
    """Terms that some study has, commonest first, each followed by the terms beneath it."""
    for tag in sorted(tags, key=lambda tag: (-counted.get(tag.pk, 0), tag.position)):
        beneath = list(_branch(vocabulary.children(tag), depth + 1, filters, vocabulary, counted))
        state = "not" if tag.slug in filters.of("not") else "on" if tag.slug in filters.of(tag.facet) else ""
        if counted.get(tag.pk) or state or beneath:
            yield Option(tag.slug, tag.label, counted.get(tag.pk, 0), state, min(depth, 3), tag.definition)
            yield from beneath


def chips_of(filters: Filters, vocabulary: Vocabulary) -> Iterable[Chip]:
    def chip(facet: str, label: str, name: str, value: str = "", *, is_not: bool = False) -> Chip:
        return Chip(facet, label, filters.without(name, value).query() or "?", is_not)

    if filters.words:
        yield chip("Words", filters.words, "q")
    for facet in Facet:
        for slug in filters.of(facet):
            yield chip(facet.label, vocabulary.by_slug[slug].label, facet, slug)
        if facet in filters.of("all"):
            yield chip(facet.label, "all of these", "all", facet)
    for slug in filters.of("not"):
        tag = vocabulary.by_slug[slug]
        yield chip(Facet(tag.facet).label, tag.label, "not", slug, is_not=True)
    for name, title, labels in (
        ("design", "Design", dict(StudyDesign.choices)),
        ("notice", "Notices", _NOTICE_LABELS),
        ("checked", "Data", _CHECKED_LABELS),
        ("state", "Tagging", _STATE_LABELS),
        ("lacks", "Without a tag for", _LACKS_LABELS),
        ("unknown", "Also where not known", {"people": "people", "months": "follow-up"}),
    ):
        for value in filters.of(name):
            yield chip(title, labels[value], name, value)
    for name, number in filters.numbers.items():
        yield chip("", _NUMBER_LABELS[name].format(number), name)
    for name in sorted(filters.flags):
        yield chip("", _FLAG_LABELS[name], name)
