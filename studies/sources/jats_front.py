"""The front matter of a JATS article: ids, titles, people, journal, abstracts, relations."""

from typing import Any

from lxml import etree

from studies import identifiers
from studies.sources.record import (
    Author,
    Coded,
    DataBank,
    Grant,
    Keyword,
    OtherAbstract,
    OtherId,
    Relation,
    Section,
)
from studies.sources.xml_text import plain

Element = etree._Element

_NOTES = frozenset({"fn", "xref", "fn-group"})
_PARTS = frozenset({"label", "sup", "fn", "xref"})
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_LANGUAGES = {
    "en": "eng", "de": "ger", "fr": "fre", "es": "spa", "it": "ita", "pt": "por", "zh": "chi", "ja": "jpn",
    "ko": "kor", "ru": "rus", "pl": "pol", "tr": "tur", "nl": "dut", "fa": "per", "cs": "cze", "uk": "ukr",
}  # fmt: skip
_TYPES = {
    "research-article": ("Journal Article", "D016428"),
    "review-article": ("Review", "D016454"),
    "systematic-review": ("Systematic Review", "D000078182"),
    "case-report": ("Case Reports", "D002363"),
    "letter": ("Letter", "D016422"),
    "editorial": ("Editorial", "D016421"),
    "article-commentary": ("Comment", "D016420"),
    "retraction": ("Retraction Notice", "D016440"),
    "correction": ("Published Erratum", "D016425"),
    "preprint": ("Preprint", "D000076942"),
    "expression-of-concern": ("Expression of Concern", ""),
}
# related-article-type as PubMed's RefType, from the article's point of view
_RELATIONS = {
    "retracted-article": "RetractionOf",
    "retraction-forward": "RetractionIn",
    "corrected-article": "ErratumFor",
    "correction-forward": "ErratumIn",
    "object-of-concern": "ExpressionOfConcernFor",
    "concern-forward": "ExpressionOfConcernIn",
    "commentary-article": "CommentOn",
    "commentary": "CommentIn",
    "updated-article": "UpdateOf",
    "update": "UpdateIn",
    "republished-article": "RepublishedFrom",
    "preprint": "UpdateOf",
}


def href(element: Element) -> str:
    """The value of xlink:href, whatever the prefix's address."""
    return next((value for name, value in element.items() if name.rpartition("}")[2] == "href"), "").strip()


def language_of(article: Element) -> str:
    code = article.get(_LANG, "").lower()[:2]
    return _LANGUAGES.get(code, "")


def ids(meta: Element) -> dict[str, Any]:
    """New files say `pmcid` = PMC123, older ones `pmc` = 123, the newest `pmcaid` = 123 beside it."""
    pmid, doi = None, ""
    pmcids: dict[str, str] = {}
    others: dict[OtherId, None] = {}
    for item in meta.iterfind("article-id"):
        kind, text = item.get("pub-id-type", ""), plain(item)
        if kind == "pmid" and pmid is None and identifiers.pmid(text):
            pmid = identifiers.pmid(text)
        elif kind == "doi" and not doi and identifiers.doi(text):
            doi = identifiers.doi(text)
        elif kind in {"pmcid", "pmc", "pmcaid", "pmc-uid"} and kind not in pmcids:
            pmcids[kind] = identifiers.pmcid(text if text[:3].upper() == "PMC" else f"PMC{text}")
        elif text and kind not in {"pmid", "accession"}:  # OAI repeats them
            others[OtherId(kind, text)] = None
    number = next((pmcids[kind] for kind in ("pmcid", "pmc", "pmcaid", "pmc-uid") if pmcids.get(kind)), "")
    others |= {OtherId(kind, text): None for kind, text in pmcids.items() if text and text != number}
    return {"pmid": pmid, "pmcid": number, "doi": doi, "other_ids": tuple(others)}


def journal(meta: Element | None) -> dict[str, Any]:
    if meta is None:
        return {}
    short = {item.get("journal-id-type", ""): plain(item) for item in meta.iterfind("journal-id")}
    return {
        "journal": plain(next(meta.iter("journal-title"), None)),
        "journal_abbreviation": short.get("iso-abbrev") or short.get("nlm-ta", ""),
        "nlm_unique_id": short.get("nlm-journal-id", ""),
        "issns": tuple(dict.fromkeys(plain(item) for item in meta.iterfind("issn"))),
        "publisher": plain(meta.find("publisher/publisher-name")),
    }


def titles(meta: Element, language: str) -> dict[str, Any]:
    """Title with subtitle; an article in another language shows its English title, its own as the vernacular."""
    own = _title(meta.find("title-group"), "article-title", "subtitle")
    values: dict[str, Any] = {"title": own, "languages": (language,) if language else ()}
    if language not in {"", "eng"}:
        for group in meta.iterfind("title-group/trans-title-group"):
            english = _title(group, "trans-title", "trans-subtitle")
            if group.get(_LANG, "").lower().startswith("en") and english:
                values |= {"title": english, "vernacular_title": own}
    return values


def _title(group: Element | None, name: str, below: str) -> str:
    if group is None:
        return ""
    main, sub = plain(group.find(name), _NOTES), plain(group.find(below), _NOTES)
    return f"{main.rstrip(':')}: {sub}" if main and sub else main or sub


