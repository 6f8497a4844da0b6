"""A report as the record that its source sent: the reverse of what an import writes."""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import date
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from studies.models import Report
from studies.sources.dates import numbered_date, partial_date
from studies.sources.record import PartialDate, Record
from studies.terms import DatePrecision


def record_of(report: Report) -> Record:
    """Everything of the report but its full text."""
    types = _types(Record)
    left = {"published", "full_text", "pmcid"}
    values = {name: _rebuilt(kind, getattr(report, name)) for name, kind in types.items() if name not in left}
    return Record(
        **values,
        pmcid=report.pmcid or "",
        published=published_of(report.published_raw, report.published_on, report.published_precision),
    )


def published_of(raw: str, first_day: date | None, precision: str) -> PartialDate | None:
    """The date as it was read; from its first day where the source's words do not tell it alone."""
    if first_day is None:
        return None
    words = partial_date(raw)
    if words and (words.first_day, words.precision) == (first_day, precision):
        return words
    match precision:
        case DatePrecision.DAY:
            return numbered_date(raw, first_day.year, first_day.month, first_day.day)
        case DatePrecision.MONTH:
            return numbered_date(raw, first_day.year, first_day.month, None)
        case DatePrecision.SEASON:
            return PartialDate(raw, first_day.year, first_day.month, None, precision)
    return PartialDate(raw, first_day.year)


@cache
def _types(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _rebuilt(kind: Any, value: Any) -> Any:
    """JSON as the frozen value it came from; fields that were left out as empty take their defaults."""
    if get_origin(kind) is tuple:
        parts = get_args(kind)
        if parts[-1] is Ellipsis:
            return tuple(_rebuilt(parts[0], part) for part in value)
        return tuple(_rebuilt(part, item) for part, item in zip(parts, value, strict=True))
    return _made(kind, value) if isinstance(value, Mapping) else value


def _made(kind: Any, value: Mapping[str, Any]) -> Any:
    types = _types(kind)
    known = {name: _rebuilt(types[name], part) for name, part in value.items() if name in types}
    # What is empty is not kept in JSON, even where the value needs it said.
    needed = [field.name for field in fields(kind) if field.name not in known and field.default is MISSING]
    return kind(**known, **{name: () if get_origin(types[name]) is tuple else "" for name in needed})
