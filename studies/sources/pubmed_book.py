"""Books and chapters in PubMed's XML: they have no MedlineCitation."""

from typing import Any

from studies.sources import pubmed_parts as parts
from studies.sources.pubmed_parts import BrokenRecord, Element, Ids
from studies.sources.record import Author, Record
from studies.sources.xml_text import plain
from studies.terms import ReportKind


def book_record(element: Element) -> Record:
    """A chapter has a title of its own and the book's as `book_title`; a whole book has the same twice."""
    document, data = element.find("BookDocument"), element.find("PubmedBookData")
    if document is None:
        raise BrokenRecord("it has no BookDocument")
    pmid, version = parts.pmid_of(document.find("PMID"))
    ids = Ids(pmid)
    values: dict[str, Any] = {}
    book = document.find("Book")
    if book is not None:
        _read_book(book, ids, values)
    _read_document(document, ids, values)
    if data is not None:
        ids.add_list(data.find("ArticleIdList"))
        values["history"] = parts.history(data.find("History"))
        days = dict(values["history"])
        if day := days.get("entrez") or days.get("pubmed"):
            values["entered_on"] = parts.date.fromisoformat(day)
    values.setdefault("title", values.get("book_title", ""))
    return Record(
        pmid=pmid,
        pmid_version=version,
        pmcid=ids.pmcid,
        doi=ids.doi,
        other_ids=tuple(ids.others),
        kind=ReportKind.BOOK.value,
        owner="NLM",
        **values,
    )


def _read_book(book: Element, ids: Ids, values: dict[str, Any]) -> None:
    values["authors"] = _contributors(book.iterchildren("AuthorList"))
    for part in book:
        tag = part.tag
        if tag == "BookTitle":
            values["book_title"] = plain(part)
        elif tag == "Publisher":
            values["publisher"] = plain(part.find("PublisherName"))
        elif tag == "PubDate":
            values["published"] = parts.publication_date(part)
        elif tag == "Volume":
            values["volume"] = plain(part)
        elif tag == "ELocationID" and part.get("ValidYN", "Y") == "Y":
            ids.add(part.get("EIdType", ""), plain(part))
        elif tag == "Isbn":
            ids.add("isbn", plain(part))
        elif tag == "ReportNumber":
            ids.add("report-number", plain(part))
        elif tag == "InvestigatorList":
            values["investigators"] = parts.people(part, "Investigator")


def _read_document(document: Element, ids: Ids, values: dict[str, Any]) -> None:
    keywords, types, languages = [], [], []
    for part in document:
        tag = part.tag
        if tag == "ArticleIdList":
            ids.add_list(part)
        elif tag == "ArticleTitle":
            values["title"] = plain(part) or values.get("book_title", "")
        elif tag == "VernacularTitle":
            values["vernacular_title"] = plain(part)
        elif tag == "Abstract":
            values["abstract"], values["abstract_copyright"] = parts.abstract(part)
        elif tag == "Pagination":
            values["pages"] = plain(part.find("MedlinePgn"))
        elif tag == "PublicationType":
            types.append(parts.coded(part))
        elif tag == "Language":
            languages.append(plain(part).lower())
        elif tag == "KeywordList":
            keywords.extend(parts.keywords(part))
        elif tag == "GrantList":
            values["grants"] = parts.grants(part)
        elif tag == "InvestigatorList":
            values["investigators"] = values.get("investigators", ()) + parts.people(part, "Investigator")
        elif tag == "DateRevised":
            values["revised_on"] = parts.day_of(part)
        elif tag == "ReferenceList":
            values["references"] = values.get("references", ()) + parts.references(part.iter("Reference"))
    if authors := _contributors(document.iterchildren("AuthorList")):
        values["authors"] = authors
    values |= {"keywords": tuple(keywords), "publication_types": tuple(types), "languages": tuple(languages)}


def _contributors(lists: Any) -> tuple[Author, ...]:
    """The authors; the editors only where there is nobody else."""
    authors: tuple[Author, ...] = ()
    editors: tuple[Author, ...] = ()
    for element in lists:
        if element.get("Type") == "editors":
            editors += parts.people(element)
        else:
            authors += parts.people(element)
    return authors or editors
