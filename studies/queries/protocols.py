"""How studies did it: dose, concentration, volume, sessions, interval, plane and device, with units, across studies."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import F

from studies.models import Study, Tag
from studies.queries import search
from studies.queries.filters import Filters
from studies.queries.listing import Chip, chips_of
from studies.queries.map_counts import conditions
from studies.queries.plots import Strip, strip
from studies.queries.protocol import amount
from studies.queries.vocabulary import Vocabulary
from studies.terms import StudyDesign

# What every study of a treatment is asked: (name, heading, unit that the name carries).
ASKED = (
    ("dose", "Dose", ""),
    ("concentration", "Concentration", ""),
    ("volume", "Volume", ""),
    ("sessions", "Sessions", "sessions"),
    ("interval_weeks", "Interval", "weeks"),
    ("plane", "Plane", ""),
    ("device", "Device", ""),
)
_MEASURED = {"dose", "concentration", "volume", "sessions", "interval_weeks"}
# Reviews treat nobody, and what is only registered may be done otherwise.
_TREATS_NOBODY = (
    StudyDesign.SYSTEMATIC_REVIEW,
    StudyDesign.REVIEW,
    StudyDesign.GUIDELINE,
    StudyDesign.PROTOCOL,
    StudyDesign.REGISTERED,
    StudyDesign.ANIMAL,
    StudyDesign.IN_VITRO,
)
MOST_ROWS = 500


@dataclass(frozen=True, slots=True)
class Row:
    """One study; `values` in the order of ASKED, empty for "not reported"."""

    study: Study
    sources: tuple[Tag, ...]
    products: tuple[Tag, ...]
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """How many studies report one fact; `share` in per cent, `commonest` the value most of them give."""

    label: str
    n_reported: int
    n_missing: int
    share: int
    commonest: str
    n_commonest: int


@dataclass(frozen=True, slots=True)
class Protocols:
    rows: tuple[Row, ...]
    columns: tuple[Column, ...]
    strips: tuple[Strip, ...]
    n_studies: int
    n_not_extracted: int
    chips: tuple[Chip, ...]

    @property
    def n_left_out(self) -> int:
        return self.n_studies - len(self.rows)


def protocols(filters: Filters, vocabulary: Vocabulary) -> Protocols:
    """Of the treatment studies that the filters leave: whose facts are known, and how many wait for extraction."""
    found = search.narrowed(filters, vocabulary).filter(*conditions(filters, vocabulary))
    treatments = found.exclude(design__in=_TREATS_NOBODY)
    with search.planned(by_index=bool(filters.words)):
        n_all = treatments.count()
        studies = [
            (study, facts)
            for study in treatments.exclude(starter={})
            .for_list()
            .order_by(F("year").desc(nulls_last=True), "title", "pk")
            if (facts := facts_of(study)) is not None
        ]
    rows = [_row(study, facts, vocabulary) for study, facts in studies]
    return Protocols(
        rows=tuple(rows[:MOST_ROWS]),
        columns=tuple(_columns(rows)),
        strips=tuple(_strips(studies)),
        n_studies=len(rows),
        n_not_extracted=n_all - len(rows),
        chips=tuple(chips_of(filters, vocabulary)),
    )


def facts_of(study: Study) -> Mapping[str, Any] | None:
    """The facts as somebody noted them; None for a study that nobody has extracted.

    The one place to add another origin of such facts.
    """
    if not study.starter or study.starter.get("category") == "review":
        return None
    return study.starter.get("protocol", {})


def _row(study: Study, facts: Mapping[str, Any], vocabulary: Vocabulary) -> Row:
    return Row(
        study,
        tuple(vocabulary.leaves(study.sources)),
        tuple(vocabulary.leaves(study.products)),
        tuple(amount(facts.get(name), unit) for name, _, unit in ASKED),
    )


def _columns(rows: list[Row]) -> Iterable[Column]:
    for place, (_, label, _) in enumerate(ASKED):
        values = Counter(row.values[place] for row in rows if row.values[place])
        n_reported = values.total()
        commonest, n = values.most_common(1)[0] if values else ("", 0)
        share = round(100 * n_reported / len(rows)) if rows else 0
        yield Column(label, n_reported, len(rows) - n_reported, share, commonest if n > 1 else "", n)


def _strips(studies: list[tuple[Study, Mapping[str, Any]]]) -> Iterable[Strip]:
    """One plot for each quantity and unit: what has different units cannot share an axis."""
    spans: dict[tuple[str, str], list[tuple[float, float, str]]] = {}
    for study, facts in studies:
        for name, label, unit in ASKED:
            if name in _MEASURED and (span := span_of(facts.get(name))):
                key = (label, _unit(facts[name], unit))
                spans.setdefault(key, []).append((*span, f"{_short(study)}: {amount(facts[name], unit)}"))
    order = {label: place for place, (_, label, _) in enumerate(ASKED)}
    for (label, unit), marks in sorted(spans.items(), key=lambda entry: (order[entry[0][0]], -len(entry[1]), entry[0])):
        if len(marks) < 2:
            continue  # one value is no spread; the table says it
        yield strip(f"{label}, {unit}" if unit and unit != label.lower() else label, marks)


def span_of(value: object) -> tuple[float, float] | None:
    """The lowest and highest number of a fact; None where it is in words."""
    if isinstance(value, Mapping):
        given = [value.get("min"), value.get("max"), value.get("value"), *value.get("values", ())]
        numbers = [float(number) for number in given if isinstance(number, int | float)]
    else:
        numbers = [float(value)] if isinstance(value, int | float) and not isinstance(value, bool) else []
    return (min(numbers), max(numbers)) if numbers else None


def _unit(value: object, unit: str) -> str:
    return str(value.get("unit") or unit) if isinstance(value, Mapping) else unit


def _short(study: Study) -> str:
    first = re.split(r"[,;]", study.authors)[0] if study.authors else study.display_title[:40]
    return f"{first} {study.year}" if study.year else first
