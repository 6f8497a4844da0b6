"""Whom a check of citations asks, what an answer is, and what asking comes to."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from studies.rules.citation_verdict import Comparison, Found
from studies.sources.entrez import Entrez
from studies.sources.id_converter import IdConverter
from studies.sources.summaries import found_in
from studies.sources.web import SourceError, SourceRefused
from studies.terms import CheckVerdict

T = TypeVar("T")

PUBMED, PMC, CONVERTER, REGISTRY = "PubMed", "PMC", "PMC's ID converter", "ClinicalTrials.gov"
# After so many failures in a row a source is left in peace for the rest of the list.
_PATIENCE = 2
# An article, or none that the source knows, or why the source could not be asked.
Answer = Found | SourceError | None
_NOTHING = Comparison()
AskRegistry = Callable[[Sequence[str]], Mapping[str, Found | None]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What asking about one reference came to."""

    verdict: CheckVerdict
    found: Found | None = None
    comparison: Comparison = _NOTHING
    choices: tuple[Found, ...] = ()
    remark: str = ""
    sources: tuple[str, ...] = ()


@dataclass(slots=True)
class Desk:
    """Whom to ask; a source that is down is not asked again and again."""

    entrez: Entrez
    converter: IdConverter
    registry: AskRegistry | None = None
    failures: dict[str, int] = field(default_factory=dict)
    last: dict[str, SourceError] = field(default_factory=dict)

    def ask(self, source: str, question: Callable[[], T]) -> T:
        """Raises SourceError."""
        if self.failures.get(source, 0) >= _PATIENCE:
            raise self.last[source]
        try:
            answer = question()
        except SourceRefused:
            raise
        except SourceError as error:
            self.failures[source] = self.failures.get(source, 0) + 1
            self.last[source] = error
            raise
        self.failures[source] = 0
        return answer


def summaries(pmids: Iterable[int], desk: Desk, *, db: str = "pubmed") -> dict[int, Answer]:
    """What PubMed (or PMC) says of each number, in portions; a portion that fails is an error for each of its own."""
    source = PMC if db == "pmc" else PUBMED
    found: dict[int, Found | SourceError | None] = {}
    numbers = list(dict.fromkeys(pmids))
    for start in range(0, len(numbers), desk.entrez.batch):
        portion = numbers[start : start + desk.entrez.batch]
        try:
            said = desk.ask(source, lambda portion=portion: desk.entrez.summaries(portion, db=db))
        except SourceError as error:
            found |= dict.fromkeys(portion, error)
        else:
            found |= {number: found_in(summary, source) if summary else None for number, summary in said.items()}
    return found
