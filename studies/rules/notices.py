"""What PubMed's relations and publication types say of retraction, concern and correction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

# On the paper: the paper is flagged.
_SUFFERED = {
    "RetractionIn": "retraction",
    "PartialRetractionIn": "partial-retraction",
    "RetractedandRepublishedIn": "retract-and-replace",
    "ExpressionOfConcernIn": "concern",
    "ErratumIn": "correction",
    "CorrectedandRepublishedIn": "correction",
    "UpdateIn": "update",
}
# On the notice: the paper it names is flagged, the notice itself never.
_ISSUED = {
    "RetractionOf": "retraction",
    "PartialRetractionOf": "partial-retraction",
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
REINSTATEMENT = "reinstatement"
_NOT_LIFTED = {REINSTATEMENT, "correction", "update"}
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


class Stated(Protocol):
    """One live notice as the catalogue keeps it."""

    issued_on: date | None
    first_seen_at: datetime
    notice_pmid: int | None

    @property
    def effective_kind(self) -> str: ...


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


def effective_status(kinds: Iterable[str]) -> int:
    """The worst of the kinds of notices in force, as a value of terms.NoticeStatus."""
    return max((_SEVERITY.get(kind, 0) for kind in kinds), default=0)


def in_force(notices: Sequence[Stated]) -> list[str]:
    """The kinds of the live notices on one paper that no reinstatement has lifted."""
    lifted = {id(notice) for notice in lifted_among(notices)}
    kinds = (notice.effective_kind for notice in notices if id(notice) not in lifted)
    return [kind for kind in kinds if kind != REINSTATEMENT]


def lifted_among(notices: Sequence[Stated]) -> list[Stated]:
    """The live notices on one paper that a reinstatement has lifted.

    It lifts what came before it: by the dates of issue where both are known, else by when they were first seen
    here. Corrections are no more undone by it than they were part of the retraction.
    """
    dated = {n.notice_pmid: n.issued_on for n in notices if n.notice_pmid and n.issued_on}
    lifting = [n for n in notices if n.effective_kind == REINSTATEMENT]
    may_be_lifted = (n for n in notices if n.effective_kind not in _NOT_LIFTED)
    return [n for n in may_be_lifted if any(_precedes(n, other, dated) for other in lifting)]


def _precedes(notice: Stated, reinstatement: Stated, dated: Mapping[int, date]) -> bool:
    # PubMed names a notice without its date; another source may date the same notice.
    issued = notice.issued_on or (dated.get(notice.notice_pmid) if notice.notice_pmid else None)
    if issued and reinstatement.issued_on:
        return issued <= reinstatement.issued_on
    return notice.first_seen_at <= reinstatement.first_seen_at


def _claim(kind: str, relation: Relation) -> Claim:
    key = f"pmid:{relation.pmid}" if relation.pmid else " ".join(relation.citation.casefold().split())[:300]
    return Claim(kind, key or "no reference", notice_pmid=relation.pmid, citation=relation.citation, note=relation.note)
