"""The evidence map: for any two facets, which studies there are, and of what kind each gap is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode

import numpy as np

from studies.models import SearchRun, Tag, User
from studies.queries.filters import Filters
from studies.queries.listing import Chip, Unknown, chips_of, unknown
from studies.queries.map_counts import ANY, KINDS, UNTAGGED, Kind, Pairs, count_pairs
from studies.queries.map_question import Question
from studies.queries.newness import newness
from studies.queries.vocabulary import Vocabulary
from studies.terms import Facet, RunKind, RunState

_SHADES = (1, 3, 8, 20, 50)  # from how many studies on a cell is a shade darker


@dataclass(frozen=True, slots=True)
class Mark:
    """How many studies of one kind of design."""

    kind: Kind
    n: int


@dataclass(frozen=True, slots=True)
class Cell:
    """Unique studies of a pair of terms and the query that lists exactly them.

    `gap` is empty where there are studies, else "searched", "never" (nothing was ever searched), "waiting" (`n_waiting`
    studies that might belong here lack a tag) or "outside" (a term is out of scope).
    """

    total: int
    query: str = ""
    marks: tuple[Mark, ...] = ()
    n_new: int = 0
    n_noticed: int = 0
    gap: str = ""
    n_waiting: int = 0

    @property
    def shade(self) -> int:
        return sum(self.total >= limit for limit in _SHADES)

    @property
    def is_registered_only(self) -> bool:
        return len(self.marks) == 1 and self.marks[0].kind.letter == "h"


@dataclass(frozen=True, slots=True)
class Head:
    """A term at the side or the top of the map."""

    label: str
    definition: str
    depth: int
    is_outside: bool


@dataclass(frozen=True, slots=True)
class Line:
    head: Head
    total: Cell
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class EvidenceMap:
    """Everything the page says. `hidden` holds the labels of rows and columns left out for having no study."""

    question: Question
    heads: tuple[Head, ...]
    lines: tuple[Line, ...]
    foot: tuple[Cell, ...]
    corner: Cell
    legend: tuple[Mark, ...]
    hidden_rows: tuple[str, ...]
    hidden_columns: tuple[str, ...]
    n_placed: int
    n_without_row: int
    n_without_column: int
    as_of: datetime
    searched_at: datetime | None
    chips: tuple[Chip, ...] = ()
    unknown: tuple[Unknown, ...] = ()

    @property
    def without_row(self) -> str:
        """The query that lists the studies that stand in no row for want of a tag."""
        return self._without(self.question.rows)

    @property
    def without_column(self) -> str:
        return self._without(self.question.columns)

    def _without(self, facet: Facet) -> str:
        filters = self.question.filters
        return replace(filters, lists={**filters.lists, "lacks": (*filters.of("lacks"), facet.value)}).query()

    @property
    def n_untagged(self) -> int:
        return self.corner.total - self.n_placed


def evidence_map(
    question: Question, vocabulary: Vocabulary, *, now: datetime, reader: User | None = None
) -> EvidenceMap:
    """The whole map in one statement over the studies and one for the date of the last search."""
    pairs = count_pairs(question.filters, vocabulary, question.rows, question.columns, new=newness(now, reader))
    searched_at = last_search()
    totals = pairs.totals
    rows = list(_terms(question.rows, question.filters, vocabulary, pairs.row_places, totals[:, ANY]))
    columns = list(_terms(question.columns, question.filters, vocabulary, pairs.column_places, totals[ANY]))
    shown_rows = [term for term in rows if not question.hides_empty or totals[term.place, ANY]]
    shown_columns = [term for term in columns if not question.hides_empty or totals[ANY, term.place]]
    cells = _Cells(question, pairs, "searched" if searched_at else "never")
    everything = _Term(None, ANY, 0)
    corner = cells.at(everything, everything)
    return EvidenceMap(
        question=question,
        heads=tuple(map(_head, shown_columns)),
        lines=tuple(
            Line(_head(row), cells.at(row, everything), tuple(cells.at(row, column) for column in shown_columns))
            for row in shown_rows
        ),
        foot=tuple(cells.at(everything, column) for column in shown_columns),
        corner=corner,
        legend=corner.marks,
        hidden_rows=tuple(term.tag.label for term in rows if term not in shown_rows),
        hidden_columns=tuple(term.tag.label for term in columns if term not in shown_columns),
        n_placed=_placed(totals),
        n_without_row=int(totals[UNTAGGED, ANY]),
        n_without_column=int(totals[ANY, UNTAGGED]),
        as_of=now,
        searched_at=searched_at,
        chips=tuple(_chips(question, vocabulary)),
        unknown=_unknown(question, vocabulary),
    )


def last_search() -> datetime | None:
    """When a search last ran to its end, all of its source's answers taken."""
    done = SearchRun.objects.filter(kind=RunKind.SEARCH, state=RunState.FINISHED, limit=None)
    done = done.filter(finished_at__isnull=False)
    return done.order_by("-finished_at").values_list("finished_at", flat=True).first()


