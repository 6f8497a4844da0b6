"""PRISMA 2020's flow, counted from rows: every number is the length of a list, and the lists must add up."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reviews.terms import Classification, Retrieval, SourceKind, Stage, Verdict

DATABASES, OTHER = "dbr", "other"  # PRISMA's two columns of identification, as its keys begin
_LEFT = (SourceKind.DATABASE, SourceKind.REGISTER)
_IDENTIFIED = {
    SourceKind.DATABASE: "database_results",
    SourceKind.REGISTER: "register_results",
    SourceKind.WEBSITE: "website_results",
    SourceKind.ORGANISATION: "organisation_results",
    SourceKind.CITATION: "citations_results",
}
RECORD_KEYS = (*_IDENTIFIED.values(), "duplicates", "excluded_automatic", "excluded_other", "other_known")
STUDY_KEYS = ("previous_studies", "new_studies", "total_studies")


@dataclass(frozen=True, slots=True)
class Place:
    """One candidate as it stands: what the flow needs to know of it."""

    id: int
    duplicate_of: int | None
    study: int
    stage: str
    verdict: str
    retrieval: str
    classification: str
    reason: str = ""  # the key of the agreed primary reason


@dataclass(frozen=True, slots=True)
class SourceRecord:
    id: int
    candidate: int
    source: int
    kind: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Previous:
    """The flow of the review's previous version: where each report stood, by the name of its state."""

    number: int
    as_of: datetime
    states: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Flow:
    """`lists` holds ids by key: of records for RECORD_KEYS, of studies for STUDY_KEYS, else of candidates.

    `reasons` has, for the four lists of excluded reports, the ids by agreed primary reason; an empty key is none.
    `states` names where each report stands, for the next version to compare with.
    """

    lists: Mapping[str, Sequence[int]]
    sources: Mapping[int, Sequence[int]]
    reasons: Mapping[str, Mapping[str, Sequence[int]]]
    states: Mapping[int, str] = field(default_factory=dict)
    previous: Previous | None = None

    def n(self, key: str) -> int:
        return len(self.lists.get(key, ()))


@dataclass(frozen=True, slots=True)
class Break:
    """An identity that does not hold: both sides with their numbers and the keys of the lists behind them."""

    sentence: str
    left: int
    right: int
    left_keys: tuple[str, ...]
    right_keys: tuple[str, ...]


# Where a report stands, each report in exactly one: the order decides.
_STATES: tuple[tuple[str, Callable[[Place], bool]], ...] = (
    ("excluded_by_title", lambda p: p.stage == Stage.TITLE_ABSTRACT and p.verdict == Verdict.EXCLUDED),
    ("being_screened", lambda p: p.stage == Stage.TITLE_ABSTRACT),
    ("not_retrieved", lambda p: p.retrieval == Retrieval.UNAVAILABLE),
    ("being_sought", lambda p: p.retrieval != Retrieval.RETRIEVED),
    ("excluded", lambda p: p.verdict == Verdict.EXCLUDED),
    ("being_assessed", lambda p: p.verdict != Verdict.INCLUDED),
    ("ongoing", lambda p: p.classification == Classification.ONGOING),
    ("awaiting", lambda p: p.classification == Classification.AWAITING),
    ("included", lambda p: p.classification == Classification.INCLUDED),
)
_OPEN = ("being_screened", "being_sought", "being_assessed", "ongoing", "awaiting", "unclassified")


def state_of(place: Place) -> str:
    return next((name for name, holds in _STATES if holds(place)), "unclassified")


def roots(places: Iterable[Place]) -> dict[int, int]:
    """For each candidate the one it was merged into, however many merges that took."""
    above = {place.id: place.duplicate_of for place in places}
    found: dict[int, int] = {}
    for place in above:
        way = [place]
        while (after := above.get(way[-1])) is not None and after not in way:
            way.append(after)
        found[place] = way[-1]
    return found


