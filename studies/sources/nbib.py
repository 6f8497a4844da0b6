"""MEDLINE's tagged text (`.nbib`), as PubMed's "Cite" and "Save" buttons write it."""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from studies import identifiers
from studies.sources.dates import calendar_day, partial_date
from studies.sources.pubmed_parts import BrokenRecord, Ids
from studies.sources.pubmed_xml import kind_of
from studies.sources.record import (
    Author,
    Coded,
    DataBank,
    Grant,
    Keyword,
    MeshHeading,
    OtherAbstract,
    OtherId,
    Reading,
    Record,
    Rejection,
    Relation,
    Section,
    Substance,
)
from studies.sources.text_stream import clean
from studies.terms import ReportKind

_LINE = re.compile(r"([A-Z][A-Z0-9]{1,3}) *- ?(.*)")
_LONGEST = 200_000  # lines of one record; longer is a file gone wrong
_PMID_AT_END = re.compile(r"PMID:?\s*([1-9]\d{0,8})")
_DOI_WITHIN = re.compile(r"\bdoi:?\s*(10\.\d{4,9}/\S+)", re.I)
_SUFFIXES = frozenset({"Jr", "Sr", "2nd", "3rd", "4th", "5th", "6th", "II", "III", "IV"})
_STAMP = re.compile(r"(\d{4})[/ ]?(\d{2})[/ ]?(\d{2})")
RELATIONS = {
    "CIN": "CommentIn", "CON": "CommentOn", "EIN": "ErratumIn", "EFR": "ErratumFor",
    "CRI": "CorrectedandRepublishedIn", "CRF": "CorrectedandRepublishedFrom",
    "ECI": "ExpressionOfConcernIn", "ECF": "ExpressionOfConcernFor",
    "PRIN": "PartialRetractionIn", "PROF": "PartialRetractionOf",
    "RPI": "RepublishedIn", "RPF": "RepublishedFrom", "RIN": "RetractionIn", "ROF": "RetractionOf",
    "RRI": "RetractedandRepublishedIn", "RRF": "RetractedandRepublishedFrom",
    "UIN": "UpdateIn", "UOF": "UpdateOf", "SPIN": "SummaryForPatientsIn", "ORI": "OriginalReportIn",
    "DDIN": "AssociatedDataset", "DRIN": "AssociatedPublication",
}  # fmt: skip

Tags = list[tuple[str, str]]


def read(lines: Iterable[str], reading: Reading) -> Iterator[Record]:
    """Every record; one that cannot be read is noted with its line and the rest goes on."""
    for line, tags in blocks(lines):
        pmid = next((value for tag, value in tags if tag == "PMID"), "")
        try:
            record = _record(tags)
        except ValueError as error:
            reading.rejections.append(Rejection(f"line {line}", pmid[:40], str(error)))
            continue
        reading.n_read += 1
        yield record


def blocks(lines: Iterable[str]) -> Iterator[tuple[int, Tags]]:
    """(first line, [(tag, value)]) of each record: a blank line or a new PMID ends one."""
    tags: list[tuple[str, list[str]]] = []
    start = 0
    for number, raw in enumerate(lines, start=1):
        line = raw.lstrip("\ufeff").rstrip()
        found = _LINE.match(line) if line[:1].isupper() else None
        if tags and (not line or (found and found[1] == "PMID") or len(tags) > _LONGEST):
            yield start, joined(tags)
            tags = []
        if found:
            start = start if tags else number
            tags.append((found[1], [found[2]]))
        elif tags and line:
            tags[-1][1].append(line)
    if tags:
        yield start, joined(tags)


def joined(tags: list[tuple[str, list[str]]]) -> Tags:
    """Each value in one line; joined once, so that a million continuation lines cost no more than a million."""
    return [(tag, clean(" ".join(lines))) for tag, lines in tags]


