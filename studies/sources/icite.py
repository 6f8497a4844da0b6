"""iCite, NIH's citation service: counts, measures and links of articles, asked by PMID in batches."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode
from urllib.request import Request

from studies.sources.web import MAX_BYTES, PAUSES, Cut, Line, Trouble

BATCH = 200
# What is not asked for is not sent: titles and authors are half of an answer.
FIELDS = (
    "pmid,citation_count,relative_citation_ratio,nih_percentile,human,animal,molecular_cellular,apt,is_clinical,"
    "provisional,cited_by_clin,cited_by,references"
)
_NUMBER = re.compile(r"[1-9]\d{0,8}", re.A)
_YES_NO = {"yes": True, "true": True, "no": False, "false": False}


@dataclass(frozen=True, slots=True)
class Cited:
    """What iCite says of one article; a value it does not have is None, a list it does not have empty.

    `human`, `animal` and `molecular` are shares of 1. `rcr` is empty for articles too new to be compared.
    """

    pmid: int
    count: int | None
    rcr: float | None = None
    percentile: float | None = None
    human: float | None = None
    animal: float | None = None
    molecular: float | None = None
    translation: float | None = None
    is_clinical: bool | None = None
    is_provisional: bool | None = None
    n_clinical: int | None = None
    cited_by: tuple[int, ...] = ()
    references: tuple[int, ...] = ()


class ICite:
    """The service for one asker. `limiter` is called before each request and blocks until it may go."""

    def __init__(
        self,
        base_url: str,
        *,
        limiter: Callable[[], None],
        user_agent: str = "stratum",
        timeout: float = 60.0,
        pauses: Sequence[float] = PAUSES,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._address = f"{base_url.rstrip('/')}/pubs"
        self._headers = {"User-Agent": quote(user_agent), "Accept": "application/json"}
        self._line = Line(
            service="iCite", timeout=timeout, limiter=limiter, see="ICITE_BASE_URL", pauses=pauses, max_bytes=max_bytes
        )

    def articles(self, pmids: Iterable[int]) -> dict[int, Cited]:
        """By PMID; those that iCite does not know are left out. Raises SourceUnavailable or SourceRefused."""
        wanted = list(dict.fromkeys(pmids))
        found: dict[int, Cited] = {}
        for start in range(0, len(wanted), BATCH):
            found |= self._batch(wanted[start : start + BATCH])
        return found

    def _batch(self, pmids: list[int]) -> dict[int, Cited]:
        query = urlencode({"pmids": ",".join(map(str, pmids)), "fl": FIELDS}, safe=",")
        request = Request(f"{self._address}?{query}", headers=self._headers)  # noqa: S310 - settings allow http(s) only
        articles = self._line.ask(request, read, asked=f"citations of {len(pmids)} PMIDs from {pmids[0]}")
        # Keyed by PMID: the order is iCite's own, and so may be articles nobody asked for.
        return {article.pmid: article for article in articles if article.pmid in set(pmids)}


def read(body: bytes) -> list[Cited]:
    """The articles of an answer; Trouble for a body that is none."""
    try:
        answer = json.loads(body)
    except ValueError as error:
        what = "an HTML page instead of data" if body.lstrip()[:1] == b"<" else "the JSON is broken off"
        raise Cut(what) from error
    data = answer.get("data") if isinstance(answer, dict) else None
    if isinstance(answer, dict) and data is None and _NUMBER.fullmatch(str(answer.get("pmid", ""))):
        data = [answer]  # a single article comes without the list
    if not isinstance(data, list):
        raise Trouble("the answer holds no data")
    return [_article(item) for item in data if isinstance(item, dict) and _pmid(item)]


def _pmid(item: Mapping[str, Any]) -> int | None:
    number = str(item.get("pmid", item.get("_id", "")))
    return int(number) if _NUMBER.fullmatch(number) else None


def _article(item: Mapping[str, Any]) -> Cited:
    by_clinical = item.get("cited_by_clin")
    return Cited(
        pmid=_pmid(item) or 0,
        count=_whole(item.get("citation_count")),
        rcr=_number(item.get("relative_citation_ratio")),
        percentile=_number(item.get("nih_percentile"), most=100),
        human=_number(item.get("human"), most=1),
        animal=_number(item.get("animal"), most=1),
        molecular=_number(item.get("molecular_cellular"), most=1),
        translation=_number(item.get("apt"), most=1),
        is_clinical=_yes(item.get("is_clinical")),
        is_provisional=_yes(item.get("provisional")),
        n_clinical=len(_pmids(by_clinical)) if "cited_by_clin" in item else None,
        cited_by=_pmids(item.get("cited_by")),
        references=_pmids(item.get("references")),
    )


def _whole(value: Any) -> int | None:
    number = _number(value, most=2**31 - 1)
    return int(number) if number is not None and number == int(number) else None


def _number(value: Any, *, most: float = 10**6) -> float | None:
    """A number within its bounds: what lies outside is a mistake and not a value."""
    if value is None or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if 0 <= number <= most else None


def _yes(value: Any) -> bool | None:
    return value if isinstance(value, bool) else _YES_NO.get(str(value).strip().lower())


def _pmids(value: Any) -> tuple[int, ...]:
    """PMIDs of a list, or of a text parted by blanks as in the older answers."""
    items = value.split() if isinstance(value, str) else value if isinstance(value, list) else []
    numbers = (str(item) for item in items)
    return tuple(dict.fromkeys(int(number) for number in numbers if _NUMBER.fullmatch(number)))
