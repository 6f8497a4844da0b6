"""The only door to ClinicalTrials.gov: what is asked of it, page by page, and what its answers come to."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit
from urllib.request import Request

from studies.sources.clinicaltrials_json import NotAStudy, read
from studies.sources.registration import Registration
from studies.sources.web import PAUSES, Cut, Line, Refusal, SourceRefused, Trouble

SERVICE = "ClinicalTrials.gov"
BATCH = 100  # numbers a request: the address stays below 2,000 characters
_PAGE = 1000  # the registry coerces more to this
# Results sections may be a megabyte each, and nothing here reads them.
_WANTED = "protocolSection|derivedSection|hasResults"
_MOST_PAGES = 500  # a registry of half a million trials has no more; a token that never ends would
_PARAMETER = re.compile(r"(query\.[a-z]+|filter\.[a-zA-Z]+|postFilter\.[a-zA-Z]+|aggFilters|geoDecay)\s*=\s*(.*)", re.S)
_NEXT = re.compile(r"&(?=(?:query|filter|postFilter)\.[a-zA-Z]+\s*=|aggFilters=|geoDecay=)")
_NUMBER = re.compile(r"NCT\d{8}")
_KNOWN = {
    *(f"query.{name}" for name in ["cond", "term", "locn", "titles", "intr", "outc", "spons", "lead", "id", "patient"]),
    *(f"{kind}.{name}" for kind in ("filter", "postFilter") for name in ["overallStatus", "geo", "ids", "advanced"]),
    "filter.synonyms",
    "aggFilters",
    "geoDecay",
}


class BadQuestion(ValueError):
    """The query is not one that ClinicalTrials.gov can be asked; the message is a sentence for people."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One trial of a list: its number and, where the registry says it, the day of its last update."""

    number: str
    updated: str = ""


@dataclass(slots=True)
class Batch:
    """What became of the numbers asked for: registrations, and why an element of the answer could not be read."""

    registrations: list[Registration] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)  # by number, or by position where there is none


def question(text: str) -> dict[str, str]:
    """The parameters that a search's text names, one a line: `query.cond=skin aging OR wrinkle`.

    A line without a name is asked as `query.term`; a query string pasted from an address is read too. Raises
    BadQuestion.
    """
    found: dict[str, str] = {}
    text = text.strip().lstrip("?")
    for line in filter(None, (part.strip() for row in text.splitlines() for part in _NEXT.split(row))):
        match = _PARAMETER.fullmatch(line.lstrip("&?"))
        name, value = (match[1], match[2].strip()) if match else ("query.term", line)
        if name not in _KNOWN:
            raise BadQuestion(f"ClinicalTrials.gov has no parameter “{name}”.")
        if name in found:
            raise BadQuestion(f"The query gives {name} twice: join the two with OR or AND.")
        if value:
            found[name] = value
    if not found:
        raise BadQuestion("The query is empty.")
    return found


