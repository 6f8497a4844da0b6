"""Counts every pair of terms of two facets in one pass over what studies are tagged with."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db import connection
from django.db.models import F, Q

from studies.models import Tag
from studies.queries import search
from studies.queries.filters import Filters
from studies.queries.vocabulary import Vocabulary
from studies.terms import Facet, NoticeStatus, StudyDesign

# The marks of a cell: (code, word, the designs it stands for), the strongest first.
MARKS: tuple[tuple[str, str, frozenset[str]], ...] = (
    ("sr", "systematic review", frozenset({StudyDesign.SYSTEMATIC_REVIEW})),
    ("rct", "randomised", frozenset({StudyDesign.RANDOMISED})),
    ("ctl", "controlled or cohort", frozenset({StudyDesign.CONTROLLED, StudyDesign.COHORT})),
    ("arm", "single-arm", frozenset({StudyDesign.SINGLE_ARM})),
    ("cas", "case report", frozenset({StudyDesign.CASE_REPORT})),
    ("ani", "animal", frozenset({StudyDesign.ANIMAL})),
    ("lab", "in vitro", frozenset({StudyDesign.IN_VITRO})),
    (
        "oth",
        "other or not stated",
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
    ("reg", "registered, unpublished", frozenset({StudyDesign.REGISTERED})),
)
_MARK_OF = {design: place for place, (_, _, designs) in enumerate(MARKS) for design in designs}
# A place after the last term of each axis.
UNTAGGED, ANY = -2, -1
_BREAK = ","  # packed terms begin at code point 256


@dataclass(frozen=True, slots=True)
class Pairs:
    """Unique studies by (mark, row, column), and of them the new and the noticed by (row, column).

    Rows and columns are `places` of tags, then UNTAGGED (no term of that facet at all), then ANY.
    """

    marks: np.ndarray
    new: np.ndarray
    noticed: np.ndarray
    row_places: dict[int, int]
    column_places: dict[int, int]

    @property
    def totals(self) -> np.ndarray:
        return self.marks.sum(axis=0)


def count_pairs(filters: Filters, vocabulary: Vocabulary, rows: Facet, columns: Facet, *, new_since: datetime) -> Pairs:
    """One statement; the pairs of each group of studies are the product of two incidence matrices."""
    axes = [_tags(vocabulary, rows), _tags(vocabulary, columns)]
    readers = [_Reader(tags) for tags in axes]
    shape = tuple(len(tags) + 2 for tags in axes)
    marks = np.zeros((len(MARKS), *shape), np.float32)
    new, noticed = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for design, is_noticed, is_new, packed in _groups(filters, vocabulary, new_since):
        points = np.frombuffer(packed.encode("utf-32-le"), "<u4")
        study = np.cumsum(points == ord(_BREAK))
        n = int(study[-1]) + 1 if len(study) else 1
        pairs = readers[0].incidence(points, study, n).T @ readers[1].incidence(points, study, n)
        marks[_MARK_OF.get(design, _MARK_OF[StudyDesign.NOT_STATED])] += pairs
        if is_new:
            new += pairs
        if is_noticed:
            noticed += pairs
    places = [{tag.pk: place for place, tag in enumerate(tags)} for tags in axes]
    return Pairs(marks.astype(int), new.astype(int), noticed.astype(int), *places)


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

    def incidence(self, points: np.ndarray, study: np.ndarray, n: int) -> np.ndarray:
        """A row a study; float32, which counts to 16 million exactly and multiplies fastest."""
        places = self.place_of[np.minimum(points, len(self.place_of) - 1)]
        is_ours = places >= 0
        found = np.zeros((n, self.n_terms + 2), np.float32)
        found[study[is_ours], places[is_ours]] = 1
        found[:, UNTAGGED] = found[:, : self.n_terms].sum(axis=1) == 0
        found[:, ANY] = 1
        return found


def _groups(filters: Filters, vocabulary: Vocabulary, new_since: datetime) -> Iterable[tuple[str, bool, bool, str]]:
    """(design, has a retraction or concern, is new, packed terms of its studies) of what the filters leave."""
    hits = (
        search.narrowed(filters, vocabulary)
        .filter(*conditions(filters, vocabulary))
        .annotate(
            is_noticed=Q(notice_status__gte=NoticeStatus.REPLACED),
            is_new=Q(created_at__gt=new_since, is_starter=False),
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
