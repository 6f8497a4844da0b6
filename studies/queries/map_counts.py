"""Counts every pair of terms of two facets in one pass over what studies are tagged with."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from django.db import connection
from django.db.models import F, Q

from studies.models import Newness, Tag
from studies.queries import search
from studies.queries.filters import Filters
from studies.queries.vocabulary import Vocabulary
from studies.terms import Facet, NoticeStatus, StudyDesign


@dataclass(frozen=True, slots=True)
class Kind:
    """One mark of a cell: its letter in style sheets, the word beside its number, what that means, its designs."""

    letter: str
    word: str
    meaning: str
    designs: frozenset[str]


# The strongest first.
KINDS = (
    Kind("s", "SR", "systematic review", frozenset({StudyDesign.SYSTEMATIC_REVIEW})),
    Kind("r", "RCT", "randomised trial", frozenset({StudyDesign.RANDOMISED})),
    Kind("c", "contr.", "controlled or cohort", frozenset({StudyDesign.CONTROLLED, StudyDesign.COHORT})),
    Kind("a", "single", "single-arm", frozenset({StudyDesign.SINGLE_ARM})),
    Kind("k", "case", "case report or series", frozenset({StudyDesign.CASE_REPORT})),
    Kind("n", "animal", "animal", frozenset({StudyDesign.ANIMAL})),
    Kind("v", "in vitro", "in vitro", frozenset({StudyDesign.IN_VITRO})),
    Kind(
        "o",
        "other",
        "other, or design not stated",
        frozenset(
            {
                StudyDesign.TRIAL,
                StudyDesign.REVIEW,
                StudyDesign.GUIDELINE,
                StudyDesign.PROTOCOL,
                StudyDesign.NOT_STATED,
            }
        ),
    ),
    Kind("h", "reg.", "registered, unpublished", frozenset({StudyDesign.REGISTERED})),
)
_KIND_OF = {design: place for place, kind in enumerate(KINDS) for design in kind.designs}
# A place after the last term of each axis.
UNTAGGED, ANY = -2, -1
_BREAK = ","  # packed terms begin at code point 256


@dataclass(frozen=True, slots=True)
class Pairs:
    """Unique studies by (kind, row, column), and of them the new and the noticed by (row, column).

    Rows and columns are `places` of tags, then UNTAGGED (no term of that facet at all), then ANY.
    """

    kinds: np.ndarray
    new: np.ndarray
    noticed: np.ndarray
    row_places: dict[int, int]
    column_places: dict[int, int]

    @property
    def totals(self) -> np.ndarray:
        return self.kinds.sum(axis=0)


def count_pairs(filters: Filters, vocabulary: Vocabulary, rows: Facet, columns: Facet, *, new: Newness) -> Pairs:
    """One statement; a term is a row of bits, one a study, and a pair the bits that two rows share."""
    axes = [_tags(vocabulary, rows), _tags(vocabulary, columns)]
    readers = [_Reader(tags) for tags in axes]
    shape = tuple(len(tags) + 2 for tags in axes)
    kinds = np.zeros((len(KINDS), *shape), np.int64)
    n_new, noticed = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for design, is_noticed, is_new, packed in _groups(filters, vocabulary, new):
        points = np.frombuffer(packed.encode("utf-32-le"), "<u4")
        study = np.cumsum(points == ord(_BREAK), dtype=np.int32)
        rows_of, columns_of = (reader.bits(points, study) for reader in readers)
        pairs = np.bitwise_count(rows_of[:, None] & columns_of[None]).sum(axis=2, dtype=np.int64)
        kinds[_KIND_OF.get(design, _KIND_OF[StudyDesign.NOT_STATED])] += pairs
        if is_new:
            n_new += pairs
        if is_noticed:
            noticed += pairs
    places = [{tag.pk: place for place, tag in enumerate(tags)} for tags in axes]
    return Pairs(kinds, n_new, noticed, *places)


def _tags(vocabulary: Vocabulary, facet: Facet) -> list[Tag]:
    return [tag for tag in vocabulary.by_id.values() if tag.facet == facet]


class _Reader:
    """Which studies of a packed text have which term of one facet."""

    def __init__(self, tags: Sequence[Tag]) -> None:
        points = [ord(search.character(tag.pk)) for tag in tags]
        self.n_terms = len(tags)
        # The last entry stands for every character beyond.
        self.place_of = np.full(max(points, default=0) + 2, -1, np.int32)
        self.place_of[points] = np.arange(len(points))

    def bits(self, points: np.ndarray, study: np.ndarray) -> np.ndarray:
        """(terms + 2, words of 64 studies); `study` says which study each character belongs to."""
        n = int(study[-1]) + 1 if len(study) else 1
        places = self.place_of[np.minimum(points, len(self.place_of) - 1)]
        is_ours = np.flatnonzero(places >= 0)
        # Whole words of 64; what lies beyond the last study stays zero in every row.
        found = np.zeros((self.n_terms + 2, -(-n // 64) * 64), np.uint8)
        found[places[is_ours], study[is_ours]] = 1
        found[UNTAGGED, :n] = 1 - found[: self.n_terms, :n].max(axis=0, initial=0)
        found[ANY, :n] = 1
        return np.packbits(found, axis=1).view(np.uint64)


def _groups(filters: Filters, vocabulary: Vocabulary, newness: Newness) -> Iterable[tuple[str, bool, bool, str]]:
    """(design, has a retraction or concern, is new, packed terms of its studies) of what the filters leave."""
    hits = (
        search.narrowed(filters, vocabulary)
        .filter(*conditions(filters, vocabulary))
        .annotate(
            is_noticed=Q(notice_status__gte=NoticeStatus.REPLACED),
            is_new=newness.of_studies,
            terms=F("packed_terms"),
        )
        .values_list("design", "is_noticed", "is_new", "terms")
    )
    inner, values = hits.query.sql_with_params()
    statement = f"""
        SELECT design, is_noticed, is_new, string_agg(terms, '{_BREAK}')
        FROM ({inner}) AS hit (design, is_noticed, is_new, terms) GROUP BY 1, 2, 3
    """  # noqa: S608 - `inner` is Django's own SQL with its parameters apart
    with search.planned(by_index=bool(filters.words), by_hash=True), connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def conditions(filters: Filters, vocabulary: Vocabulary) -> list[Q]:
    """The alternatives of `filters`, terms asked of the packed text: the arrays lie out of line."""
    found = search.alternatives(filters, vocabulary)
    for facet in found.keys() & set(Facet.values):
        found[facet] = Q()
        for slug in filters.of(facet):
            found[facet] |= Q(packed_terms__contains=search.character(vocabulary.by_slug[slug].pk))
    return list(found.values())