def updated_since(params: Mapping[str, str], since: date) -> dict[str, str]:
    """The same question, of trials whose last update was posted on that day or later."""
    window = f"AREA[LastUpdatePostDate]RANGE[{since.isoformat()},MAX]"
    before = params.get("filter.advanced", "")
    return {**params, "filter.advanced": f"({before}) AND {window}" if before else window}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicalTrials:
    """The registry at `base_url`, asked over `line`, which keeps the pace and the patience."""

    base_url: str
    user_agent: str
    line: Line
    page: int = _PAGE
    most_pages: int = _MOST_PAGES

    def count(self, params: Mapping[str, str]) -> int:
        """How many trials the question finds now."""
        answer = self._page({**params, "fields": "NCTId", "countTotal": "true", "pageSize": "1"}, "count of a search")
        total = answer.get("totalCount")
        if not isinstance(total, int):
            raise SourceRefused("count of a search", "the answer holds no totalCount", SERVICE)
        return total

    def listed(self, params: Mapping[str, str], *, at_most: int | None = None) -> Iterator[Listed]:
        """Every trial the question finds, newest update first, each once."""
        wanted = {**params, "fields": "NCTId|LastUpdatePostDate", "sort": "LastUpdatePostDate:desc"}
        seen: set[str] = set()
        for studies in self._pages(wanted, "search"):
            for one in filter(None, map(_listed, studies)):
                if at_most is not None and len(seen) >= at_most:
                    return
                if one.number not in seen:  # an update between two pages moves a trial to the next one
                    seen.add(one.number)
                    yield one

    def fetch(self, numbers: Sequence[str]) -> Batch:
        """The registrations of at most BATCH numbers; one that the registry knows under another number comes as that.

        Numbers it does not know are simply not in the answer.
        """
        if not numbers or len(numbers) > BATCH or not all(_NUMBER.fullmatch(number) for number in numbers):
            raise ValueError(f"{len(numbers)} numbers: from 1 to {BATCH} NCT numbers can be asked for at once.")
        batch = Batch()
        wanted = {"filter.ids": "|".join(numbers), "fields": _WANTED}
        for studies in self._pages(wanted, _some(numbers), size=BATCH):
            for study in studies:
                try:
                    batch.registrations.append(read(study))
                except NotAStudy as wrong:
                    name = _listed(study)
                    batch.unreadable[name.number if name else f"#{len(batch.unreadable) + 1}"] = str(wrong)
        return batch

    def current_number(self, number: str) -> str | None:
        """The number the registry serves this trial under now; None where it says it has none."""
        asked = f"trial {number}"
        try:
            self._ask(f"studies/{quote(number)}", {"fields": "NCTId"}, asked)
        except SourceRefused as refused:
            if refused.status in {404, 410}:
                return None
            found = _NUMBER.search(urlsplit(refused.location).path.upper())
            if not found:
                raise
            return found[0]
        return number

    def _pages(self, params: dict[str, str], asked: str, *, size: int = 0) -> Iterator[list[Any]]:
        """The `studies` of each page; all parameters are repeated, and a page may be empty while a token follows."""
        token, tokens = "", set()
        for n in range(1, self.most_pages + 1):
            more = {"pageSize": str(size or self.page)} | ({"pageToken": token} if token else {})
            answer = self._page(params | more, f"page {n} of {asked}" if n > 1 else asked)
            yield answer["studies"]
            token = answer.get("nextPageToken") or ""
            if not token:
                return
            if token in tokens:
                break
            tokens.add(token)
        raise SourceRefused(asked, "the pages do not come to an end", SERVICE)

    def _page(self, params: dict[str, str], asked: str) -> dict[str, Any]:
        answer = self._ask("studies", params, asked)
        if not isinstance(answer.get("studies"), list):
            raise SourceRefused(asked, "the answer holds no list of studies", SERVICE)
        return answer

    def _ask(self, path: str, params: dict[str, str], asked: str) -> dict[str, Any]:
        address = urljoin(self.base_url.rstrip("/") + "/", path) + "?" + urlencode({**params, "format": "json"})
        headers = {"User-Agent": self.user_agent, "Accept": "application/json"}
        request = Request(address, headers=headers)  # noqa: S310 - settings allow http(s) only
        try:
            return self.line.ask(request, _json, asked=asked)
        except SourceRefused as refused:
            if refused.status == 403:  # measured in 2026: the registry refuses some programs by their name
                why = f"{refused.reason}: perhaps it does not like this program's name, see CTGOV_USER_AGENT"
                raise SourceRefused(asked, why, SERVICE, status=403) from refused
            raise


def _json(body: bytes) -> dict[str, Any]:
    start = body[:500].lstrip().lower()
    if not start:
        raise Cut("the answer is empty")
    if start.startswith((b"<!doctype html", b"<html")):
        raise Trouble("an HTML page instead of data")
    try:
        answer = json.loads(body)
    except ValueError as error:
        if not start.startswith((b"{", b"[")):
            raise Refusal(body[:300].decode("utf-8", "replace").strip()) from error
        raise Cut("the JSON is broken off") from error
    if not isinstance(answer, dict):
        raise Trouble("the JSON is not an object")
    return answer


def _listed(study: object) -> Listed | None:
    try:
        protocol = study["protocolSection"]  # type: ignore[index]
        number = protocol["identificationModule"]["nctId"]
        updated = protocol.get("statusModule", {}).get("lastUpdatePostDateStruct", {}).get("date", "")
    except (KeyError, TypeError, AttributeError):
        return None
    return Listed(number.upper(), updated) if isinstance(number, str) and _NUMBER.fullmatch(number.upper()) else None


def _some(numbers: Sequence[str]) -> str:
    return ", ".join(numbers) if len(numbers) < 4 else f"{len(numbers)} trials from {numbers[0]} to {numbers[-1]}"


def door(
    *,
    base_url: str,
    user_agent: str,
    timeout: float,
    limiter: Callable[[], None],
    pauses: Sequence[float] = PAUSES,
    **pages: int,
) -> ClinicalTrials:
    """The registry as the settings describe it."""
    line = Line(service=SERVICE, timeout=timeout, limiter=limiter, see="CTGOV_BASE_URL", pauses=pauses)
    return ClinicalTrials(base_url=base_url, user_agent=user_agent, line=line, **pages)
