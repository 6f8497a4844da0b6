"""The only door to PMC's ID converter: PMIDs of PMCIDs and DOIs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode
from urllib.request import Request

from studies import identifiers
from studies.sources.entrez_answer import read_json
from studies.sources.web import Cut, Line, Refusal

SERVICE = "PMC's ID converter"
_MOST = 200  # ids a request
_LONGEST = 7_000  # characters of an address: DOIs may be long


@dataclass(frozen=True, slots=True)
class Converted:
    """The ids of one article; what it has not stays empty."""

    pmid: int | None = None
    pmcid: str = ""
    doi: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdConverter:
    """Raises SourceUnavailable or SourceRefused."""

    base_url: str
    tool: str
    email: str
    line: Line

    def convert(self, ids: Sequence[str], kind: str) -> dict[str, Converted | None]:
        """By the id asked; None where PMC says it knows none. `kind` is pmcid, doi or pmid, the same for all."""
        found: dict[str, Converted | None] = {}
        for portion in _portions(dict.fromkeys(ids)):
            found |= self._asked(portion, kind)
        return found

    def _asked(self, ids: list[str], kind: str) -> dict[str, Converted | None]:
        who = {"tool": self.tool, "email": self.email} if self.email else {"tool": self.tool}
        query = urlencode({"ids": ",".join(ids), "idtype": kind, "format": "json"} | who, safe=",/:()")
        request = Request(  # noqa: S310 - settings allow http(s) only
            f"{self.base_url}?{query}", headers={"User-Agent": quote(self.tool)}
        )
        some = ids[0] if len(ids) == 1 else f"{len(ids)} ids from {ids[0]}"
        return self.line.ask(request, lambda body: _converted(body, ids), asked=f"ids of {some}")


def _portions(ids: Mapping[str, None]) -> Iterator[list[str]]:
    portion: list[str] = []
    n_characters = 0
    for name in ids:
        if portion and (len(portion) == _MOST or n_characters + len(name) > _LONGEST):
            yield portion
            portion, n_characters = [], 0
        portion.append(name)
        n_characters += 3 * len(name)
    if portion:
        yield portion


def _converted(body: bytes, asked: list[str]) -> dict[str, Converted | None]:
    """Records are matched by the id that was asked, whatever its case; one without an answer is no answer."""
    answer = read_json(body)
    records = answer.get("records")
    if not isinstance(records, list):
        raise Refusal(str(answer.get("message") or answer.get("errmsg") or "the answer holds no records")[:300])
    said = {str(one.get("requested-id", "")).lower(): one for one in records if isinstance(one, dict)}
    if missing := [name for name in asked if name.lower() not in said]:
        raise Cut(f"the answer leaves out {len(missing)} of {len(asked)} ids")
    return {name: _record(said[name.lower()]) for name in asked}


def _record(said: Mapping[str, Any]) -> Converted | None:
    if said.get("status") == "error":
        return None
    return Converted(
        pmid=identifiers.pmid(str(said.get("pmid") or "")),
        pmcid=identifiers.pmcid(str(said.get("pmcid") or "")),
        doi=identifiers.doi(str(said.get("doi") or "")),
    )
