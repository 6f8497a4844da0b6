"""What PubMed's relations and publication types say of retraction, concern and correction."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

# On the paper: the paper is flagged.
_SUFFERED = {
    "RetractionIn": "retraction",
    "RetractedandRepublishedIn": "retract-and-replace",
    "ExpressionOfConcernIn": "concern",
    "ErratumIn": "correction",
    "CorrectedandRepublishedIn": "correction",
    "UpdateIn": "update",
}
# On the notice: the paper it names is flagged, the notice itself never.
_ISSUED = {
    "RetractionOf": "retraction",
    "RetractedandRepublishedFrom": "retract-and-replace",
    "ExpressionOfConcernFor": "concern",
    "ErratumFor": "correction",
    "CorrectedandRepublishedFrom": "correction",
    "UpdateOf": "update",
}
_SEVERITY = {
    "retraction": 5,
    "removal": 4,
    "withdrawal": 4,
    "concern": 3,
    "retract-and-replace": 2,
    "correction": 1,
    "partial-retraction": 1,  # as NLM treats it: an erratum
}
RETRACTED_TYPE = {"D016441", "retracted publication"}


class Relation(Protocol):
    """One CommentsCorrections entry of a source."""

    @property
    def kind(self) -> str: ...
    @property
    def citation(self) -> str: ...
    @property
    def pmid(self) -> int | None: ...
    @property
    def doi(self) -> str: ...
    @property
    def note(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Claim:
    """One notice as a source states it about the paper `subject_pmid` (None: about the record itself).

    `key` is the same whether the paper or the notice states it, so that both sides make one row.
    """

    kind: str
    key: str
    subject_pmid: int | None = None
    notice_pmid: int | None = None
    notice_doi: str = ""
    citation: str = ""
    note: str = ""


def suffered(relations: Iterable[Relation], publication_types: Iterable[tuple[str, str]]) -> list[Claim]:
    """The notices a record states about itself, each once; types are pairs of MeSH id and name."""
    claims = [_claim(_SUFFERED[r.kind], r) for r in relations if r.kind in _SUFFERED]
    if is_retracted_type(publication_types) and not any(claim.kind == "retraction" for claim in claims):
        claims.append(Claim("retraction", "publication type"))
    return list({(claim.kind, claim.key): claim for claim in claims}.values())


def issued(relations: Iterable[Relation], *, pmid: int, title: str) -> list[Claim]:
    """The notices that the record `pmid` states about other papers named by PMID."""
    claims = [
        Claim(
            _ISSUED[r.kind],
            f"pmid:{pmid}",
            subject_pmid=r.pmid,
            notice_pmid=pmid,
            citation=title,
            note=r.note,
        )
        for r in relations
        if r.kind in _ISSUED and r.pmid
    ]
    return list({(claim.kind, claim.subject_pmid): claim for claim in claims}.values())


def is_retracted_type(publication_types: Iterable[tuple[str, str]]) -> bool:
    """True for the paper's type "Retracted Publication", false for the notice's "Retraction of Publication"."""
    return any(ui in RETRACTED_TYPE or name.lower() in RETRACTED_TYPE for ui, name in publication_types)


def effective_status(kinds_in_order: Sequence[str]) -> int:
    """The worst notice in force as a value of terms.NoticeStatus.

    `kinds_in_order` are the kinds of the live notices, oldest first: a reinstatement lifts what stands before it.
    """
    standing: list[str] = []
    for kind in kinds_in_order:
        if kind == "reinstatement":
            standing = [k for k in standing if k == "correction"]
        else:
            standing.append(kind)
    return max((_SEVERITY.get(kind, 0) for kind in standing), default=0)


def _claim(kind: str, relation: Relation) -> Claim:
    key = f"pmid:{relation.pmid}" if relation.pmid else " ".join(relation.citation.casefold().split())[:300]
    return Claim(kind, key or "no reference", notice_pmid=relation.pmid, citation=relation.citation, note=relation.note)
