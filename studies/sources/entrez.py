"""The only door to NCBI: search, fetch, links, summaries and citation match over Bio.Entrez."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from typing import Any

from studies.sources import citation_match, entrez_search
from studies.sources.citation_match import Citation, CitationMatch, Match
from studies.sources.entrez_answer import is_passing, read_document, read_json, read_text, read_xml
from studies.sources.entrez_request import Door
from studies.sources.entrez_search import CAP, Page, SearchAnswer, SearchNotWhole
from studies.sources.web import (
    MAX_BYTES,
    PAUSES,
    AnswerCut,
    Cut,
    Line,
    Refusal,
    SourceError,
    SourceRefused,
    SourceUnavailable,
)

__all__ = [
    "AnswerCut",
    "Citation",
    "CitationMatch",
    "Entrez",
    "Match",
    "SearchAnswer",
    "SearchNotWhole",
    "SourceError",
    "SourceRefused",
    "SourceUnavailable",
]

_LINK_BATCH = 100  # one popular paper alone brings 14,000 links
_PMC_BATCH = 20  # full texts are large
_CITATION_BATCH = 50


class Entrez:
    """NCBI's E-utilities for one asker. Every method may raise SourceUnavailable or SourceRefused.

    `limiter` is called before each HTTP request and blocks until it may go; what it raises goes through to the
    caller. An instance holds no state and may be shared by threads.
    """

    def __init__(
        self,
        base_url: str,
        tool: str,
        email: str,
        api_key: str = "",
        *,
        limiter: Callable[[], None],
        timeout: float = 60.0,
        batch: int = 200,
        pauses: Sequence[float] = PAUSES,
        cap: int = CAP,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self.batch = batch
        self.cap = cap
        self._door = Door(
            base_url=base_url,
            tool=tool,
            email=email,
            api_key=api_key,
            line=Line(
                service="NCBI",
                timeout=timeout,
                limiter=limiter,
                see="NCBI_BASE_URL",
                pauses=pauses,
                max_bytes=max_bytes,
                is_passing=is_passing,
            ),
        )

    def search(
        self,
        query: str,
        *,
        mindate: date | None = None,
        maxdate: date | None = None,
        datetype: str = "crdt",
        at_most: int | None = None,
    ) -> SearchAnswer:
        """Every PMID the query finds, newest first, or the `at_most` newest. Raises SearchNotWhole as well.

        `datetype` is the field the dates are about: crdt (created), mdat (modified), edat, pdat or mhda (indexed).
        """
        term = entrez_search.dated(_asked(query), datetype, mindate, maxdate)
        return entrez_search.search(self._page, term, cap=self.cap, at_most=at_most)

    def count(
        self, query: str, *, mindate: date | None = None, maxdate: date | None = None, datetype: str = "crdt"
    ) -> SearchAnswer:
        """How many the query would find, with PubMed's translation and warnings; `ids` stay empty."""
        term = entrez_search.dated(_asked(query), datetype, mindate, maxdate)
        return entrez_search.search(self._page, term, cap=self.cap, at_most=0)

    def batches(self, ids: Iterable[int]) -> Iterator[list[int]]:
        """The ids in their order, in portions for fetch_batch."""
        return _portions(list(ids), self.batch)

    def fetch_batch(self, pmids: Sequence[int]) -> bytes:
        """One complete PubmedArticleSet. PMIDs that PubMed does not serve are left out without a word."""
        return self._fetch_document("pubmed", "PubmedArticleSet", list(pmids))

    def fetch_pmc(self, pmcids: Iterable[int | str]) -> bytes:
        """One complete pmc-articleset with the JATS articles; an article may come without a body."""
        numbers = [int(str(pmcid).upper().removeprefix("PMC")) for pmcid in pmcids]
        root = "pmc-articleset"
        portions = list(_portions(numbers, _PMC_BATCH)) or [[]]
        return _joined(root, [self._fetch_document("pmc", root, portion) for portion in portions])

    def links(self, pmids: Iterable[int], linkname: str) -> dict[int, list[int]]:
        """The linked ids of each PMID asked, empty when there are none. `linkname` such as pubmed_pubmed_citedin."""
        dbfrom, db = linkname.split("_")[:2]
        found: dict[int, list[int]] = {}
        for portion in _portions(list(dict.fromkeys(pmids)), _LINK_BATCH):
            found |= dict.fromkeys(portion) | self._links(portion, dbfrom, db, linkname)
        return {pmid: linked or [] for pmid, linked in found.items()}

    def cited_by(self, pmids: Iterable[int]) -> dict[int, list[int]]:
        """The PMIDs that cite each PMID asked; one that the answer does not speak of is left out."""
        found: dict[int, list[int]] = {}
        for portion in _portions(list(dict.fromkeys(pmids)), _LINK_BATCH):
            answered = self._links(portion, "pubmed", "pubmed", "pubmed_pubmed_citedin")
            found |= {pmid: answered[pmid] for pmid in portion if pmid in answered}
        return found

    def summaries(self, pmids: Iterable[int], *, db: str = "pubmed") -> dict[int, dict[str, Any] | None]:
        """PubMed's summary of each PMID asked; None where it says it has none (deleted, merged, never there).

        With `db="pmc"` PMC's of each PMCID, without its letters.
        """
        found: dict[int, dict[str, Any] | None] = {}
        for portion in _portions(list(dict.fromkeys(pmids)), self.batch):
            result = self._door.ask(
                "esummary",
                lambda body, portion=portion: _summaries_from(body, portion),
                asked=f"summaries of {_some('PMID' if db == 'pubmed' else 'PMCID', portion)}",
                db=db,
                id=portion,
                retmode="json",
            )
            for pmid in portion:
                summary = result.get(str(pmid))
                found[pmid] = summary if isinstance(summary, dict) and "error" not in summary else None
        return found

    def match_citations(self, citations: Iterable[Citation]) -> dict[str, CitationMatch]:
        """What PubMed knows each citation as, by its key."""
        found: dict[str, CitationMatch] = {}
        pending = list(citations)
        while pending:
            answered = self._match(pending[:_CITATION_BATCH])
            if not answered:
                raise SourceUnavailable(_some_citations(pending), "no line of the answer fits a citation asked")
            # The service has stopped in the middle of a list: what it left out is asked again.
            found |= answered
            pending = [citation for citation in pending if citation.key not in answered]
        return found

    def _page(self, term: str, retmax: int) -> Page:
        def read(body: bytes) -> Page:
            root = read_xml(body)
            if root.tag != "eSearchResult" or root.find("Count") is None:
                raise Cut("the answer holds no count")
            return entrez_search.page_from(root)

        return self._door.ask(
            "esearch",
            read,
            asked=f"search for {term!r}",
            db="pubmed",
            term=term,
            retmax=retmax,
            retmode="xml",
            sort="pub_date",
        )

    def _fetch_document(self, db: str, root: str, ids: list[int]) -> bytes:
        asked = f"{db} records of {_some('id', ids)}"
        if not ids:
            raise SourceRefused(asked, "the list of ids is empty")
        try:
            return self._door.ask(
                "efetch",
                lambda body: read_document(body, root),
                asked=asked,
                max_cuts=2 if len(ids) > 1 else 0,
                db=db,
                id=ids,
                retmode="xml",
            )
        except AnswerCut:
            if len(ids) == 1:
                raise
            half = (len(ids) + 1) // 2
            return _joined(root, [self._fetch_document(db, root, part) for part in (ids[:half], ids[half:])])

    def _links(self, pmids: list[int], dbfrom: str, db: str, linkname: str) -> dict[int, list[int]]:
        def read(body: bytes) -> dict[int, list[int]]:
            root = read_xml(body)
            found: dict[int, list[int]] = {}
            for linkset in root.iterfind("LinkSet"):
                # An answer may bring other link names along: another name means another relation.
                wanted = [s for s in linkset.iterfind("LinkSetDb") if s.findtext("LinkName") == linkname]
                linked = [int(element.text) for s in wanted for element in s.iterfind("Link/Id")]
                sources = [int(element.text) for element in linkset.iterfind("IdList/Id")]
                if len(sources) > 1:
                    raise Refusal("the links of several records came merged into one list")
                found |= dict.fromkeys(sources, linked)
            return found

        return self._door.ask(
            "elink",
            read,
            asked=f"{linkname} of {_some('PMID', pmids)}",
            dbfrom=dbfrom,
            db=db,
            linkname=linkname,
            id=pmids,
            cmd="neighbor",
        )

    def _match(self, citations: list[Citation]) -> dict[str, CitationMatch]:
        answer = self._door.ask(
            "ecitmatch",
            read_text,
            asked=_some_citations(citations),
            db="pubmed",
            retmode="xml",
            bdata=citation_match.lines(citations),
        )
        return citation_match.matches(citations, answer)


