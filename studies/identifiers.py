"""PMID, PMCID, DOI and trial registry numbers: recognise, normalise, link out. Pure text, no database."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

# Every repetition is bounded: these patterns meet hostile files.
_PMID = re.compile(r"(?:pmid\s{0,3}:?\s{0,3})?([1-9]\d{0,8})", re.I | re.A)
_PMCID = re.compile(r"(?:pmcid\s{0,3}:?\s{0,3})?pmc\s{0,3}:?\s{0,3}0{0,9}([1-9]\d{0,9})(?:\.\d{1,3})?", re.I | re.A)
_DOI_PREFIX = re.compile(
    r"(?:doi\s{0,3}:?\s{0,3})?(?:https?://)?(?:(?:dx\.|www\.)?doi\.org/)?(?:doi\s{0,3}:?\s{0,3})?", re.I
)
_DOI = re.compile(r"10\.\d{4,9}(?:\.\d{1,9})*/[^\s\x00-\x1f\x7f]{1,290}", re.A)
_ORCID = re.compile(r"(?<!\d)(\d{4})-?(\d{4})-?(\d{4})-?(\d{3}[\dX])(?!\d)", re.I | re.A)

# The 17 registries, CTIS before EudraCT since one begins like the other. Neighbouring letters or digits forbid a hit.
# ReBEC, IRCT and ChiCTR must hold a digit (or, ReBEC, no vowel), so that `RBR-control` is a word and no number.
_REGISTRY_PATTERNS: tuple[tuple[str, str], ...] = (
    ("NCT", r"NCT[\s#:\u2010-\u2013-]{0,2}\d{8}"),
    ("ISRCTN", r"ISRCTN[\s-]?\d{8}"),
    ("ACTRN", r"ACTRN[\s-]?\d{14}"),
    ("DRKS", r"DRKS[\s-]?\d{8}"),
    ("CTRI", r"CTRI/\d{4}/\d{2,3}/\d{6}"),
    ("PACTR", r"PACTR[\s-]?\d{15}"),
    ("RPCEC", r"RPCEC[\s-]?\d{8}"),
    ("TCTR", r"TCTR[\s-]?\d{11}"),
    ("SLCTR", r"SLCTR/\d{4}/\d{3}"),
    ("ITMCTR", r"ITMCTR[\s-]?\d{10}"),
    ("UMIN", r"UMIN(?:-CTR)?[\s-]?\d{9}"),
    ("jRCT", r"jRCT\s?[a-z]?\d{9,10}"),
    ("RBR", r"RBR(?:-?(?=[a-z]{0,7}\d)[a-z0-9]{6,8}|-[b-df-hj-np-tv-z]{6,8})"),
    ("IRCT", r"IRCT\s?(?=[a-z]{0,4}\d)[a-z0-9]{10,20}"),
    ("ChiCTR", r"ChiCTR(?:\s\d{8,10}|(?=[-a-z]{0,12}\d)[-a-z0-9]{4,19}[a-z0-9])"),
    ("CTIS", r"(?:CTIS)?(?<!\d-)20\d{2}-\d{6}-\d{2}-\d{2}(?!-\d)"),
    ("EudraCT", r"(?:EUCTR|EudraCT)?(?<!\d-)20\d{2}-\d{6}-\d{2}(?!-\d)"),
)
_REGISTRY = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    + "|".join(f"(?P<r{i}>{pattern})" for i, (_, pattern) in enumerate(_REGISTRY_PATTERNS))
    + r")(?![A-Za-z0-9])",
    re.I | re.A,
)
# What every registration number has in it: seventeen patterns over each abstract cost more than its parsing.
_MAY_HOLD_A_NUMBER = re.compile(r"\d{5}|SLCTR|RBR", re.I)
_REGISTRY_URLS = {
    "NCT": "https://clinicaltrials.gov/study/{}",
    "ISRCTN": "https://www.isrctn.com/{}",
    "ACTRN": "https://anzctr.org.au/{}.aspx",
    "DRKS": "https://drks.de/search/en/trial/{}",
    "EudraCT": "https://www.clinicaltrialsregister.eu/ctr-search/search?query={}",
    "CTIS": "https://euclinicaltrials.eu/ctis-public/view/{}",
    "jRCT": "https://jrct.mhlw.go.jp/en-latest-detail/{}",
}


@dataclass(frozen=True, slots=True, order=True)
class RegistryId:
    """One registration number: `registry` is a value of terms.Registry, `number` its canonical spelling."""

    registry: str
    number: str

    @property
    def url(self) -> str:
        """The registration's page, or WHO's search where the registry has no address of its own."""
        template = _REGISTRY_URLS.get(self.registry, "https://trialsearch.who.int/Trial2.aspx?TrialID={}")
        return template.format(self.number)


def pmid(text: str) -> int | None:
    """The number in `text` if the whole of it is a PMID."""
    text = text.strip()
    if text.isdigit() and text.isascii():  # by far the commonest, and four times as fast
        return int(text) if len(text) < 10 and text[0] != "0" else None
    match = _PMID.fullmatch(text)
    return int(match[1]) if match else None


def pmcid(text: str) -> str:
    """`PMC123` if the whole of `text` is a PMCID with its letters, else an empty string."""
    match = _PMCID.fullmatch(text.strip())
    return f"PMC{match[1]}" if match else ""


def doi(text: str) -> str:
    """The DOI in lower case without a resolver's address or closing punctuation, else an empty string."""
    text = text.strip()
    if not text or len(text) > 400:
        return ""
    if not text.startswith("10."):
        prefix = _DOI_PREFIX.match(text)
        text = text[prefix.end() :] if prefix else text
        if "%" in text and "/" in (prefix[0] if prefix else ""):
            text = unquote(text)
    match = _DOI.fullmatch(_without_closing(text))
    return match[0].lower() if match else ""