def count(places: Sequence[Place], records: Sequence[SourceRecord], previous: Previous | None = None) -> Flow:
    """The flow of these rows. With `previous`, what that version had settled, and is as it was, is not counted anew."""
    root = roots(places)
    # A record that was written after the places were read belongs to the next reading.
    records = [record for record in records if record.candidate in root]
    standing = [place for place in places if place.duplicate_of is None]
    states = {place.id: state_of(place) for place in standing}
    is_new = {place.id: _is_new(place.id, states[place.id], previous) for place in standing}
    mine = [r for r in records if is_new.get(root[r.candidate]) or (previous and r.at > previous.as_of)]
    left = {root[r.candidate] for r in mine if r.kind in _LEFT and is_new.get(root[r.candidate])}
    lists: dict[str, list[int]] = defaultdict(list)
    sources: dict[int, list[int]] = defaultdict(list)
    for record in mine:
        lists[_IDENTIFIED[SourceKind(record.kind)]].append(record.id)
        sources[record.source].append(record.id)
    _surplus(lists, mine, root, left, is_new)
    reasons: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for place in standing:
        if is_new[place.id]:
            _file(lists, reasons, place, states[place.id], DATABASES if place.id in left else OTHER)
    _total(lists, standing, states, root, is_new, previous)
    return Flow(dict(lists), dict(sources), {key: dict(value) for key, value in reasons.items()}, states, previous)


def _is_new(candidate: int, state: str, previous: Previous | None) -> bool:
    """Not settled in the previous version, or standing elsewhere now."""
    if previous is None:
        return True
    before = previous.states.get(candidate)
    return before is None or before in _OPEN or before != state


def _surplus(
    lists: dict[str, list[int]],
    records: Iterable[SourceRecord],
    root: Mapping[int, int],
    left: set[int],
    is_new: Mapping[int, bool],
) -> None:
    """Of each report one record enters screening; the others are duplicates, or were known from the other column."""
    entered: set[int] = set()
    for record in sorted(records, key=lambda record: (record.at, record.id)):
        report = root[record.candidate]
        is_left = record.kind in _LEFT
        own = report in left if is_left else report not in left
        if own and is_new.get(report) and report not in entered:
            entered.add(report)
        else:
            lists["duplicates" if is_left else "other_known"].append(record.id)


def _file(
    lists: dict[str, list[int]], reasons: dict[str, dict[str, list[int]]], place: Place, state: str, column: str
) -> None:
    """Put one report on every list that it belongs to."""
    for name in _ON_LISTS.get(state, ("entered", "sought_reports", "assessed", state)):
        lists[_named(column, name)].append(place.id)
    if state == "excluded_by_title":
        reasons[_named(column, "screened_out")][place.reason].append(place.id)
    elif state == "excluded":
        reasons[_named(column, "excluded")][place.reason].append(place.id)


_ON_LISTS = {
    "excluded_by_title": ("entered", "screened_out"),
    "being_screened": ("entered", "being_screened"),
    "not_retrieved": ("entered", "sought_reports", "notretrieved_reports"),
    "being_sought": ("entered", "sought_reports", "being_sought"),
}


def _named(column: str, name: str) -> str:
    """PRISMA's own key where it has one."""
    key = f"{column}_{name}"
    return {"dbr_entered": "records_screened", "dbr_screened_out": "records_excluded"}.get(key, key)


def _total(
    lists: dict[str, list[int]],
    standing: Iterable[Place],
    states: Mapping[int, str],
    root: Mapping[int, int],
    is_new: Mapping[int, bool],
    previous: Previous | None,
) -> None:
    included = [place for place in standing if states[place.id] == "included"]
    before = [place for place in included if not is_new[place.id]]
    lists["new_reports"] = [place.id for place in included if is_new[place.id]]
    lists["previous_reports"] = [place.id for place in before]
    lists["total_reports"] = [place.id for place in included]
    known = dict.fromkeys(place.study for place in before)
    lists["previous_studies"] = list(known)
    lists["new_studies"] = list(dict.fromkeys(p.study for p in included if is_new[p.id] and p.study not in known))
    lists["total_studies"] = list(dict.fromkeys(place.study for place in included))
    if previous:
        was = [candidate for candidate, state in previous.states.items() if state == "included"]
        now = dict.fromkeys(root.get(candidate, candidate) for candidate in was)
        lists["no_longer_included"] = [candidate for candidate in now if states.get(candidate) != "included"]


