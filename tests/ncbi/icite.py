"""A local iCite over real HTTP, with the faults of the local NCBI."""

from dataclasses import dataclass, field
from typing import Any

from tests.ncbi.answers import Reply, as_json
from tests.ncbi.server import Asked, NcbiServer


@dataclass
class ICiteServer(NcbiServer):
    """Knows the articles of `papers`, by PMID; a request may ask for a thousand. Use it as a context manager.

    Like the service it leaves out unknown PMIDs, keeps an order of its own, and answers only the fields asked for.
    """

    papers: dict[int, dict[str, Any]] = field(default_factory=dict)
    most: int = 1000

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    def knows(self, pmid: int, count: int | None = 0, **facts: Any) -> None:
        """Put an article on the shelf; `facts` replace invented values."""
        self.papers[pmid] = paper(pmid, count, **facts)

    def pmids(self, asked: Asked) -> list[int]:
        return [int(number) for number in asked.param("pmids").split(",")]

    def _answer(self, asked: Asked) -> Reply:
        if asked.utility != "pubs":
            return Reply([b"<html><title>404 Not Found</title></html>"], "text/html", 404)
        pmids = self.pmids(asked)
        if len(pmids) > self.most:
            return as_json({"error": f"At most {self.most} PMIDs at once"}, 400)
        names = asked.param("fl").split(",") if asked.param("fl") else None
        found = [self.papers[pmid] for pmid in sorted(set(pmids), reverse=True) if pmid in self.papers]
        data = [{k: v for k, v in item.items() if not names or k in names} for item in found]
        return as_json({"meta": {"limit": self.most, "offset": 0}, "links": {"self": self.url}, "data": data})


def paper(pmid: int, count: int | None = 0, **facts: Any) -> dict[str, Any]:
    """One article as iCite writes it; everything in it is synthetic."""
    return {
        "pmid": pmid,
        "year": 2020,
        "title": f"Synthetic article {pmid}",
        "authors": "Jane Doe",
        "journal": "Synth J Skin",
        "is_research_article": True,
        "relative_citation_ratio": 1.25,
        "nih_percentile": 61.5,
        "human": 0.5,
        "animal": 0.25,
        "molecular_cellular": 0.25,
        "apt": 0.75,
        "is_clinical": False,
        "citation_count": count,
        "citations_per_year": 2.5,
        "expected_citations_per_year": 2.0,
        "field_citation_rate": 4.5,
        "provisional": False,
        "x_coord": 0.0,
        "y_coord": 0.0,
        "cited_by_clin": [],
        "cited_by": [],
        "references": [],
        "doi": f"10.5555/synthetic.{pmid}",
        "last_modified": "11/01/2026, 00:00:00",
    } | facts