def _without_closing(text: str) -> str:
    """Drops a full stop or quotation mark at the end, and a bracket that was opened before the DOI."""
    while text:
        last = text[-1]
        opening = {")": "(", "]": "[", ">": "<", "}": "{"}.get(last)
        if not (last in ".,;:\"'" or (opening and text.count(last) > text.count(opening))):
            break
        text = text[:-1]
    return text


def orcid(text: str) -> str:
    """`0000-0002-1825-0097` if the sixteen characters and the check digit are right, else an empty string."""
    match = _ORCID.search(text.strip())
    if not match:
        return ""
    digits = "".join(match.groups()).upper()
    total = 0
    for digit in digits[:-1]:
        total = (total + int(digit)) * 2
    check = (12 - total % 11) % 11
    if ("X" if check == 10 else str(check)) != digits[-1]:
        return ""
    return "-".join(digits[i : i + 4] for i in range(0, 16, 4))


def registry_ids(text: str) -> Iterator[tuple[RegistryId, int, int]]:
    """Every registration number in `text` with its start and end offset, in order, repeats included."""
    if not _MAY_HOLD_A_NUMBER.search(text):
        return
    for match in _REGISTRY.finditer(text):
        index = int(match.lastgroup[1:])  # type: ignore[index]
        yield RegistryId(*_canonical(_REGISTRY_PATTERNS[index][0], match[0])), match.start(), match.end()


def registry_id(text: str) -> RegistryId | None:
    """The registration number if the whole of `text` is one."""
    text = text.strip()
    found = next(registry_ids(text), None)
    return found[0] if found and (found[1], found[2]) == (0, len(text)) else None


def _canonical(registry: str, text: str) -> tuple[str, str]:
    """The registry with the number as the registry itself writes it."""
    number = re.sub(r"\s", "", text)
    if registry in {"CTRI", "SLCTR", "IRCT"}:
        return registry, number.upper()
    if registry in {"CTIS", "EudraCT"}:
        return registry, number[re.search("20", number).start() :]  # type: ignore[union-attr]
    if registry == "jRCT":
        return registry, "jRCT" + number[4:].lower()
    if registry == "ChiCTR":
        return registry, "ChiCTR" + number[6:].upper()
    if registry == "RBR":
        return registry, "RBR-" + number[3:].lstrip("-").lower()
    return registry, registry + re.sub(r"\D", "", number)


def pubmed_url(number: int) -> str:
    return f"https://pubmed.ncbi.nlm.nih.gov/{number}/"


def pmc_url(number: str) -> str:
    return f"https://pmc.ncbi.nlm.nih.gov/articles/{number}/"


def doi_url(name: str) -> str:
    return f"https://doi.org/{name}"
