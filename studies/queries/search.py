"""Finds studies: by an identifier typed alone, by words and filters; one page of rows with the words marked."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from django.contrib.postgres.search import SearchHeadline, SearchQuery
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from studies import identifiers
from studies.models import Study
from studies.queries.filters import NOTICES, Filters
from studies.queries.vocabulary import Vocabulary
from studies.terms import Facet, StudyDesign

PAGE_SIZE = 25
RANKED = 6_000  # ranking reads a long vector a study; of more hits the newest are ranked, and the page says so
# Private-use characters: unlike tags they survive escaping, and no source has a use for them.
_START, _STOP = "\ue000", "\ue001"
_NEWEST = (F("published_on").desc(nulls_last=True), F("id").desc())
_ORDERS = {
    "newest": _NEWEST,
    "people": (F("n_participants").desc(nulls_last=True), *_NEWEST),
    "follow_up": (F("follow_up_months").desc(nulls_last=True), *_NEWEST),
    "level": (F("evidence_level").asc(nulls_last=True), *_NEWEST),
    "cited": (F("n_citations").desc(nulls_last=True), *_NEWEST),
}


@dataclass(frozen=True, slots=True)
class Highlight:
    """Title and matching passages of one study as HTML, all but our <mark> escaped."""

    title: SafeString
    passage: SafeString


def by_identifier(text: str) -> tuple[Study | None, str]:
    """The one study that a PMID, PMCID, DOI or registry number names, and what kind of identifier `text` is.

    An empty kind: `text` is no identifier. A kind without a study: not in the catalogue, or of several studies.
    """
    for kind, name, matches in _identifier_matches(text):
        found = list(Study.objects.for_list().filter(matches).distinct().order_by("pk")[:2])
        return (found[0] if len(found) == 1 else None), f"{kind} {name}"
    return None, ""


def _identifier_matches(text: str) -> Iterable[tuple[str, str, Q]]:
    if number := identifiers.pmid(text):
        yield "PMID", str(number), Q(reports__pmid=number)
    elif name := identifiers.pmcid(text):
        yield "PMCID", name, Q(reports__pmcid=name)
    elif name := identifiers.doi(text):
        yield "DOI", name, Q(reports__doi=name)
    elif registration := identifiers.registry_id(text):
        number = registration.number
        own = Q(registrations__number=number)
        yield "Registration", number, own | Q(reports__registrations__number=number)


@contextmanager
def planned(*, by_index: bool, by_hash: bool = False, few: bool = False) -> Iterator[None]:
    """A transaction whose plans suit the narrow list columns.

    The planner takes the reading of a long search vector for free and would read all of them; the bitmap of the
    index reads none. Nor does it know how few groups a count has, and would sort every hit to find them. Of a `few`
    hits (or of hits to be ranked) it would look for the newest by walking all studies in order of date.
    """
    switches = (("enable_seqscan", by_index), ("enable_sort", by_hash), ("enable_indexscan", few))
    off = [name for name, is_off in switches if is_off]
    with transaction.atomic(), connection.cursor() as cursor:
        # Local to the outermost transaction, which may be longer than ours: put back what we change.
        cursor.execute("SELECT set_config('work_mem', '48MB', true)")
        # Ranking and joining texts cost far more a row than the planner believes: two workers are always worth it.
        cursor.execute(
            "SELECT set_config('parallel_setup_cost', '10', true), set_config('parallel_tuple_cost', '0', true)"
        )
        for name in off:
            cursor.execute("SELECT set_config(%s, 'off', true)", [name])
        yield
        for name in off:
            cursor.execute("SELECT set_config(%s, 'on', true)", [name])


def says_something(words: str) -> bool:
    """Whether PostgreSQL finds anything to look for: "the and of" holds no word that is indexed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT numnode(websearch_to_tsquery('english', %s))", [words])
        return cursor.fetchone()[0] > 0


def query_of(words: str) -> SearchQuery:
    return SearchQuery(words, config="english", search_type="websearch")


def narrowed(filters: Filters, vocabulary: Vocabulary) -> QuerySet[Study]:
    """What every count heeds: words, ranges, flags, terms that must not be and terms that must all be."""
    studies = Study.objects.all()
    if "everything" not in filters.flags:
        studies = studies.in_default_views()
    if filters.words:
        studies = studies.filter(search_vector=query_of(filters.words))
    for name, condition in _RANGES.items():
        if name in filters.numbers:
            enough = Q(**{condition: filters.numbers[name]})
            studies = studies.filter(enough | Q(**{_COLUMNS[name]: None}) if name in filters.of("unknown") else enough)
    if "registered" in filters.flags:
        studies = studies.filter(n_registrations__gt=0)
    if "human" in filters.flags:
        studies = studies.exclude(design__in=(StudyDesign.ANIMAL, StudyDesign.IN_VITRO))
    if "full_text" in filters.flags:
        studies = studies.filter(has_full_text=True)
    if "reviewed" in filters.flags:
        studies = studies.filter(check_weekly=True)  # what a review includes is checked every week, nothing else is
    for slug in filters.of("not"):
        studies = studies.exclude(packed_terms__contains=character(vocabulary.by_slug[slug].pk))
    for facet in filters.of("lacks"):
        if any_term := "".join(character(tag.pk) for tag in vocabulary.by_id.values() if tag.facet == facet):
            studies = studies.exclude(packed_terms__regex=f"[{any_term}]")
    for facet in filters.of("all"):
        studies = studies.filter(**{f"{facet}__contains": _ids(filters.of(facet), vocabulary)})
    return studies


