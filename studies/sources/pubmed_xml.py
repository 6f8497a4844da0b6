"""PubMed's XML: articles, books, bare MEDLINE citations and deletions, streamed into records."""

from collections.abc import Iterator
from dataclasses import replace
from typing import IO, Any

from studies import identifiers
from studies.sources import pubmed_parts as parts
from studies.sources.pubmed_book import book_record
from studies.sources.pubmed_parts import BrokenRecord, Element, Ids
from studies.sources.record import (
    Author,
    Coded,
    DataBank,
    MeshHeading,
    OtherAbstract,
    Reading,
    Record,
    Rejection,
    Relation,
    Substance,
)
from studies.sources.xml_stream import BrokenXML, elements
from studies.sources.xml_text import plain
from studies.terms import ReportKind

__all__ = ["BrokenXML", "read"]

_RECORD_LIMIT = 16_000_000  # bytes; the largest real records, lists of investigators, stay under 3 MB
_TAGS = ("PubmedArticle", "PubmedBookArticle", "MedlineCitation", "DeleteCitation", "DeleteDocument")
ROOTS = frozenset(
    {"PubmedArticleSet", "PubmedBookArticleSet", "MedlineCitationSet", "PubmedArticle", "PubmedBookArticle"}
    | {"MedlineCitation", "DeleteCitation", "DeleteDocument"}
)
_PREPRINT = frozenset({"D000076942", "preprint"})
_NOTICE = frozenset(
    {"D016440", "D016425", "retraction of publication", "retraction notice", "published erratum"}
    | {"D000075742", "expression of concern"}
)
_MEETING = frozenset({"meeting abstract", "meeting abstracts"})
# A paper that was retracted and printed anew carries the notice's publication type but is the paper itself.
_REPUBLICATIONS = frozenset({"RetractedandRepublishedFrom", "CorrectedandRepublishedFrom"})


def read(stream: IO[bytes], reading: Reading) -> Iterator[Record]:
    """Every record of a PubMed document in constant memory.

    A record that cannot be read is noted in `reading` and skipped; BrokenXML is raised where the document itself
    fails, after the good records before that place.
    """
    for element in elements(stream, _TAGS, ROOTS, reading, _RECORD_LIMIT):
        if element.tag in {"DeleteCitation", "DeleteDocument"}:
            numbers = (identifiers.pmid(plain(item)) for item in element.iter("PMID"))
            reading.deleted_pmids.extend(number for number in numbers if number)
            continue
        try:
            record = _record(element)
        except ValueError as error:
            reading.rejections.append(_rejection(element, reading, error))
            continue
        reading.n_read += 1
        yield record


def _rejection(element: Element, reading: Reading, error: ValueError) -> Rejection:
    place = reading.n_read + len(reading.rejections) + 1
    pmid = next((plain(item) for item in element.iter("PMID")), "")
    reason = str(error) if isinstance(error, BrokenRecord) else f"a value cannot be read ({error})"
    return Rejection(f"record {place}", pmid[:40], reason)


def _record(element: Element) -> Record:
    if element.tag == "PubmedBookArticle":
        return book_record(element)
    citation, data = element, None
    if element.tag == "PubmedArticle":
        found = element.find("MedlineCitation")
        if found is None:
            raise BrokenRecord("it has no MedlineCitation")
        citation, data = found, element.find("PubmedData")
    return _article(citation, data)