def _placed(totals: np.ndarray) -> int:
    """Studies with a term of both facets."""
    return int(totals[ANY, ANY] - totals[UNTAGGED, ANY] - totals[ANY, UNTAGGED] + totals[UNTAGGED, UNTAGGED])


@dataclass(frozen=True, slots=True)
class _Term:
    """A tag on an axis; none stands for all of them."""

    tag: Tag | None
    place: int
    depth: int


def _terms(
    facet: Facet, filters: Filters, vocabulary: Vocabulary, places: Mapping[int, int], totals: np.ndarray
) -> Iterable[_Term]:
    """The terms of an axis as a tree; a filter on its own facet leaves what it names and what lies beneath.

    A retired term stands there as long as studies have it: `totals` by place.
    """
    chosen = set() if facet in filters.of("all") else set(filters.of(facet))
    unwanted = set(filters.of("not"))

    def branch(tags: Sequence[Tag], depth: int, is_chosen: bool) -> Iterable[_Term]:
        for tag in sorted(tags, key=lambda tag: tag.position):
            is_in = is_chosen or tag.slug in chosen
            place = places[tag.pk]
            if is_in and tag.slug not in unwanted and (totals[place] or not tag.is_retired):
                yield _Term(tag, place, depth)
            yield from branch(vocabulary.children(tag), depth + is_in, is_in)

    yield from branch(vocabulary.roots(facet), 0, not chosen)


def _head(term: _Term) -> Head:
    return Head(term.tag.label, term.tag.definition, min(term.depth, 3), term.tag.is_out_of_scope)


class _Cells:
    """Makes cells out of counts; the parts of their queries are made once a term."""

    def __init__(self, question: Question, pairs: Pairs, nothing: str) -> None:
        """`nothing` is what an empty cell is called when everything is tagged."""
        self.question, self.nothing = question, nothing
        # Python's own numbers: reading an array one by one is slow.
        self._marks = pairs.kinds.transpose(1, 2, 0).tolist()
        self._totals, self._new, self._noticed = pairs.totals.tolist(), pairs.new.tolist(), pairs.noticed.tolist()
        self._parts: dict[tuple[Facet, str], str] = {}
        filters, axes = question.filters, (question.rows, question.columns)
        lists = {name: values for name, values in filters.lists.items() if name not in axes}
        self._base = replace(filters, lists=lists).query().removeprefix("?")

    def at(self, row: _Term, column: _Term) -> Cell:
        r, c = row.place, column.place
        if not (total := self._totals[r][c]):
            return self._gap(row, column)
        marks = tuple(Mark(kind, n) for kind, n in zip(KINDS, self._marks[r][c], strict=True) if n)
        parts = (self._part(self.question.rows, row), self._part(self.question.columns, column), self._base)
        return Cell(total, "&".join(filter(None, parts)), marks, self._new[r][c], self._noticed[r][c])

    def _gap(self, row: _Term, column: _Term) -> Cell:
        if any(term.tag and term.tag.is_out_of_scope for term in (row, column)):
            return Cell(0, gap="outside")
        r, c = row.place, column.place
        # Whoever lacks a tag on one axis, or on both, may yet turn out to belong here.
        waiting = self._totals[UNTAGGED][UNTAGGED] + (self._totals[r][UNTAGGED] if row.tag else 0)
        waiting += self._totals[UNTAGGED][c] if column.tag else 0
        if not row.tag:
            waiting = self._totals[ANY][UNTAGGED]
        if not column.tag:
            waiting = self._totals[UNTAGGED][ANY]
        return Cell(0, gap="waiting", n_waiting=waiting) if waiting else Cell(0, gap=self.nothing)

    def _part(self, facet: Facet, term: _Term) -> str:
        """The filter of one axis: the cell's own term, together with terms that all have to be there."""
        slug = term.tag.slug if term.tag else ""
        if (facet, slug) not in self._parts:
            given = self.question.filters.of(facet)
            keeps = not slug or facet in self.question.filters.of("all")
            values = dict.fromkeys((*(given if keeps else ()), *([slug] if slug else ())))
            self._parts[facet, slug] = urlencode([(facet.value, value) for value in values])
        return self._parts[facet, slug]


def _chips(question: Question, vocabulary: Vocabulary) -> Iterable[Chip]:
    for chip in chips_of(question.own_filters, vocabulary):
        yield replace(chip, url=question.with_filters(chip.url))


def _unknown(question: Question, vocabulary: Vocabulary) -> Iterable[Unknown]:
    found = unknown(question.filters, vocabulary)
    return tuple(
        replace(entry, url=question.query(filters=question.filters.including_unknown(entry.name))) for entry in found
    )