_RANGES = {
    "year_from": "year__gte",
    "year_to": "year__lte",
    "people": "n_participants__gte",
    "months": "follow_up_months__gte",
}


_COLUMNS = {"people": "n_participants", "months": "follow_up_months"}


def unknown(filters: Filters, vocabulary: Vocabulary) -> dict[str, int]:
    """How many studies meet every filter but do not say the number that one asks for; by the filter's name."""
    asked = [name for name in _COLUMNS if name in filters.numbers and name not in filters.of("unknown")]
    counts = {}
    for name in asked:
        others = filters.without(name)
        found = narrowed(others, vocabulary).filter(*alternatives(others, vocabulary).values())
        with planned(by_index=bool(filters.words)):
            counts[name] = found.filter(**{_COLUMNS[name]: None}).count()
    return {name: n for name, n in counts.items() if n}


def alternatives(filters: Filters, vocabulary: Vocabulary) -> dict[str, Q]:
    """The filters whose own terms are counted as if they were off, each as a condition on the index."""
    found = {
        facet: Q(**{f"{facet}__overlap": _ids(filters.of(facet), vocabulary)})
        for facet in Facet.values
        if filters.of(facet) and facet not in filters.of("all")
    }
    if designs := filters.of("design"):
        found["design"] = Q(design__in=designs)
    if notices := filters.of("notice"):
        found["notice"] = Q(notice_status__in=[status for name in notices for status in NOTICES[name]])
    if len(checked := filters.of("checked")) == 1:
        found["checked"] = Q(is_starter=checked[0] == "starter")
    if states := filters.of("state"):
        found["state"] = Q(pk__in=[])
        for state in states:
            found["state"] |= STATES[state]
    return found


# No term at all is no character at all.
STATES = {"untagged": Q(packed_terms=""), "open": Q(n_open_suggestions__gt=0), "disputed": Q(is_disputed=True)}


def character(term: int) -> str:
    """How `Study.packed_terms` writes a term: see the migration that packs them."""
    return chr(term + 256 + (2048 if term >= 55040 else 0))


def page_of(filters: Filters, vocabulary: Vocabulary, page: int) -> list[Study]:
    """The rows of one page, in order; by relevance the best of the newest RANKED."""
    studies = narrowed(filters, vocabulary).filter(*alternatives(filters, vocabulary).values())
    start = (page - 1) * PAGE_SIZE
    if filters.order == "relevance":
        ids = _best_first(studies, filters.words)[start : start + PAGE_SIZE]
    else:
        # Ids first: a sort that carries whole rows reads what lies out of line for every hit.
        ids = list(studies.order_by(*_ORDERS[filters.order]).values_list("pk", flat=True)[start : start + PAGE_SIZE])
    rows = Study.objects.for_list().in_bulk(ids)
    return [rows[pk] for pk in ids if pk in rows]


def ids_of(filters: Filters, vocabulary: Vocabulary) -> list[int]:
    """All studies of the list in its order; what is beyond RANKED follows the ranked, newest first."""
    studies = narrowed(filters, vocabulary).filter(*alternatives(filters, vocabulary).values())
    with planned(by_index=bool(filters.words)):
        if filters.order != "relevance":
            return list(studies.order_by(*_ORDERS[filters.order]).values_list("pk", flat=True))
        newest = studies.order_by(*_NEWEST).values_list("pk", flat=True)
        return [*_best_first(studies, filters.words), *newest[RANKED:]]


def _best_first(studies: QuerySet[Study], words: str) -> list[int]:
    newest = studies.order_by(*_NEWEST).values_list("pk", "published_on", "search_vector")[:RANKED]
    inner, values = newest.query.sql_with_params()
    # Through the inner sort the vector travels as a reference; it is read for the rank alone.
    statement = f"""
        SELECT id FROM ({inner}) AS hit (id, published_on, vector)
        ORDER BY ts_rank(vector, websearch_to_tsquery('english', %s)) DESC, published_on DESC NULLS LAST, id DESC
    """  # noqa: S608 - `inner` is Django's own SQL with its parameters apart
    with connection.cursor() as cursor:
        cursor.execute(statement, [*values, words])
        return [pk for (pk,) in cursor.fetchall()]


def highlights(words: str, studies: Sequence[Study]) -> dict[int, Highlight]:
    """The words as they stand in title and abstract, of these rows only: it reads whole abstracts."""
    query = query_of(words)
    marks = {"config": "english", "start_sel": _START, "stop_sel": _STOP}
    rows = Study.objects.filter(pk__in=[study.pk for study in studies]).values_list(
        "pk",
        SearchHeadline("title", query, highlight_all=True, **marks),
        SearchHeadline("search_abstract", query, max_fragments=2, max_words=28, min_words=12, **marks),
    )
    return {pk: Highlight(_marked(title), _marked(_matching(passage))) for pk, title, passage in rows}


def _matching(passage: str) -> str:
    # Without a match PostgreSQL answers with the first words, which say nothing about why the study was found.
    return passage if _START in passage else ""


def _marked(text: str) -> SafeString:
    html = str(escape(text)).replace(_START, "<mark>").replace(_STOP, "</mark>")
    return mark_safe(html)  # noqa: S308 - escaped above; only our two marks became tags


def _ids(slugs: Iterable[str], vocabulary: Vocabulary) -> list[int]:
    return [vocabulary.by_slug[slug].pk for slug in slugs]
