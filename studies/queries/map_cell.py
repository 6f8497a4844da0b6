"""The first studies of one cell of the map, as the card beside it shows them."""

from dataclasses import dataclass, replace

from django.db.models import Count, F, Q, Window

from studies.models import Study, StudyTag
from studies.queries import search
from studies.queries.filters import Filters
from studies.queries.map_counts import conditions
from studies.queries.vocabulary import Vocabulary
from studies.terms import Facet, TagStatus

SHOWN = 8


@dataclass(frozen=True, slots=True)
class Card:
    """`terms` say which cell it is, `n_suggested` how many more studies have an open suggestion for it."""

    terms: tuple[str, ...]
    total: int
    studies: tuple[Study, ...]
    query: str
    n_suggested: int

    @property
    def n_more(self) -> int:
        return self.total - len(self.studies)


def card(filters: Filters, vocabulary: Vocabulary) -> Card:
    """The gravest notices first: whoever sees eight studies must not miss a retraction; then the newest."""
    asked = replace(filters, sort="", page=1)
    found = search.narrowed(asked, vocabulary).filter(*conditions(asked, vocabulary))
    # Counted along with the sort: one pass over a cell that may hold a tenth of the catalogue.
    counted = found.annotate(n_all=Window(Count("pk")))
    with search.planned(by_index=bool(asked.words)):
        first = list(
            counted.order_by("-notice_status", F("published_on").desc(nulls_last=True), "-pk").values_list(
                "pk", "n_all"
            )[:SHOWN]
        )
    ids, total = [pk for pk, _ in first], first[0][1] if first else 0
    rows = Study.objects.for_list().in_bulk(ids)
    facets = [facet for facet in Facet.values if asked.of(facet)]
    terms = tuple(" + ".join(vocabulary.by_slug[slug].label for slug in asked.of(facet)) for facet in facets)
    return Card(terms, total, tuple(rows[pk] for pk in ids if pk in rows), asked.query(), _suggested(asked, vocabulary))


def _suggested(filters: Filters, vocabulary: Vocabulary) -> int:
    """Studies outside the cell that would come in if people accepted what is suggested for its terms."""
    chosen = {facet: filters.of(facet) for facet in Facet.values if filters.of(facet)}
    if not chosen:
        return 0
    opened = StudyTag.objects.filter(status=TagStatus.SUGGESTED)
    lists = {name: values for name, values in filters.lists.items() if name not in chosen and name != "all"}
    studies, is_any_open = search.narrowed(replace(filters, lists=lists), vocabulary), False
    for facet, slugs in chosen.items():
        for group in ([slug] for slug in slugs) if facet in filters.of("all") else (slugs,):
            terms = [vocabulary.by_slug[slug] for slug in group]
            suggested = opened.filter(tag__in=[tag.pk for term in terms for tag in vocabulary.branch(term)])
            is_any_open = is_any_open or suggested.exists()
            fits = Q(pk__in=suggested.values("study"))
            for term in terms:
                fits |= Q(packed_terms__contains=search.character(term.pk))
            studies = studies.filter(fits)
    if not is_any_open:
        return 0
    inside = search.narrowed(filters, vocabulary).filter(*conditions(filters, vocabulary))
    return studies.exclude(pk__in=inside.values("pk")).count()
