"""Counts every facet of the list of studies in one pass, each under all the other filters."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

import numpy as np
from django.db import connection
from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.db.models.expressions import Combinable

from studies.models import Study
from studies.queries import search
from studies.queries.filters import NOTICES, Filters
from studies.queries.vocabulary import Vocabulary
from studies.terms import Facet


@dataclass(slots=True)
class Counts:
    """`total` meets every filter; the rest are counted as if the filter of their own dimension were off."""

    total: int = 0
    terms: dict[int, int] = field(default_factory=dict)
    designs: Counter[str] = field(default_factory=Counter)
    notices: Counter[str] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    registered: int = 0
    full_text: int = 0


def count(filters: Filters, vocabulary: Vocabulary) -> Counts:
    """One statement over the narrow columns of every study that the other filters leave."""
    dimensions = list(search.alternatives(filters, vocabulary))
    hits = _hits(filters, vocabulary, dimensions)
    counts, packed = Counts(), defaultdict(list)
    groups = _grouped(hits, dimensions, by_index=bool(filters.words))
    for failed, design, notice_status, is_starter, has_full_text, is_registered, states, n, terms in groups:
        own = dimensions[failed.bit_length() - 1] if failed else ""
        packed[own].append(terms)
        if own in ("", "design"):
            counts.designs[design] += n
        if own in ("", "notice"):
            counts.notices[_NOTICE_NAMES[notice_status]] += n
        if own in ("", "checked"):
            counts.checked["starter" if is_starter else "verified"] += n
        if own in ("", "state"):
            counts.states.update({state: n for place, state in enumerate(search.STATES) if states >> place & 1})
        if not failed:
            counts.total += n
            counts.full_text += n * has_full_text
            counts.registered += n * is_registered
    counts.terms = _terms({own: _tally("".join(texts)) for own, texts in packed.items()}, vocabulary)
    return counts


_NOTICE_NAMES = {status: name for name, statuses in NOTICES.items() for status in statuses}


def _hits(filters: Filters, vocabulary: Vocabulary, dimensions: list[str]) -> QuerySet[Study]:
    """The studies that every hard filter leaves, `failed` telling by a bit which alternatives they miss."""
    conditions = search.alternatives(filters, vocabulary)
    failed = Value(0, output_field=IntegerField())
    for place, dimension in enumerate(dimensions):
        condition = conditions[dimension]
        if dimension in Facet.values:
            # The array lies out of line; asking it row by row would cost more than all the counting.
            condition = Q()
            for slug in filters.of(dimension):
                condition |= Q(packed_terms__contains=search.character(vocabulary.by_slug[slug].pk))
        failed = failed + Case(When(condition, then=0), default=1 << place, output_field=IntegerField())
    return (
        search.narrowed(filters, vocabulary)
        .annotate(failed=failed, states=_states())
        .values_list(
            "failed",
            "design",
            "notice_status",
            "is_starter",
            "has_full_text",
            "n_registrations",
            "states",
            "packed_terms",
        )
    )


def _states() -> Combinable:
    """A bit for each state of the tagging that the study is in."""
    bits = Value(0, output_field=IntegerField())
    for place, condition in enumerate(search.STATES.values()):
        bits = bits + Case(When(condition, then=1 << place), default=0, output_field=IntegerField())
    return bits


def _grouped(hits: QuerySet[Study], dimensions: list[str], *, by_index: bool) -> list[tuple]:
    """A row for each combination of the short columns, its studies' terms joined to one text."""
    inner, values = hits.query.sql_with_params()
    counted = [0, *(1 << place for place in range(len(dimensions)))]
    statement = f"""
        SELECT failed, design, notice_status, is_starter, has_full_text, n_registrations > 0, states, count(*),
            string_agg(packed_terms, '')
        FROM ({inner}) AS hit (failed, design, notice_status, is_starter, has_full_text, n_registrations,
            states, packed_terms)
        WHERE failed = ANY(%s) GROUP BY 1, 2, 3, 4, 5, 6, 7
    """  # noqa: S608 - `inner` is Django's own SQL with its parameters apart
    with search.planned(by_index=by_index, by_hash=True), connection.cursor() as cursor:
        cursor.execute(statement, [*values, counted])
        return cursor.fetchall()


def _tally(packed: str) -> np.ndarray:
    """How often each term stands in a packed text; the index is the term's id."""
    points = np.frombuffer(packed.encode("utf-32-le"), "<u4").astype(np.int64)
    return np.bincount(np.where(points > 0xDFFF, points - 2304, points - 256))


def _terms(tallies: dict[str, np.ndarray], vocabulary: Vocabulary) -> dict[int, int]:
    """A study that misses only the filter of one facet still counts for the terms of that facet."""

    def tally(own: str, term: int) -> int:
        return int(tallies[own][term]) if own in tallies and term < len(tallies[own]) else 0

    return {term: tally("", term) + tally(tag.facet, term) for term, tag in vocabulary.by_id.items()}