def _record(tags: Tags) -> Record:
    every: dict[str, list[str]] = {}
    for tag, value in tags:
        every.setdefault(tag, []).append(value)
    first = {tag: values[0] for tag, values in every.items()}
    pmid = identifiers.pmid(first.get("PMID", ""))
    if pmid is None:
        text = first.get("PMID", "")
        raise BrokenRecord(f'its PMID "{text[:40]}" is not a number' if text else "it has no PMID")
    ids = _ids(pmid, every)
    types = tuple(Coded(name) for name in every.get("PT", ()))
    relations = tuple(_relation(RELATIONS[tag], value) for tag, value in tags if tag in RELATIONS)
    book = first.get("BTI", "")
    return Record(
        pmid=pmid,
        pmcid=ids.pmcid,
        doi=ids.doi,
        other_ids=tuple(ids.others),
        kind=ReportKind.BOOK.value if book else kind_of(types, relations),
        title=first.get("TI") or book,
        book_title=book,
        publisher=first.get("PB", "") if book else "",
        vernacular_title=first.get("TT", ""),
        authors=_people(tags, "FAU", "AU"),
        authors_complete=not any(map(_is_et_al, every.get("AU", ()))),
        investigators=_people(tags, "FIR", "IR"),
        publication_types=types,
        relations=relations,
        **_words(first, every),
        **_place(first, every),
        **_when(first, every),
        **_lists(every),
    )


def _ids(pmid: int, every: dict[str, list[str]]) -> Ids:
    """ELocationID (LID) speaks before the article ids (AID), as in PubMed's XML."""
    ids = Ids(pmid)
    for value in [*every.get("LID", ()), *every.get("AID", ())]:
        text, kind = _typed(value)
        ids.add(kind or "pii", text)
    for value in every.get("PMC", ()):
        ids.add("pmc", value)
    for value in every.get("MID", ()):
        ids.add("mid", value)
    for value in every.get("OID", ()):
        source, _, text = value.partition(": ")
        ids.others[OtherId(source, text)] = None
    for value in every.get("ISBN", ()):
        ids.add("isbn", value)
    return ids


def _typed(value: str) -> tuple[str, str]:
    """`10.5555/x [doi]` as its text and its kind; without a kind in brackets the kind is empty."""
    text, bracket, kind = value.rpartition("[")
    return (text.strip(), kind[:-1]) if bracket and kind.endswith("]") else (value, "")


def _words(first: dict[str, str], every: dict[str, list[str]]) -> dict[str, Any]:
    languages = every.get("OABL", [])
    others = []
    for place, text in enumerate(every.get("OAB", ())):
        kind, colon, rest = text.partition(": ")
        language = languages[place] if place < len(languages) else "eng"
        named = bool(colon) and len(kind) < 40
        others.append(OtherAbstract(kind if named else "", language, (Section(rest if named else text),)))
    return {
        "abstract": (Section(first["AB"]),) if first.get("AB") else (),
        "abstract_copyright": first.get("CI", ""),
        "other_abstracts": tuple(others),
        "coi_statement": first.get("COIS", ""),
    }


def _place(first: dict[str, str], every: dict[str, list[str]]) -> dict[str, Any]:
    return {
        "journal": first.get("JT", ""),
        "journal_abbreviation": first.get("TA", ""),
        "issns": tuple(dict.fromkeys(value.split(" ")[0] for value in every.get("IS", ()))),
        "nlm_unique_id": first.get("JID", ""),
        "volume": first.get("VI", ""),
        "issue": first.get("IP", ""),
        "pages": first.get("PG", ""),
        "status": first.get("STAT", ""),
        "owner": first.get("OWN", "NLM"),
    }


def _when(first: dict[str, str], every: dict[str, list[str]]) -> dict[str, Any]:
    history = []
    for value in every.get("PHST", ()):
        text, kind = _typed(value)
        if kind and (day := _day(text)):
            history.append((kind, day.isoformat()))
    return {
        "published": partial_date(first.get("DP", "")),
        "electronic_on": _day(first.get("DEP", "")),
        "entered_on": _day(first.get("CRDT", "")) or _day(first.get("EDAT", "")) or _day(first.get("DA", "")),
        "revised_on": _day(first.get("LR", "")),
        "history": tuple(history),
    }


def _day(text: str) -> date | None:
    found = _STAMP.match(text)
    return calendar_day(found[1], found[2], found[3]) if found else None


def _lists(every: dict[str, list[str]]) -> dict[str, Any]:
    banks: dict[str, list[str]] = {}
    for value in every.get("SI", ()):
        name, _, accession = value.partition("/")
        banks.setdefault(name, []).extend([accession] if accession else [])
    owner = next(iter(every.get("OTO", ())), "")
    return {
        "languages": tuple(value.lower() for value in every.get("LA", ())),
        "mesh": tuple(_mesh(value) for value in every.get("MH", ())),
        "keywords": tuple(Keyword(text.lstrip("*"), owner, text.startswith("*")) for text in every.get("OT", ())),
        "substances": tuple(_substance(value) for value in every.get("RN", ())),
        "grants": tuple(dict.fromkeys(_grant(value) for value in every.get("GR", ()))),
        "databanks": tuple(DataBank(name, tuple(numbers)) for name, numbers in banks.items()),
    }