def _article(citation: Element, data: Element | None) -> Record:
    values: dict[str, Any] = {
        "status": citation.get("Status", ""),
        "owner": citation.get("Owner", "NLM"),
        "indexing_method": citation.get("IndexingMethod", ""),
    }
    pmid, version = parts.pmid_of(citation.find("PMID"))
    ids = Ids(pmid)
    keywords, abstracts, investigators = [], [], ()
    for part in citation:
        tag = part.tag
        if tag == "Article":
            _read_article(part, ids, values)
        elif tag == "MeshHeadingList":
            values["mesh"] = tuple(_mesh(item) for item in part if item.tag == "MeshHeading")
        elif tag == "KeywordList":
            keywords.extend(parts.keywords(part))
        elif tag == "OtherAbstract":
            abstracts.append(_other_abstract(part))
        elif tag == "InvestigatorList":
            investigators += parts.people(part, "Investigator")
        elif tag == "OtherID":
            ids.others[parts.OtherId(part.get("Source", ""), plain(part))] = None
        elif reader := _CITATION_PARTS.get(tag):
            reader(part, values)
    _read_data(data, ids, values)
    values.setdefault("entered_on", values.pop("created_on", None))
    return Record(
        pmid=pmid,
        pmid_version=version,
        pmcid=ids.pmcid,
        doi=ids.doi,
        other_ids=tuple(ids.others),
        kind=kind_of(values.get("publication_types", ()), values.get("relations", ())),
        keywords=tuple(keywords),
        other_abstracts=tuple(abstracts),
        investigators=investigators,
        **values,
    )


def _read_article(article: Element, ids: Ids, values: dict[str, Any]) -> None:
    languages, types, first_affiliation = [], [], ""
    for part in article:
        tag = part.tag
        if tag == "Language":
            languages.append(plain(part).lower())
        elif tag == "PublicationTypeList":
            types = [parts.coded(item) for item in part if item.tag == "PublicationType"]
        elif tag == "ELocationID":
            if part.get("ValidYN", "Y") == "Y":
                ids.add(part.get("EIdType", ""), plain(part))
        elif tag == "AuthorList":
            values["authors"] = values.get("authors", ()) + parts.people(part)
            values["authors_complete"] = part.get("CompleteYN", "Y") == "Y"
        elif tag == "Affiliation":  # before 1988 and in old exports: the first author's, beside the list
            first_affiliation = plain(part)
        elif tag == "ArticleDate":
            if part.get("DateType", "Electronic") == "Electronic":
                values["electronic_on"] = parts.day_of(part)
        elif reader := _ARTICLE_PARTS.get(tag):
            reader(part, values)
    values["languages"] = tuple(languages)
    values["publication_types"] = tuple(types)
    if first_affiliation:
        values["authors"] = _with_affiliation(values.get("authors", ()), first_affiliation)


def _with_affiliation(authors: tuple[Author, ...], line: str) -> tuple[Author, ...]:
    if not authors or authors[0].affiliations:
        return authors
    return (replace(authors[0], affiliations=(line,)), *authors[1:])


def _read_journal(journal: Element, values: dict[str, Any]) -> None:
    for part in journal:
        tag = part.tag
        if tag == "Title":
            values["journal"] = plain(part)
        elif tag == "ISOAbbreviation":
            values["journal_abbreviation"] = plain(part)
        elif tag == "ISSN":
            values["issns"] = (*values.get("issns", ()), plain(part))
        elif tag == "JournalIssue":
            for item in part:
                if item.tag == "Volume":
                    values["volume"] = plain(item)
                elif item.tag == "Issue":
                    values["issue"] = plain(item)
                elif item.tag == "PubDate":
                    values["published"] = parts.publication_date(item)


def _read_journal_info(info: Element, values: dict[str, Any]) -> None:
    for part in info:
        if part.tag == "NlmUniqueID":
            values["nlm_unique_id"] = plain(part)
        elif part.tag == "MedlineTA":
            if not values.get("journal_abbreviation"):
                values["journal_abbreviation"] = plain(part)
        elif part.tag == "ISSNLinking":
            issn = plain(part)
            if issn not in values.get("issns", ()):
                values["issns"] = (*values.get("issns", ()), issn)


def _read_pages(pagination: Element, values: dict[str, Any]) -> None:
    found = {part.tag: plain(part) for part in pagination}
    ends = [text for name in ("StartPage", "EndPage") if (text := found.get(name))]
    values["pages"] = found.get("MedlinePgn") or "-".join(ends)


def _read_abstract(element: Element, values: dict[str, Any]) -> None:
    values["abstract"], values["abstract_copyright"] = parts.abstract(element)


def _other_abstract(element: Element) -> OtherAbstract:
    sections, copyright_line = parts.abstract(element)
    return OtherAbstract(element.get("Type", ""), element.get("Language", "eng").lower(), sections, copyright_line)


