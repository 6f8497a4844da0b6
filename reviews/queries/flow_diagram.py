"""What stands in which box of the flow diagram: PRISMA 2020's wording, with work in progress beside it in grey."""

from collections.abc import Iterator, Mapping
from typing import Any

from reviews.queries.flow import Snapshot, SourceCount
from reviews.rules.flow import differences
from reviews.statistics.flow_drawing import Box, Diagram, Entry, diagram
from reviews.terms import SourceKind

_ARROWS = (
    ("identified", "removed"),
    ("identified", "screened"),
    ("screened", "excluded"),
    ("screened", "sought"),
    ("sought", "not-retrieved"),
    ("sought", "assessed"),
    ("assessed", "excluded-reports"),
    ("assessed", "new"),
    ("new", "total"),
    ("previous", "total"),
    ("other-identified", "other-sought"),
    ("other-sought", "other-not-retrieved"),
    ("other-sought", "other-assessed"),
    ("other-assessed", "other-excluded-reports"),
    ("other-assessed", "new"),
)


def drawn(shown: Snapshot) -> Diagram:
    """The whole diagram as coordinates."""
    bars = (("Identification", 1, 1), ("Screening", 2, 4), ("Included", 5, 6 if _has_total(shown) else 5))
    return diagram([*_boxes(shown)], bars, _ARROWS)


def _has_total(shown: Snapshot) -> bool:
    return shown.previous is not None


def _has_other(shown: Snapshot) -> bool:
    return any(
        shown.n(key) for key in ("website_results", "organisation_results", "citations_results", "other_entered")
    )


def _boxes(shown: Snapshot) -> Iterator[Box]:
    if _has_total(shown):
        yield Box("head-previous", "previous", 0, [Entry("Previous studies", is_strong=True)], "head")
        yield Box(
            "previous",
            "previous",
            1,
            [
                _entry(shown, "Studies included in previous version of review", "previous_studies"),
                _entry(shown, "Reports of studies included in previous version of review", "previous_reports"),
            ],
        )
        if shown.n("no_longer_included"):
            entries = [_entry(shown, "Included in the previous version and no longer", "no_longer_included")]
            yield Box("no-longer", "previous", 1, entries, "note")
    words = "Identification of new studies via databases and registers"
    yield Box("head-databases", "main", 0, [Entry(words, is_strong=True)], "head")
    yield from _databases(shown)
    yield from _screening(shown)
    yield from _full_text(shown, "dbr", "main", "side", "")
    if _has_other(shown):
        words = "Identification of new studies via other methods"
        yield Box("head-other", "other", 0, [Entry(words, is_strong=True)], "head")
        yield from _other(shown)
        yield from _full_text(shown, "other", "other", "other_side", "other-")
    yield Box(
        "new",
        "main",
        5,
        [
            _entry(shown, "New studies included in review", "new_studies"),
            _entry(shown, "Reports of new included studies", "new_reports"),
        ],
    )
    if _has_total(shown):
        yield Box(
            "total",
            "main",
            6,
            [
                _entry(shown, "Total studies included in review", "total_studies"),
                _entry(shown, "Reports of total included studies", "total_reports"),
            ],
        )


def _databases(shown: Snapshot) -> Iterator[Box]:
    entries = [Entry("Records identified from:")]
    for kind, key, words in (
        (SourceKind.DATABASE, "database_results", "Databases"),
        (SourceKind.REGISTER, "register_results", "Registers"),
    ):
        entries += [_entry(shown, words, key, indent=1), *_named(shown.of_kind(kind), key)]
    yield Box("identified", "main", 1, entries)
    yield Box(
        "removed",
        "side",
        1,
        [
            Entry("Records removed before screening:"),
            _entry(shown, "Duplicate records", "duplicates", indent=1),
            _entry(shown, "Records marked as ineligible by automation tools", "excluded_automatic", indent=1),
            _entry(shown, "Records removed for other reasons", "excluded_other", indent=1),
        ],
    )


def _screening(shown: Snapshot) -> Iterator[Box]:
    yield Box("screened", "main", 2, [_entry(shown, "Records screened", "records_screened")])
    reasons = _by_reason(shown, "records_excluded") if _has_reasons(shown, "records_excluded") else []
    yield Box("excluded", "side", 2, [_entry(shown, "Records excluded", "records_excluded"), *reasons])
    yield from _note("being-screened", "side", 2, [_entry(shown, "Still being screened", "dbr_being_screened")])


def _other(shown: Snapshot) -> Iterator[Box]:
    entries = [Entry("Records identified from:")]
    for kind, key, words in (
        (SourceKind.WEBSITE, "website_results", "Websites"),
        (SourceKind.ORGANISATION, "organisation_results", "Organisations"),
        (SourceKind.CITATION, "citations_results", "Citation searching"),
    ):
        entries += [_entry(shown, words, key, indent=1), *_named(shown.of_kind(kind), key)]
    yield Box("other-identified", "other", 1, entries)
    notes = [
        _entry(shown, "Known already from a database, a register or another record", "other_known"),
        _entry(shown, "Excluded by title and abstract", "other_screened_out"),
        _entry(shown, "Still being screened", "other_being_screened"),
    ]
    yield from _note("other-known", "other_side", 1, notes)


