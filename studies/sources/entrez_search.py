"""All ids a query finds, though PubMed serves 9,999 at most: sliced by creation date until the parts tile."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain, islice

from lxml import etree

from studies.sources.web import SourceError

CAP = 9_999  # not 10,000, and the History server does not lift it
FIRST_DAY, LAST_DAY = date(1800, 1, 1), date(3000, 1, 1)
_ONE_DAY = timedelta(days=1)
_ROUNDS = 3

Ask = Callable[[str, int], "Page"]


class SearchNotWhole(SourceError):
    """The parts of a large search do not add up to the whole: narrow the query or ask again later."""


class _Moved(Exception):
    """The parts contradict the whole; PubMed may have changed between two requests."""


@dataclass(frozen=True, slots=True)
class Page:
    """One esearch answer."""

    count: int
    ids: list[int]
    translation: str
    warnings: list[str]


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """`ids` are unique, newest first; `count` is what PubMed finds; `warnings` what it ignored or did not know."""

    ids: list[int]
    count: int
    translation: str
    warnings: list[str]
    n_requests: int

    @property
    def is_whole(self) -> bool:
        return len(self.ids) == self.count


def search(ask: Ask, term: str, *, cap: int = CAP, at_most: int | None = None) -> SearchAnswer:
    """Every id, or the `at_most` newest. `ask(term, retmax)` asks one page. Raises SearchNotWhole."""
    n_requests = 0

    def counted(part: str, retmax: int) -> Page:
        nonlocal n_requests
        n_requests += 1
        return ask(part, retmax)

    reason = ""
    for _ in range(_ROUNDS):
        try:
            page, ids = _whole(counted, term, cap, at_most)
        except _Moved as moved:
            reason = str(moved)
        else:
            return SearchAnswer(ids, page.count, page.translation, page.warnings, n_requests)
    raise SearchNotWhole(f"search for {term!r}", f"{reason}, in {_ROUNDS} rounds")


def dated(term: str, field: str, first: date | None, last: date | None) -> str:
    """The term within two days (inclusive, either may be open) of a PubMed date field: crdt, edat, mdat, pdat…"""
    if first is None and last is None:
        return term
    start = (first or FIRST_DAY).strftime("%Y/%m/%d")
    # PubMed reads 3000 as "and later".
    end = last.strftime("%Y/%m/%d") if last and last < LAST_DAY else "3000"
    return f'({term}) AND ("{start}"[{field}] : "{end}"[{field}])'


def page_from(root: etree._Element) -> Page:
    """What an eSearchResult says."""
    return Page(
        count=int(root.findtext("Count", "0")),
        ids=[int(element.text) for element in root.iterfind("IdList/Id")],
        translation=root.findtext("QueryTranslation", "").strip(),
        warnings=list(_warnings(root)),
    )


_WARNINGS = {
    "ErrorList/PhraseNotFound": "Phrase not found: {}",
    "ErrorList/FieldNotFound": "Field not known: {}",
    "WarningList/PhraseIgnored": "Phrase ignored: {}",
    "WarningList/QuotedPhraseNotFound": "Quoted phrase not found: {}",
    "WarningList/OutputMessage": "{}",
}


def _warnings(root: etree._Element) -> Iterator[str]:
    for path, sentence in _WARNINGS.items():
        for element in root.iterfind(path):
            text = " ".join((element.text or "").split())
            # Finding nothing is an answer, and the cap is ours to deal with.
            if text and not text.startswith(("No items found", "Restrictions achieved")):
                yield sentence.format(text)


def _whole(ask: Ask, term: str, cap: int, at_most: int | None) -> tuple[Page, list[int]]:
    page = ask(term, cap if at_most is None else min(cap, at_most))
    wanted = page.count if at_most is None else min(page.count, at_most)
    if wanted <= cap:
        ids = page.ids
    else:
        tiles = _tiles(ask, term, cap, ("crdt", "edat"), (FIRST_DAY, LAST_DAY), page.count)
        ids = list(islice(chain.from_iterable(tiles), at_most))
    if len(ids) != wanted or len(set(ids)) != wanted:
        raise _Moved(f"{len(set(ids)):,} different ids came where {wanted:,} were promised")
    return page, ids


def _tiles(
    ask: Ask, term: str, cap: int, keys: tuple[str, ...], span: tuple[date, date], count: int
) -> Iterator[list[int]]:
    """Parts of `term`, newest first, that hold `count` (more than the cap) ids together."""
    first, last = span
    if first == last:
        yield from _tiles_of_day(ask, term, cap, keys, first, count)
        return
    middle = _middle(first, last)
    newer = ask(dated(term, keys[0], middle + _ONE_DAY, last), cap)
    yield from _part(ask, term, cap, keys, (middle + _ONE_DAY, last), newer)
    older = count - newer.count  # what is left needs no request of its own to be counted
    if older < 0:
        raise _Moved("a part holds more than the whole")
    if older > cap:
        yield from _tiles(ask, term, cap, keys, (first, middle), older)
    elif older:
        yield _checked(ask(dated(term, keys[0], first, middle), cap), older).ids


def _part(
    ask: Ask, term: str, cap: int, keys: tuple[str, ...], span: tuple[date, date], page: Page
) -> Iterator[list[int]]:
    if page.count > cap:
        yield from _tiles(ask, term, cap, keys, span, page.count)
    elif page.count:
        yield _checked(page, page.count).ids


def _tiles_of_day(ask: Ask, term: str, cap: int, keys: tuple[str, ...], day: date, count: int) -> Iterator[list[int]]:
    narrowed = dated(term, keys[0], day, day)
    if not keys[1:]:
        _checked(ask(narrowed, cap), count, min(count, cap))  # the count may come from a subtraction
        raise SearchNotWhole(f"search for {narrowed!r}", f"{count:,} records share one day, {cap:,} can be read")
    yield from _tiles(ask, narrowed, cap, keys[1:], (FIRST_DAY, LAST_DAY), count)


def _checked(page: Page, count: int, n_ids: int | None = None) -> Page:
    n_ids = count if n_ids is None else n_ids
    if page.count != count or len(page.ids) != n_ids:
        raise _Moved(f"a part of {count:,} came as {page.count:,} with {len(page.ids):,} ids")
    return page


def _middle(first: date, last: date) -> date:
    """The day to part at; nearly all records were created between 1965 and today."""
    low, high = max(first, date(1965, 1, 1)), min(last, date.today() + _ONE_DAY)
    if low >= high:
        low, high = first, last
    return low + (high - low) // 2
