"""PMID, PMCID, DOI and trial registry numbers: recognise, normalise, link out. Pure text, no database."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_PMID = re.compile(r"^(?:pmid\s*:?\s*)?([1-9]\d{0,8})$", re.I)
_PMCID = re.compile(r"^(?:pmcid\s*:?\s*)?pmc\s*:?\s*0*([1-9]\d{0,9})(?:\.\d+)?$", re.I)
_DOI = re.compile(r"^(?:(?:https?://)?(?:dx\.)?doi\.org/|doi\s*:?\s*)?(10\.\d{4,9}/\S+)$", re.I)
_ORCID = re.compile(r"(\d{4})-?(\d{4})-?(\d{4})-?(\d{3}[\dX])", re.I)

# The 17 registries, CTIS before EudraCT since one begins like the other. Neighbouring letters or digits forbid a hit.
_REGISTRY_PATTERNS: tuple[tuple[str, str], ...] = (
    ("NCT", r"NCT[\s-]?\d{8}"),
    ("ISRCTN", r"ISRCTN\s?\d{8}"),
    ("ACTRN", r"ACTRN\s?\d{14}"),
    ("DRKS", r"DRKS\s?\d{8}"),
    ("CTRI", r"CTRI/\d{4}/\d{2,3}/\d{6}"),
    ("PACTR", r"PACTR\s?\d{15}"),
    ("RPCEC", r"RPCEC\s?\d{8}"),
    ("TCTR", r"TCTR\s?\d{11}"),
    ("SLCTR", r"SLCTR/\d{4}/\d{3}"),
    ("ITMCTR", r"ITMCTR\s?\d{10}"),
    ("UMIN", r"UMIN\s?\d{9}"),
    ("jRCT", r"jRCT\s?[a-z]?\d{9,10}"),
    ("RBR", r"RBR-?[A-Za-z0-9]{6,8}"),
    ("IRCT", r"IRCT[A-Za-z0-9]{10,20}"),
    ("ChiCTR", r"ChiCTR(?!s?\b)(?=[-A-Za-z]*\d)[-A-Za-z0-9]{5,20}"),
    ("CTIS", r"\d{4}-\d{6}-\d{2}-\d{2}"),
    ("EudraCT", r"\d{4}-\d{6}-\d{2}(?!-\d)"),
)
_REGISTRY = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    + "|".join(f"(?P<r{i}>{pattern})" for i, (_, pattern) in enumerate(_REGISTRY_PATTERNS))
    + r")(?![A-Za-z0-9])",
    re.I,
)
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
    match = _PMID.match(text)
    return int(match[1]) if match else None


def pmcid(text: str) -> str:
    """`PMC123` if the whole of `text` is a PMCID with its letters, else an empty string."""
    match = _PMCID.match(text.strip())
    return f"PMC{match[1]}" if match else ""


def doi(text: str) -> str:
    """The DOI in lower case without a resolver's address or a closing full stop, else an empty string."""
    match = _DOI.match(text.strip().rstrip(".,;"))
    return match[1].lower() if match else ""


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
    for match in _REGISTRY.finditer(text):
        index = int(match.lastgroup[1:])  # type: ignore[index]
        yield RegistryId(*_canonical(_REGISTRY_PATTERNS[index][0], match[0])), match.start(), match.end()


def registry_id(text: str) -> RegistryId | None:
    """The registration number if the whole of `text` is one."""
    text = text.strip()
    found = next(registry_ids(text), None)
    return found[0] if found and (found[1], found[2]) == (0, len(text)) else None


def _canonical(registry: str, text: str) -> tuple[str, str]:
    number = re.sub(r"\s", "", text)
    if registry == "NCT":
        return registry, "NCT" + number[-8:]
    if registry in {"jRCT", "ChiCTR"}:
        return registry, registry + number[len(registry) :]
    if registry == "RBR":
        return registry, "RBR-" + number[3:].lstrip("-").lower()
    return registry, number.upper()


def pubmed_url(number: int) -> str:
    return f"https://pubmed.ncbi.nlm.nih.gov/{number}/"


def pmc_url(number: str) -> str:
    return f"https://pmc.ncbi.nlm.nih.gov/articles/{number}/"


def doi_url(name: str) -> str:
    return f"https://doi.org/{name}"