def _full_text(shown: Snapshot, column: str, main: str, side: str, prefix: str) -> Iterator[Box]:
    """Retrieval and assessment, the same in both columns."""
    yield Box(f"{prefix}sought", main, 3, [_entry(shown, "Reports sought for retrieval", f"{column}_sought_reports")])
    yield Box(
        f"{prefix}not-retrieved",
        side,
        3,
        [_entry(shown, "Reports not retrieved", f"{column}_notretrieved_reports")],
    )
    yield from _note(f"{prefix}being-sought", side, 3, [_entry(shown, "Still being sought", f"{column}_being_sought")])
    yield Box(f"{prefix}assessed", main, 4, [_entry(shown, "Reports assessed for eligibility", f"{column}_assessed")])
    key = f"{column}_excluded"
    entries = [_entry(shown, "Reports excluded", key), *_by_reason(shown, key)]
    yield Box(f"{prefix}excluded-reports", side, 4, entries)
    notes = [
        _entry(shown, "Still being assessed", f"{column}_being_assessed"),
        _entry(shown, "Ongoing studies", f"{column}_ongoing"),
        _entry(shown, "Awaiting classification", f"{column}_awaiting"),
        _entry(shown, "Included, but not classified", f"{column}_unclassified"),
    ]
    yield from _note(f"{prefix}being-assessed", side, 4, notes)


def _note(name: str, column: str, row: int, entries: list[Entry]) -> Iterator[Box]:
    """Work in progress, only where there is any."""
    if kept := [entry for entry in entries if entry.n]:
        yield Box(name, column, row, kept, "note")


def _entry(shown: Snapshot, words: str, key: str, indent: int = 0) -> Entry:
    return Entry(words, shown.n(key), key, indent=indent)


def _named(sources: list[SourceCount], key: str) -> list[Entry]:
    return [Entry(source.name, source.n, key, f"source={source.id}", indent=2) for source in sources if source.n]


def _has_reasons(shown: Snapshot, key: str) -> bool:
    return any(reason.key for reason in shown.reasons.get(key, ()))


def _by_reason(shown: Snapshot, key: str) -> list[Entry]:
    return [Entry(r.label, r.n, key, f"reason={r.key}", indent=1) for r in shown.reasons.get(key, ())]


_LABELS = {
    "database_results": "Records identified from databases",
    "register_results": "Records identified from registers",
    "website_results": "Records identified from websites",
    "organisation_results": "Records identified from organisations",
    "citations_results": "Records identified by citation searching",
    "duplicates": "Duplicate records",
    "excluded_automatic": "Records marked as ineligible by automation tools",
    "excluded_other": "Records removed for other reasons",
    "records_screened": "Records screened",
    "records_excluded": "Records excluded",
    "other_known": "Records of other methods that were known already",
    "other_entered": "Reports found by other methods alone",
    "other_screened_out": "Excluded by title and abstract (other methods)",
    "previous_studies": "Studies included in previous version",
    "previous_reports": "Reports of studies included in previous version",
    "no_longer_included": "Included in the previous version and no longer",
    "new_studies": "New studies included in review",
    "new_reports": "Reports of new included studies",
    "total_studies": "Total studies included in review",
    "total_reports": "Reports of total included studies",
}
_OF_COLUMN = {
    "being_screened": "Still being screened",
    "sought_reports": "Reports sought for retrieval",
    "notretrieved_reports": "Reports not retrieved",
    "being_sought": "Still being sought",
    "assessed": "Reports assessed for eligibility",
    "excluded": "Reports excluded",
    "being_assessed": "Still being assessed",
    "ongoing": "Ongoing studies",
    "awaiting": "Awaiting classification",
    "unclassified": "Included, but not classified",
    "included": "Reports included",
}


def label_of(key: str) -> str:
    """What a list is called where it stands by itself."""
    if key in _LABELS:
        return _LABELS[key]
    column, _, name = key.partition("_")
    where = "databases and registers" if column == "dbr" else "other methods"
    return f"{_OF_COLUMN.get(name, name)} ({where})"


def changed(one: Snapshot, other: Snapshot) -> list[tuple[str, str, int, int]]:
    """(key, label, then, now) of every number in which two versions differ, then of sources and reasons."""
    found = [(key, label_of(key), a, b) for key, a, b in differences(one.numbers, other.numbers)]
    sources = [{source.id: source for source in shown.sources} for shown in (one, other)]
    found += [("", f"Records from {source.name}", a, b) for source, a, b in _changed(*sources)]
    for key in dict.fromkeys((*one.reasons, *other.reasons)):
        reasons = [{reason.key: reason for reason in shown.reasons.get(key, ())} for shown in (one, other)]
        found += [("", f"{label_of(key)}: {reason.label}", a, b) for reason, a, b in _changed(*reasons)]
    return found


def _changed(one: Mapping[Any, Any], other: Mapping[Any, Any]) -> Iterator[tuple[Any, int, int]]:
    """(which, then, now) by identity: two sources may share a name, and a reason may be worded anew."""
    latest = {**one, **other}
    counts = ({key: counted.n for key, counted in found.items()} for found in (one, other))
    return ((latest[key], then, now) for key, then, now in differences(*counts))


_COLUMN_LABELS = {
    "previous": "Previous studies",
    "main": "Databases and registers",
    "side": "Databases and registers",
    "other": "Other methods",
    "other_side": "Other methods",
}


def _is_open(key: str) -> bool:
    return "_being_" in key or key.endswith(("_ongoing", "_awaiting"))


def statements(shown: Snapshot) -> list[tuple[str, Entry, bool]]:
    """The diagram as a table: (column, statement, whether it is work in progress), in reading order."""
    boxes = sorted(_boxes(shown), key=lambda box: box.row)
    return [
        ("Included" if box.row >= 5 else _COLUMN_LABELS[box.column], entry, _is_open(entry.key))
        for box in boxes
        for entry in box.entries
        if entry.n is not None
    ]
