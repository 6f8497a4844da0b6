"""What free fields of reference files say between the lines: ids in addresses, PubMed's notices, ISSNs, languages."""

import re
from collections.abc import Iterable

from studies import identifiers
from studies.sources.record import Relation

_PUBMED_ADDRESS = re.compile(r"(?:pubmed\.ncbi\.nlm\.nih\.gov/|ncbi\.nlm\.nih\.gov/pubmed/)(\d{1,9})\b", re.I)
_LABELLED_PMID = re.compile(r"\b(?:pmid|pubmed(?: pmid| id)?|medline)\s?[:=]\s?([1-9]\d{0,8})\b", re.I)
_PMC_ADDRESS = re.compile(r"/(?:pmc/)?articles/(PMC\d{1,10})\b", re.I)
_DOI_WITHIN = re.compile(r"\b10\.\d{4,9}/\S{1,200}")
_NOTICE = re.compile(
    r"^(Retraction in|Retraction of|Erratum in|Erratum for|Expression of concern in|Expression of concern for|"
    r"Comment in|Comment on|Republished in|Republished from|Update in|Update of|Retracted and republished in|"
    r"Corrected and republished in|Partial retraction in)\s*:?\s*(.*)$",
    re.I,
)
_SPELLING = {
    name.lower(): name
    for line in (
        "RetractionIn RetractionOf ErratumIn ErratumFor ExpressionOfConcernIn ExpressionOfConcernFor CommentIn",
        "CommentOn RepublishedIn RepublishedFrom UpdateIn UpdateOf RetractedandRepublishedIn",
        "CorrectedandRepublishedIn PartialRetractionIn",
    )
    for name in line.split()
}
_ISSN = re.compile(r"\b(\d{4})-?(\d{3}[\dXx])\b")
_LANGUAGES = {
    "english": "eng", "german": "ger", "french": "fre", "spanish": "spa", "italian": "ita", "portuguese": "por",
    "chinese": "chi", "japanese": "jpn", "korean": "kor", "russian": "rus", "polish": "pol", "turkish": "tur",
    "dutch": "dut", "persian": "per", "czech": "cze", "en": "eng", "de": "ger", "fr": "fre", "es": "spa",
}  # fmt: skip


def pmid_in_address(value: str) -> int | None:
    """The PMID in an address of PubMed."""
    found = _PUBMED_ADDRESS.search(value)
    return identifiers.pmid(found[1]) if found else None


def labelled_pmid(value: str) -> int | None:
    """The number that says it is a PMID, as `PMID: 123`; a notice names another report's."""
    found = None if _NOTICE.match(value) else _LABELLED_PMID.search(value[:2000])
    return identifiers.pmid(found[1]) if found else None


def pmcid_of(value: str) -> str:
    """A PMCID as such or in an address of PMC, else an empty string."""
    found = _PMC_ADDRESS.search(value)
    return identifiers.pmcid(found[1] if found else value)


def notice_of(value: str) -> Relation | None:
    """`Retraction in: …` as a relation of PubMed's kind; None where the text is no notice."""
    found = _NOTICE.match(value)
    if not found:
        return None
    text = found[2]
    number, name = _LABELLED_PMID.search(text), _DOI_WITHIN.search(text)
    return Relation(
        _SPELLING[re.sub(r"\s+", "", found[1]).lower()],
        text,
        identifiers.pmid(number[1]) if number else None,
        doi=identifiers.doi(name[0]) if name else "",
    )


def issns_in(values: Iterable[str]) -> tuple[str, ...]:
    """Every ISSN with its hyphen, each once."""
    return tuple(dict.fromkeys(f"{a}-{b.upper()}" for value in values for a, b in _ISSN.findall(value)))


def language_code(value: str) -> str:
    """MEDLINE's code of a language; one it does not know stays as written."""
    return _LANGUAGES.get(value.lower(), value.lower())