def _mesh(heading: Element) -> MeshHeading:
    name = ui = ""
    major = False
    qualifiers = []
    for part in heading:
        is_major = part.get("MajorTopicYN") == "Y"
        major = major or is_major
        if part.tag == "DescriptorName":
            name, ui = plain(part), part.get("UI", "")
        elif part.tag == "QualifierName":
            qualifiers.append(parts.coded(part, is_major))
    return MeshHeading(name, ui, major, tuple(qualifiers))


def _read_substances(chemicals: Element, values: dict[str, Any]) -> None:
    found = []
    for chemical in chemicals:
        name = ui = number = ""
        for part in chemical:
            if part.tag == "RegistryNumber":
                number = plain(part)
            elif part.tag == "NameOfSubstance":
                name, ui = plain(part), part.get("UI", "")
        found.append(Substance(name, ui, "" if number == "0" else number))
    values["substances"] = tuple(found)


def _read_databanks(banks: Element, values: dict[str, Any]) -> None:
    found = []
    for bank in banks:
        name = next((plain(part) for part in bank if part.tag == "DataBankName"), "")
        found.append(DataBank(name, tuple(plain(item) for item in bank.iter("AccessionNumber"))))
    values["databanks"] = tuple(found)


def _read_relations(corrections: Element, values: dict[str, Any]) -> None:
    found = []
    for item in corrections:
        citation, pmid, note = "", None, ""
        for part in item:
            if part.tag == "RefSource":
                citation = plain(part)
            elif part.tag == "PMID":
                pmid = identifiers.pmid(plain(part))
            elif part.tag == "Note":
                note = plain(part)
        found.append(Relation(item.get("RefType", ""), citation, pmid, note))
    values["relations"] = tuple(found)


def _read_data(data: Element | None, ids: Ids, values: dict[str, Any]) -> None:
    """PubmedData: history, own ids, references. Some real records have none."""
    for part in data if data is not None else ():
        if part.tag == "History":
            values["history"] = parts.history(part)
            days = dict(values["history"])
            if day := days.get("entrez") or days.get("pubmed"):
                values["entered_on"] = parts.date.fromisoformat(day)
        elif part.tag == "ArticleIdList":
            ids.add_list(part)
        elif part.tag == "ReferenceList":
            values["references"] = values.get("references", ()) + parts.references(part.iter("Reference"))


def kind_of(types: tuple[Coded, ...], relations: tuple[Relation, ...]) -> str:
    """ReportKind from publication types; a notice speaks about another report, a republication is the report."""
    words = {word for item in types for word in (item.ui, item.name.lower())}
    if words & _NOTICE and not any(relation.kind in _REPUBLICATIONS for relation in relations):
        return ReportKind.NOTICE.value
    if words & _PREPRINT:
        return ReportKind.PREPRINT.value
    return ReportKind.ABSTRACT.value if words & _MEETING else ReportKind.ARTICLE.value


def _setter(name: str, read_value: Any) -> Any:
    def set_value(element: Element, values: dict[str, Any]) -> None:
        values[name] = read_value(element)

    return set_value


def _supplementary(element: Element) -> tuple[Coded, ...]:
    return tuple(parts.coded(item) for item in element if item.tag == "SupplMeshName")


_CITATION_PARTS = {
    "DateRevised": _setter("revised_on", parts.day_of),
    "DateCreated": _setter("created_on", parts.day_of),
    "MedlineJournalInfo": _read_journal_info,
    "ChemicalList": _read_substances,
    "SupplMeshList": _setter("supplementary_mesh", _supplementary),
    "CommentsCorrectionsList": _read_relations,
    "CoiStatement": _setter("coi_statement", plain),
}
_ARTICLE_PARTS = {
    "Journal": _read_journal,
    "ArticleTitle": _setter("title", plain),
    "VernacularTitle": _setter("vernacular_title", plain),
    "Pagination": _read_pages,
    "Abstract": _read_abstract,
    "DataBankList": _read_databanks,
    "GrantList": _setter("grants", parts.grants),
}
