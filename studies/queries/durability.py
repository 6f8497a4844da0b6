"""How long people were followed, by design and by cell source: in bands for the table, in months for the plot."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from django.db import connection

from studies.models import Tag
from studies.queries import search
from studies.queries.filters import Filters
from studies.queries.listing import Chip, chips_of
from studies.queries.map_counts import conditions
from studies.queries.plots import Lanes, lanes
from studies.queries.vocabulary import Vocabulary
from studies.terms import Facet, StudyDesign

# (label, from how many months on); the last is open.
BANDS = (("under 3", 0), ("3 to 5", 3), ("6 to 11", 6), ("12 to 23", 12), ("24 and longer", 24))
# Only who treats people follows them up.
DESIGNS = (
    StudyDesign.RANDOMISED,
    StudyDesign.CONTROLLED,
    StudyDesign.COHORT,
    StudyDesign.TRIAL,
    StudyDesign.SINGLE_ARM,
    StudyDesign.CASE_REPORT,
    StudyDesign.NOT_STATED,
)


@dataclass(frozen=True, slots=True)
class Line:
    """One group: studies by band, those that do not say, and the queries that list it and its longest year."""

    label: str
    bands: tuple[int, ...]
    n_unknown: int
    n_studies: int
    median: float | None
    longest: float | None
    query: str
    n_year: int
    year_query: str

    @property
    def n_known(self) -> int:
        return self.n_studies - self.n_unknown


@dataclass(frozen=True, slots=True)
class Group:
    """Studies by design or by source, as a plot and as the table of it."""

    name: str
    label: str
    lines: tuple[Line, ...]
    plot: Lanes


@dataclass(frozen=True, slots=True)
class Durability:
    groups: tuple[Group, ...]
    whole: Line
    chips: tuple[Chip, ...]


def durability(filters: Filters, vocabulary: Vocabulary) -> Durability:
    """One statement over the studies; a study of two sources stands in two lines, and the page says so."""
    chips, filters = tuple(chips_of(filters, vocabulary)), _treating(filters)
    by_design, whole = defaultdict(Counter), Counter()
    packed: dict[float | None, list[str]] = defaultdict(list)
    for design, months, n, terms in _counts(filters, vocabulary):
        whole[months] += n
        by_design[design][months] += n
        packed[months].append(terms)
    by_source = _by_term([tag for tag in vocabulary.by_id.values() if tag.facet == Facet.SOURCE], packed)
    designs = [(d.label, by_design[d], ("design", d.value)) for d in DESIGNS if by_design[d]]
    sources = [(tag.label, counter, (Facet.SOURCE, tag.slug)) for tag, counter in by_source if counter]
    sources.sort(key=lambda entry: -entry[1].total())
    return Durability(
        groups=(_group("design", "design", designs, filters), _group("source", "cell source", sources, filters)),
        whole=_line("All", whole, ("", ""), filters),
        chips=chips,
    )


def _treating(filters: Filters) -> Filters:
    """Only the designs that follow people up, so that each list shows exactly what is counted."""
    chosen = tuple(design for design in filters.of("design") if design in DESIGNS)
    return replace(filters, lists={**filters.lists, "design": chosen or DESIGNS}, sort="", page=1)


def _counts(filters: Filters, vocabulary: Vocabulary) -> Iterable[tuple[str, float | None, int, str]]:
    """(design, months, how many studies, their terms)."""
    found = search.narrowed(filters, vocabulary).filter(*conditions(filters, vocabulary))
    inner, values = found.values_list("design", "follow_up_months", "packed_terms").query.sql_with_params()
    statement = f"""
        SELECT design, months, count(*), string_agg(terms, '') FROM ({inner}) AS hit (design, months, terms)
        GROUP BY 1, 2
    """  # noqa: S608 - `inner` is Django's own SQL with its parameters apart
    with search.planned(by_index=bool(filters.words), by_hash=True), connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [(d, None if months is None else float(months), n, terms) for d, months, n, terms in cursor.fetchall()]


def _by_term(tags: Sequence[Tag], packed: dict[float | None, list[str]]) -> list[tuple[Tag, Counter]]:
    """How many studies of each term, by months."""
    counters = [(tag, ord(search.character(tag.pk)), Counter()) for tag in tags]
    for months, texts in packed.items():
        points = np.frombuffer("".join(texts).encode("utf-32-le"), "<u4")
        tally = np.bincount(points, minlength=max((point for _, point, _ in counters), default=0) + 1)
        for _, point, counter in counters:
            if n := int(tally[point]):
                counter[months] = n
    return [(tag, counter) for tag, _, counter in counters]


def _group(name: str, label: str, entries: list, filters: Filters) -> Group:
    lines = tuple(_line(words, counter, part, filters) for words, counter, part in entries)
    known = [(words, Counter({m: n for m, n in counter.items() if m is not None})) for words, counter, _ in entries]
    return Group(name, label, lines, lanes([(words, counter) for words, counter in known if counter]))


def _line(label: str, counter: Counter, part: tuple[str, str], filters: Filters) -> Line:
    known = sorted((months, n) for months, n in counter.items() if months is not None)
    limits = [limit for _, limit in BANDS] + [float("inf")]
    bands = tuple(sum(n for months, n in known if low <= months < high) for low, high in pairwise(limits))
    own = replace(filters, lists={**filters.lists, part[0]: (part[1],)}) if part[0] else filters
    return Line(
        label=label,
        bands=bands,
        n_unknown=counter.get(None, 0),
        n_studies=counter.total(),
        median=_median(known),
        longest=known[-1][0] if known else None,
        query=own.query(),
        n_year=sum(bands[3:]),
        year_query=_followed_a_year(own).query(),
    )


def _followed_a_year(filters: Filters) -> Filters:
    known = filters.without("unknown", "months")
    return replace(known, numbers={**known.numbers, "months": max(12, known.numbers.get("months", 0))})


def _median(known: list[tuple[float, int]]) -> float | None:
    """The middle of weighted values in order; between two, the lower: it promises less."""
    half, seen = sum(n for _, n in known) / 2, 0
    for months, n in known:
        seen += n
        if seen >= half:
            return months
    return None
