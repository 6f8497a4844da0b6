"""Finds references without a usable id: by journal, year and page all at once, then by the words of the title."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from studies.actions.asking import PUBMED, Answer, Desk, Outcome, summaries
from studies.rules.citation_terms import questions
from studies.rules.citation_verdict import TITLE, Found, compare
from studies.rules.references import Cited
from studies.sources.citation_match import Citation, Match
from studies.sources.names import author_of
from studies.sources.web import SourceError
from studies.terms import CheckVerdict

MOST_CHOICES = 6
_HITS = 25  # of a title search that are looked at


@dataclass(slots=True)
class _Search:
    """How far the search for one reference has come."""

    cited: Cited
    candidates: dict[int, Found] = field(default_factory=dict)
    placed: int | None = None  # the PMID that ecitmatch found at this journal, year, volume and page
    questions: list[str] = field(default_factory=list)
    error: SourceError | None = None
    n_unseen: int = 0

    @property
    def proofs(self) -> list[Found]:
        return [one for one in self.candidates.values() if compare(self.cited, one).is_proof]

    @property
    def is_open(self) -> bool:
        return not self.proofs and self.error is None and bool(self.questions)


def by_words(asked: Mapping[int, Cited], desk: Desk) -> dict[int, Outcome]:
    """By journal and page all at once, then by title in rounds, each round for all that are still open."""
    searches = {key: _Search(replace(cited, pmid=None, pmcid="", doi="")) for key, cited in asked.items()}
    for search in searches.values():
        search.questions = questions(search.cited)
    _match_places(searches, desk)
    while still := [search for search in searches.values() if search.is_open]:
        hits = {id(search): _hits(search, desk) for search in still}
        said = summaries((pmid for pmids in hits.values() for pmid in pmids), desk)
        for search in still:
            _take(search, hits[id(search)], said)
    return {key: _judged(search) for key, search in searches.items()}


def _match_places(searches: Mapping[int, _Search], desk: Desk) -> None:
    citations = [
        Citation(c.journal, str(c.year), c.volume, c.page, _family(c.author), key=str(key))
        for key, c in ((key, search.cited) for key, search in searches.items())
        if c.journal and c.year and c.volume and c.page
    ]
    if not citations:
        return
    try:
        matches = desk.ask(PUBMED, lambda: desk.entrez.match_citations(citations))
    except SourceError as error:
        for citation in citations:
            searches[int(citation.key)].error = error
        return
    pmids = {
        key: [match.pmid] if match.match == Match.FOUND else list(match.candidates)[:_HITS]
        for key, match in matches.items()
    }
    said = summaries((pmid for found in pmids.values() for pmid in found), desk)
    for key, found in pmids.items():
        searches[int(key)].placed = found[0] if matches[key].match == Match.FOUND else None
        _take(searches[int(key)], found, said)


def _hits(search: _Search, desk: Desk) -> list[int]:
    question = search.questions.pop(0)
    try:
        answer = desk.ask(PUBMED, lambda: desk.entrez.search(question, at_most=_HITS))
    except SourceError as error:
        search.error = error
        return []
    search.n_unseen = max(answer.count - len(answer.ids), 0)
    return answer.ids


def _take(search: _Search, pmids: Iterable[int], said: Mapping[int, Answer]) -> None:
    for pmid in pmids:
        if isinstance(answer := said.get(pmid), SourceError):
            search.error = answer
        elif answer:
            search.candidates[pmid] = answer


def _judged(search: _Search) -> Outcome:
    """The one article that can be meant, or several, or none; a source that failed leaves it open."""
    proofs = search.proofs
    if len(proofs) == 1:
        return Outcome(CheckVerdict.MATCH, proofs[0], compare(search.cited, proofs[0]), sources=(PUBMED,))
    if proofs:
        remark = f"{len(proofs)} articles fit what is cited."
        return Outcome(CheckVerdict.AMBIGUOUS, choices=_first(proofs), remark=remark, sources=(PUBMED,))
    if search.error:
        return Outcome(CheckVerdict.NOT_ASKED, remark=str(search.error))
    titled = [one for one in search.candidates.values() if _has_title(search.cited, one)]
    if len(titled) == 1:
        return Outcome(CheckVerdict.MISMATCH, titled[0], compare(search.cited, titled[0]), sources=(PUBMED,))
    if titled:
        remark = f"{len(titled)} articles have this title, and none fits all else that is cited."
        return Outcome(CheckVerdict.AMBIGUOUS, choices=_first(titled), remark=remark, sources=(PUBMED,))
    if placed := search.candidates.get(search.placed or 0):
        remark = "Another article stands at this place: journal, year, volume and page are its own."
        return Outcome(CheckVerdict.MISMATCH, placed, compare(search.cited, placed), remark=remark, sources=(PUBMED,))
    unseen = f" {search.n_unseen} more articles with these words were not looked at." if search.n_unseen else ""
    remark = f"PubMed has no article of this title that could be found.{unseen}"
    return Outcome(CheckVerdict.NOT_FOUND, remark=remark, sources=(PUBMED,))


def _has_title(cited: Cited, found: Found) -> bool:
    comparison = compare(cited, found)
    return TITLE in comparison.compared and TITLE not in comparison.differences and not comparison.is_partly


def _first(found: Collection[Found]) -> tuple[Found, ...]:
    return tuple(found)[:MOST_CHOICES]


def _family(name: str) -> str:
    author = author_of(name)
    return " ".join(filter(None, (author.last, author.initials))) if author else ""
