"""Summaries of PubMed and PMC, read as what a citation is compared with."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from studies import identifiers
from studies.rules import notices
from studies.rules.citation_verdict import Found
from studies.sources.record import Relation

_YEAR = re.compile(r"(?:1[6-9]|20|21)\d\d")
_DATES = ("pubdate", "epubdate", "printpubdate", "sortpubdate")
_SAYS_PMID = {"pubmed", "pmid"}
_SAYS_PMCID = {"pmc", "pmcid"}


def found_in(summary: Mapping[str, Any], source: str) -> Found:
    """The article of one summary; `source` is who said so."""
    ids = {str(one.get("idtype")): str(one.get("value") or "") for one in _dicts(summary.get("articleids"))}
    authors = tuple(filter(None, (str(one.get("name") or "").strip() for one in _dicts(summary.get("authors")))))
    years = dict.fromkeys(int(found[0]) for name in _DATES if (found := _YEAR.search(str(summary.get(name) or ""))))
    return Found(
        title=str(summary.get("title") or summary.get("booktitle") or "").strip(),
        vernacular=str(summary.get("vernaculartitle") or "").strip(),
        authors=authors,
        n_authors=len(authors),
        years=tuple(years),
        journals=tuple(dict.fromkeys(filter(None, map(str, _journals(summary))))),
        volume=str(summary.get("volume") or ""),
        pages=str(summary.get("pages") or ""),
        pmid=next(filter(None, (identifiers.pmid(value) for kind, value in ids.items() if kind in _SAYS_PMID)), None),
        pmcid=next(filter(None, (identifiers.pmcid(value) for kind, value in ids.items() if kind in _SAYS_PMCID)), ""),
        doi=identifiers.doi(ids.get("doi", "")),
        notice_status=_status(summary),
        source=source,
    )


def _journals(summary: Mapping[str, Any]) -> Iterator[str]:
    yield summary.get("fulljournalname") or ""
    yield summary.get("source") or ""
    yield summary.get("booktitle") or summary.get("bookname") or ""


def _status(summary: Mapping[str, Any]) -> int:
    """The worst notice that the summary states about the article itself."""
    relations = [
        Relation(_kind(str(one.get("reftype") or "")), str(one.get("refsource") or ""))
        for one in _dicts(summary.get("references"))
    ]
    types = [("", str(name)) for name in summary.get("pubtype") or ()]
    return notices.effective_status([claim.kind for claim in notices.suffered(relations, types)])


_KINDS = {
    "".join(kind.lower()): kind
    for kind in (
        "RetractionIn",
        "RetractedandRepublishedIn",
        "ExpressionOfConcernIn",
        "ErratumIn",
        "CorrectedandRepublishedIn",
        "UpdateIn",
    )
}


def _kind(reftype: str) -> str:
    """`Expression of concern in` as PubMed's XML writes it: `ExpressionOfConcernIn`."""
    return _KINDS.get("".join(reftype.lower().split()), reftype)


def _dicts(values: Any) -> Iterator[Mapping[str, Any]]:
    return (value for value in values or () if isinstance(value, Mapping))
