"""What a reader asks of the evidence map, read from an address and written to one, and the choices it offers."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import parse_qsl, urlencode

from studies.models import Tag
from studies.queries import search
from studies.queries.filters import Filters
from studies.queries.vocabulary import Vocabulary
from studies.terms import Facet, StudyDesign

DEFAULT_AXES = (Facet.SOURCE, Facet.OUTCOME)
# The views one click away, each with its name.
QUICK_AXES = (
    (Facet.SOURCE, Facet.OUTCOME, "Cell source by outcome"),
    (Facet.DELIVERY, Facet.OUTCOME, "Delivery by outcome"),
    (Facet.PRODUCT, Facet.OUTCOME, "Product by outcome"),
    (Facet.PRODUCT, Facet.DELIVERY, "Product by delivery"),
)
# What `evidence` may say; without it, people only.
EVIDENCE = {
    "": "Studies of people",
    "animal": "Animal studies alone",
    "in-vitro": "In-vitro studies alone",
    "all": "People, animal and in vitro",
}
_OWN = ("rows", "columns", "segment", "evidence", "hide")
_ALONE = (StudyDesign.ANIMAL, StudyDesign.IN_VITRO)


@dataclass(frozen=True, slots=True)
class Question:
    """What a reader asks of the map: two axes, and the filters of the list of studies."""

    filters: Filters
    rows: Facet = DEFAULT_AXES[0]
    columns: Facet = DEFAULT_AXES[1]
    evidence: str = ""
    hides_empty: bool = False

    @classmethod
    def read(cls, values_of: Callable[[str], Sequence[str]], vocabulary: Vocabulary) -> Self:
        """From an address. `segment` names one term and `evidence` a kind: both become filters."""
        filters = Filters.read(values_of, vocabulary.by_slug)
        last = {name: (list(values_of(name)) or [""])[-1] for name in _OWN}
        rows, columns, ignored = _axes(last["rows"], last["columns"])
        lists = dict(filters.lists)
        if segment := vocabulary.by_slug.get(last["segment"]):
            lists[segment.facet] = (segment.slug,)
        elif last["segment"]:
            ignored.append(f"segment={last['segment'][:80]}")
        if last["evidence"] not in EVIDENCE:
            ignored.append(f"evidence={last['evidence'][:80]}")
        if last["evidence"] in _ALONE:
            lists["design"] = (last["evidence"],)
        evidence = "all" if last["evidence"] == "all" else ""
        asked = replace(
            filters,
            words=filters.words if filters.words and search.says_something(filters.words) else "",
            lists=lists,
            flags=filters.flags if evidence or lists.get("design") else filters.flags | {"human"},
            sort="",
            page=1,
            ignored=(*filters.ignored, *ignored),
        )
        return cls(asked, rows, columns, evidence, bool(last["hide"]))

    @property
    def kind(self) -> str:
        """Which of EVIDENCE is in force; another word when the designs were chosen one by one."""
        designs = self.filters.of("design")
        if len(designs) == 1 and designs[0] in _ALONE:
            return designs[0]
        return "designs" if designs else "" if "human" in self.filters.flags else "all"

    @property
    def segment_facets(self) -> tuple[Facet, ...]:
        """The facets a term of which may cut the map; a design is asked for as evidence."""
        return tuple(facet for facet in Facet if facet not in (self.rows, self.columns, Facet.DESIGN))

    @property
    def segment(self) -> str:
        """The term that cuts the map: the first of a facet of which no other is asked for."""
        chosen = (self.filters.of(facet) for facet in self.segment_facets)
        return next((values[0] for values in chosen if len(values) == 1), "")

    @property
    def own_filters(self) -> Filters:
        """The filters without those that the map sets by itself."""
        return replace(self.filters, flags=self.filters.flags - {"human"})

    def query(self, **changes: object) -> str:
        """The canonical query string, `?` included."""
        return self.with_filters(replace(self, **changes).own_filters.query(), **changes)

    def with_filters(self, query: str, **changes: object) -> str:
        """The settings of the map beside any filters' query."""
        asked = replace(self, **changes)
        own = {} if (asked.rows, asked.columns) == DEFAULT_AXES else {"rows": asked.rows, "columns": asked.columns}
        own |= {"evidence": asked.evidence} if asked.evidence else {}
        own |= {"hide": "1"} if asked.hides_empty else {}
        return "?" + "&".join(filter(None, (urlencode(own), query.removeprefix("?"))))


def _axes(rows: str, columns: str) -> tuple[Facet, Facet, list[str]]:
    """Two different facets whatever the address says, and what of it was not understood."""
    axes = {"rows": rows, "columns": columns}
    ignored = [f"{name}={value[:80]}" for name, value in axes.items() if value not in {"", *Facet.values}]
    row, column = (Facet(value) if value in Facet.values else None for value in axes.values())
    if row and row == column:
        ignored.append(f"columns={columns}")
        column = None
    row = row or next(facet for facet in DEFAULT_AXES if facet != column)
    return row, column or next(facet for facet in reversed(DEFAULT_AXES) if facet != row), ignored


@dataclass(frozen=True, slots=True)
class Choice:
    """A link or an option of the page."""

    label: str
    value: str
    is_chosen: bool


def axes(question: Question) -> tuple[Choice, ...]:
    """The maps one click away, each under the same filters."""
    return tuple(
        Choice(label, question.query(rows=rows, columns=columns), (rows, columns) == (question.rows, question.columns))
        for rows, columns, label in QUICK_AXES
    )


def segments(question: Question, vocabulary: Vocabulary) -> tuple[tuple[str, tuple[Choice, ...]], ...]:
    """(facet's label, its terms) of the facets that are no axis."""
    segment = question.segment
    return tuple(
        (facet.label, tuple(_choices(vocabulary.roots(facet), 0, segment, vocabulary)))
        for facet in question.segment_facets
    )


def _choices(tags: Sequence[Tag], depth: int, chosen: str, vocabulary: Vocabulary) -> Iterable[Choice]:
    for tag in sorted(tags, key=lambda tag: tag.position):
        if not tag.is_retired:
            yield Choice("\u2003" * depth + tag.label, tag.slug, tag.slug == chosen)
        yield from _choices(vocabulary.children(tag), depth + 1, chosen, vocabulary)


def other_fields(question: Question) -> tuple[tuple[str, str], ...]:
    """What the form of the map has no control for and has to send along: (name, value)."""
    filters = question.own_filters
    lists = {name: values for name, values in filters.lists.items() if values != (question.segment,)}
    if question.kind in _ALONE:
        del lists["design"]
    query = replace(filters, lists=lists, numbers={}).query().removeprefix("?")
    return tuple(parse_qsl(query))
