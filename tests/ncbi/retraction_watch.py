"""Synthetic Retraction Watch files, in the peculiar way of the real one, and a server that hands one out."""

import csv
import io
from dataclasses import dataclass
from typing import Any

from tests.ncbi.answers import Reply
from tests.ncbi.server import Asked, NcbiServer

COLUMNS = [
    "Record ID",
    "Title",
    "Subject",
    "Institution",
    "Journal",
    "Publisher",
    "Country",
    "Author",
    "URLS",
    "ArticleType",
    "RetractionDate",
    "RetractionDOI",
    "RetractionPubMedID",
    "OriginalPaperDate",
    "OriginalPaperDOI",
    "OriginalPaperPubMedID",
    "RetractionNature",
    "Reason",
    "Paywalled",
    "Notes",
]


def row(number: int, **facts: Any) -> dict[str, Any]:
    """One row; `doi`, `pmid`, `nature`, `issued`, `reason`, `title` stand for the long names of the columns."""
    short = {
        "doi": "OriginalPaperDOI",
        "pmid": "OriginalPaperPubMedID",
        "nature": "RetractionNature",
        "issued": "RetractionDate",
        "reason": "Reason",
        "title": "Title",
    }
    return {
        "Record ID": number,
        "Title": f"Synthetic article {number}",
        "Subject": "(HSC) Medicine - Dermatology;(B/T) Synthetic Biology;",
        "Institution": "Institute of Invented Results, Utopia;",
        "Journal": "Synthetic Journal of Skin",
        "Country": "Utopia;",
        "Author": "Jane Doe;John Roe;",
        "ArticleType": "Research Article;",
        "RetractionDate": "3/9/2026 0:00",
        "RetractionDOI": "unavailable",
        "RetractionPubMedID": 0,
        "OriginalPaperDate": "12/31/2019 0:00",
        "OriginalPaperDOI": "unavailable",
        "OriginalPaperPubMedID": 0,
        "RetractionNature": "Retraction",
        "Reason": "+Concerns/Issues About Data;+Investigation by Journal/Publisher;",
        "Paywalled": "No",
    } | {short.get(name, name): value for name, value in facts.items()}


def file_of(*rows: dict[str, Any], encoding: str = "utf-8") -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode(encoding)


@dataclass
class FileServer(NcbiServer):
    """Hands out one file, whatever its name."""

    body: bytes = b""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/retraction_watch.csv"

    def _answer(self, asked: Asked) -> Reply:
        return Reply([self.body], "text/csv")