def abstracts(meta: Element) -> tuple[tuple[Section, ...], tuple[OtherAbstract, ...]]:
    """The article's abstract in sections; graphical, short and translated ones beside it."""
    main: tuple[Section, ...] = ()
    others = []
    for element in (*meta.iterfind("abstract"), *meta.iterfind("trans-abstract")):
        sections = tuple(_abstract_sections(element))
        kind = element.get("abstract-type", "")
        if not main and element.tag == "abstract" and kind in {"", "structured", "section"}:
            main = sections
        elif sections:
            language = _LANGUAGES.get(element.get(_LANG, "").lower()[:2], "eng")
            others.append(OtherAbstract(kind or "translated", language, sections))
    return main, tuple(others)


def _abstract_sections(element: Element) -> list[Section]:
    sections, loose = [], []
    for part in element:
        if part.tag == "sec":
            label = plain(part.find("title"), _NOTES).rstrip(":. ")
            text = " ".join(plain(item) for item in part if item.tag not in {"title", "label"})
            sections.append(Section(text, label))
        elif part.tag not in {"title", "label", "object-id"}:
            loose.append(plain(part))
    text = " ".join(line for line in loose if line)
    return [section for section in [Section(text), *sections] if section.text]


def authors(meta: Element, article: Element) -> tuple[tuple[Author, ...], bool]:
    """Authors in order, groups among them; editors and the members inside a group are left out."""
    places = {item.get("id", ""): plain(item, _PARTS) for item in meta.iter("aff")}
    found, complete = [], True
    for group in meta.iterfind("contrib-group"):
        shared = [plain(item, _PARTS) for item in group.iterfind("aff")]
        for person in group:
            if person.tag == "contrib" and person.get("contrib-type", "author") == "author":
                found.extend(_author(person, places, shared))
            elif person.tag == "on-behalf-of":
                found.append(Author(collective=plain(person)))
            elif person.tag == "etal":
                complete = False
    return tuple(found), complete


def _author(person: Element, places: dict[str, str], shared: list[str]) -> list[Author]:
    name = next(person.iter("name", "string-name"), None)
    group = person.find("collab")
    if group is not None and (name is None or name in group.iter("name", "string-name")):
        text = plain(group, frozenset({"contrib-group", "xref", "fn"}))
        return [Author(collective=text)] if text else []
    if name is None:
        return []
    last, fore = plain(name.find("surname")), plain(name.find("given-names"))
    if not (last or fore):
        last = plain(name)
    codes = " ".join(item.get("rid", "") for item in person.iterfind("xref") if item.get("ref-type") == "aff")
    lines = [places[code] for code in codes.split() if places.get(code)]
    lines += [plain(item, _PARTS) for item in person.iterfind("aff")]
    ids = (item for item in person.iterfind("contrib-id") if item.get("contrib-id-type") == "orcid")
    author = Author(
        last=last,
        fore=fore,
        initials="".join(word[0] for word in fore.replace("-", " ").replace(".", " ").split()),
        suffix=plain(name.find("suffix")),
        orcid=next((number for item in ids if (number := identifiers.orcid(plain(item)))), ""),
        affiliations=tuple(dict.fromkeys(lines or shared)),
        equal_contribution=person.get("equal-contrib") == "yes",
    )
    return [author] if author.last or author.fore else []


def keywords(meta: Element) -> tuple[Keyword, ...]:
    found = {}
    for group in meta.iterfind("kwd-group"):
        if "abbreviation" not in group.get("kwd-group-type", ""):
            for item in group.iter("kwd"):
                if text := plain(item):
                    found[Keyword(text)] = None
    return tuple(found)


def grants(meta: Element) -> tuple[Grant, ...]:
    found = {}
    for group in meta.iter("award-group"):
        agency = plain(next(group.iter("institution"), None)) or plain(group.find("funding-source"))
        for number in [plain(item) for item in group.iterfind("award-id")] or [""]:
            found[Grant(number=number, agency=agency)] = None
    return tuple(found)


def databanks(meta: Element) -> tuple[DataBank, ...]:
    """Registrations the publisher marked as the article's own (`related-object`), by registry."""
    found: dict[str, list[str]] = {}
    for item in meta.iter("related-object"):
        if number := identifiers.registry_id(item.get("document-id") or plain(item)):
            found.setdefault(number.registry, []).append(number.number)
    return tuple(DataBank(name, tuple(dict.fromkeys(numbers))) for name, numbers in found.items())


def relations(meta: Element) -> tuple[Relation, ...]:
    found = []
    for item in meta.iterfind("related-article"):
        kind = item.get("related-article-type", "")
        target, text = href(item), plain(item)
        linked = item.get("ext-link-type", "")
        pmid = identifiers.pmid(target) if linked in {"pmid", "pubmed"} else None
        found.append(Relation(_RELATIONS.get(kind, kind), text or target, pmid, doi=identifiers.doi(target)))
    return tuple(found)


def publication_types(article_type: str) -> tuple[Coded, ...]:
    return (Coded(*_TYPES[article_type]),) if article_type in _TYPES else ()