# (what must hold, keys on the left, keys added on the right, keys taken away on the right)
IDENTITIES: tuple[tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]], ...] = (
    (
        "Records screened are the records identified less those removed before screening",
        ("records_screened",),
        ("database_results", "register_results"),
        ("duplicates", "excluded_automatic", "excluded_other"),
    ),
    (
        "Reports sought are the records screened less those excluded and those still being screened",
        ("dbr_sought_reports",),
        ("records_screened",),
        ("records_excluded", "dbr_being_screened"),
    ),
    (
        "Reports assessed are the reports sought less those not retrieved and those still being sought",
        ("dbr_assessed",),
        ("dbr_sought_reports",),
        ("dbr_notretrieved_reports", "dbr_being_sought"),
    ),
    (
        "Reports found by other methods are the records identified less those known already",
        ("other_entered",),
        ("website_results", "organisation_results", "citations_results"),
        ("other_known",),
    ),
    (
        "Reports sought of other methods are those that entered less those excluded and those still being screened",
        ("other_sought_reports",),
        ("other_entered",),
        ("other_screened_out", "other_being_screened"),
    ),
    (
        "Reports assessed of other methods are those sought less those not retrieved and those still being sought",
        ("other_assessed",),
        ("other_sought_reports",),
        ("other_notretrieved_reports", "other_being_sought"),
    ),
    (
        "Reports of new included studies are the reports assessed less those excluded, those still being assessed, "
        "ongoing and awaiting classification",
        ("new_reports",),
        ("dbr_assessed", "other_assessed"),
        (
            *("dbr_excluded", "dbr_being_assessed", "dbr_ongoing", "dbr_awaiting"),
            *("other_excluded", "other_being_assessed", "other_ongoing", "other_awaiting"),
        ),
    ),
    (
        "Total reports are those of the previous version and the new ones",
        ("total_reports",),
        ("previous_reports", "new_reports"),
        (),
    ),
    (
        "Total studies are those of the previous version and the new ones",
        ("total_studies",),
        ("previous_studies", "new_studies"),
        (),
    ),
)  # fmt: skip

# Every list that a number of the diagram may be the length of.
KEYS = frozenset(
    [key for _, left, more, less in IDENTITIES for key in (*left, *more, *less)]
    + [f"{column}_{name}" for column in (DATABASES, OTHER) for name in ("unclassified", "included")]
    + ["no_longer_included", *STUDY_KEYS]
)


def breaks(flow: Flow) -> list[Break]:
    """Every identity of PRISMA's arithmetic that the lists do not keep."""
    found = []
    for sentence, left, more, less in IDENTITIES:
        one, other = _sum(flow, left), _sum(flow, more) - _sum(flow, less)
        if one != other:
            found.append(Break(sentence, one, other, left, (*more, *less)))
    for key, by_reason in flow.reasons.items():
        n = sum(map(len, by_reason.values()))
        if n != flow.n(key):
            found.append(Break("Each excluded report has one primary reason", flow.n(key), n, (key,), ()))
    if flow.n("new_studies") > flow.n("new_reports"):
        sentence = "There are no more new studies than reports of them"
        found.append(Break(sentence, flow.n("new_studies"), flow.n("new_reports"), ("new_studies",), ("new_reports",)))
    for key in (*_IDENTIFIED.values(), "duplicates", "total_reports"):
        if repeated := [i for i, times in Counter(flow.lists.get(key, ())).items() if times > 1]:
            sentence = f"Nothing is counted twice ({key}: {len(repeated)} repeated)"
            found.append(Break(sentence, flow.n(key), len(set(flow.lists[key])), (key,), ()))
    return found


def _sum(flow: Flow, keys: Iterable[str]) -> int:
    return sum(flow.n(key) for key in keys)


def differences(numbers: Mapping[Any, int], other: Mapping[Any, int]) -> list[tuple[Any, int, int]]:
    """(key, then, now) of every number that two flows do not share."""
    keys = dict.fromkeys((*numbers, *other))
    return [(key, a, b) for key in keys if (a := numbers.get(key, 0)) != (b := other.get(key, 0))]