def _people(tags: Tags, full: str, short: str) -> tuple[Author, ...]:
    """Names in order; AUID and AD lines belong to the name above them, CN lines are groups between."""
    rows: list[dict[str, Any]] = []
    for tag, value in tags:
        if tag in (full, short) and _is_et_al(value):
            continue
        if tag == full or (tag == short and not (rows and rows[-1].get("wants") == short)):
            name = _full_name(value) if tag == full else _short_name(value)
            rows.append({**name, "affiliations": [], "wants": short if tag == full else ""})
        elif tag == short:
            # A name of several words without initials: its last word is no initials.
            is_last = value == rows[-1]["last"]
            rows[-1] |= {"initials": "" if is_last else _short_name(value)["initials"], "wants": ""}
        elif tag == "CN" and full == "FAU":
            rows.append({"collective": value, "affiliations": []})
        elif tag == "AUID" and rows and full == "FAU":
            rows[-1]["orcid"] = identifiers.orcid(value)
        elif tag == ("AD" if full == "FAU" else "IRAD") and rows:
            rows[-1]["affiliations"].append(value)
    return tuple(
        Author(**{k: tuple(v) if k == "affiliations" else v for k, v in row.items() if k != "wants"}) for row in rows
    )


def _is_et_al(value: str) -> bool:
    return value.strip(".").lower() == "et al"


def _full_name(value: str) -> dict[str, str]:
    """`Smith, John A Jr`."""
    last, _, given = value.partition(", ")
    fore, suffix = _suffix_apart(given)
    return {"last": last, "fore": fore, "suffix": suffix}


def _short_name(value: str) -> dict[str, str]:
    """`Smith JA Jr`."""
    name, suffix = _suffix_apart(value)
    last, _, initials = name.rpartition(" ")
    if last and len(initials) < 6:
        return {"last": last, "initials": initials, "suffix": suffix}
    return {"last": value, "initials": ""}


def _suffix_apart(text: str) -> tuple[str, str]:
    name, _, end = text.rpartition(" ")
    return (name, end) if name and end in _SUFFIXES else (text, "")


def _mesh(value: str) -> MeshHeading:
    """`Adipose Tissue/*cytology`: a star marks a major topic."""
    name, *rest = value.split("/")
    qualifiers = tuple(Coded(text.lstrip("*"), "", text.startswith("*")) for text in rest)
    major = name.startswith("*") or any(item.major for item in qualifiers)
    return MeshHeading(name.lstrip("*"), "", major, qualifiers)


def _substance(value: str) -> Substance:
    number, bracket, name = value.partition(" (")
    if not bracket or not name.endswith(")"):
        return Substance(value)
    return Substance(name[:-1], "", "" if number == "0" else number)


def _grant(value: str) -> Grant:
    """`number/acronym/agency/country`, old ones without country, some without acronym."""
    parts = [part.strip() for part in value.split("/")]
    if len(parts) >= 4:
        return Grant("/".join(parts[:-3]), *parts[-3:])
    if len(parts) == 3:
        is_acronym = len(parts[1]) <= 3 and parts[1].isupper()
        return Grant(*parts) if is_acronym else Grant(parts[0], "", parts[1], parts[2])
    if len(parts) == 2 and not any(char.isdigit() for char in parts[0]):
        return Grant("", "", parts[0], parts[1])
    return Grant(parts[0], "", parts[1] if len(parts) == 2 else "")


def _relation(kind: str, value: str) -> Relation:
    """`Lancet. 2019;1:2. doi: 10.… PMID: 123`: the text stays whole, the ids are read from it."""
    numbers = _PMID_AT_END.findall(value)
    found = _DOI_WITHIN.search(value)
    citation = _PMID_AT_END.sub("", value).strip(" .") + ("." if "PMID" in value else "")
    return Relation(
        kind,
        citation if numbers else value,
        int(numbers[-1]) if numbers else None,
        doi=identifiers.doi(found[1]) if found else "",
    )