def _asked(query: str) -> str:
    query = " ".join(query.split())
    if not query:
        raise SourceRefused("search", "the query is empty")
    return query


def _portions(ids: list[int], size: int) -> Iterator[list[int]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))


def _some(noun: str, ids: list[int]) -> str:
    if len(ids) < 4:
        return f"{noun} {', '.join(map(str, ids))}"
    return f"{len(ids)} {noun}s from {ids[0]} to {ids[-1]}"


def _some_citations(citations: list[Citation]) -> str:
    return f"match of {len(citations)} citation{'s' if len(citations) > 1 else ''}"


def _summaries_from(body: bytes, asked: list[int]) -> dict[str, Any]:
    """A number that is not answered at all must not pass for one that is not there."""
    answer = read_json(body)
    if isinstance(answer.get("esummaryresult"), list):
        raise Refusal("; ".join(map(str, answer["esummaryresult"]))[:300])
    if not isinstance(answer.get("result"), dict):
        raise Cut("the answer holds no result")
    unknown = str(answer.get("error", ""))
    if any(str(number) not in answer["result"] and str(number) not in unknown for number in asked):
        raise Cut("the answer leaves out some of what was asked")
    return answer["result"]


def _joined(root: str, documents: list[bytes]) -> bytes:
    """Documents of one root as a single one, under the head of the first."""
    head, tag, _ = documents[0].partition(b"<" + root.encode())
    return head + tag + b">" + b"".join(_inside(root, d) for d in documents) + f"</{root}>\n".encode()


def _inside(root: str, document: bytes) -> bytes:
    _, _, rest = document.partition(b"<" + root.encode())
    attributes, _, content = rest.partition(b">")
    return b"" if attributes.endswith(b"/") else content.rpartition(f"</{root}>".encode())[0]
