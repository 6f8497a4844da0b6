"""Every real record beside the checkout is read whole, counted against an XPath of its own."""

import gzip
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from Bio import Medline
from lxml import etree

from studies import identifiers
from studies.actions.report_values import Said
from studies.sources import jats, pubmed_xml
from studies.sources.files import open_records
from studies.sources.record import Reading, Record

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the real records are not beside this checkout")
LIMIT = 200_000_000
EFETCH = ("efetch", "kelp_paper", "35885307", "pubmed_efetch")


def _files(folder: str, *endings: str) -> list[Path]:
    found = sorted((DATA / folder).iterdir()) if (DATA / folder).is_dir() else []
    return [path for path in found if path.name.endswith(endings)]


def _pubmed_files() -> list[Path]:
    answers = [
        path
        for path in _files("eutils_responses", ".xml")
        if any(word in path.name for word in EFETCH) and "pmc" not in path.name
    ]
    return _files("pubmed_xml", ".xml", ".xml.gz") + _files("pubmed_versions", ".xml") + answers


def _bytes(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def _read(path: Path) -> tuple[list[Record], Reading]:
    reading = Reading()
    return list(open_records(path, path.name, reading, LIMIT)), reading


def _originals(path: Path) -> Iterator[etree._Element]:
    parser = etree.XMLParser(no_network=True, load_dtd=False, resolve_entities=False)
    root = etree.fromstring(_bytes(path), parser)
    yield from root.xpath("/*/PubmedArticle | /*/PubmedBookArticle | /*/MedlineCitation")


def _texts(element: etree._Element, path: str) -> list[str]:
    return [" ".join("".join(item.itertext()).split()) for item in element.xpath(path)]


OWN = "(PubmedData|PubmedBookData|BookDocument)/ArticleIdList/ArticleId"
ELOCATION = ".//ELocationID[not(@ValidYN='N')][not(ancestor::ReferenceList)]"
CITATION = "descendant-or-self::MedlineCitation"


@pytest.mark.parametrize("path", _pubmed_files(), ids=lambda path: path.name)
def test_pubmed_records_keep_all_that_pubmed_says(path: Path) -> None:
    records, reading = _read(path)

    originals = list(_originals(path))
    assert (len(records), reading.rejections) == (len(originals), [])
    for record, original in zip(records, originals, strict=True):
        _compare_ids(record, original)
        _compare_words(record, original)
        _compare_lists(record, original)


def _compare_ids(record: Record, original: etree._Element) -> None:
    said = Counter()
    for item in original.xpath(f"{OWN} | {ELOCATION}"):
        kind, text = item.get("IdType") or item.get("EIdType"), "".join(item.itertext()).strip()
        said[(kind, text.lower() if kind == "doi" else text)] += 1
    kept = {("pubmed", str(record.pmid)), ("doi", record.doi), ("pmc", record.pmcid)}
    kept |= {(item.kind, item.value.lower() if item.kind == "doi" else item.value) for item in record.other_ids}
    missing = {
        (kind, text)
        for kind, text in said
        if (kind, text) not in kept and ("doi", identifiers.doi(text)) not in kept and not text.endswith(record.pmcid)
    }
    assert not missing, record.pmid
    assert str(record.pmid) == _texts(original, f"({CITATION}|BookDocument)/PMID")[0]


def _compare_words(record: Record, original: etree._Element) -> None:
    abstracts = _texts(original, f"{CITATION}/Article/Abstract/AbstractText | BookDocument/Abstract/AbstractText")
    assert len(record.abstract) == len([text for text in abstracts if text]), record.pmid
    for section, text in zip(record.abstract, [text for text in abstracts if text], strict=True):
        assert len(section.text) >= 0.9 * len(re.sub(r"\s+", " ", text)), record.pmid
    titles = _texts(original, f"{CITATION}/Article/ArticleTitle | BookDocument/ArticleTitle")
    assert bool(record.title) == bool(titles[0] if titles else _texts(original, ".//BookTitle")[0])
    assert "<" not in record.title or "&lt;" in etree.tostring(original, encoding="unicode")
    assert record.published is not None
    assert str(record.published.year) in "".join(_texts(original, ".//PubDate")[0])


def _compare_lists(record: Record, original: etree._Element) -> None:
    headings = original.xpath(f"{CITATION}/MeshHeadingList/MeshHeading")
    assert [(item.name, item.ui, item.major) for item in record.mesh] == [
        (
            _texts(item, "DescriptorName")[0],
            *(item.xpath("DescriptorName/@UI") or [""]),
            bool(item.xpath("*[@MajorTopicYN='Y']")),
        )
        for item in headings
    ], record.pmid
    assert [[q.name for q in item.qualifiers] for item in record.mesh] == [
        _texts(item, "QualifierName") for item in headings
    ]
    types = _texts(original, f"{CITATION}/Article/PublicationTypeList/PublicationType | BookDocument/PublicationType")
    assert [item.name for item in record.publication_types] == types
    accessions = _texts(original, f"{CITATION}/Article/DataBankList//AccessionNumber")
    assert [number for bank in record.databanks for number in bank.accessions] == accessions
    notices = [
        (item.get("RefType"), *_texts(item, "PMID")[:1]) for item in original.xpath(f"{CITATION}//CommentsCorrections")
    ]
    assert [(item.kind, *([str(item.pmid)] if item.pmid else [])) for item in record.relations] == notices
    assert len(record.references) == len(original.xpath(".//ReferenceList/Reference")), record.pmid
    assert len(record.substances) == len(original.xpath(f"{CITATION}/ChemicalList/Chemical"))
    keywords = [text for text in _texts(original, ".//KeywordList/Keyword") if text]
    assert [_letters(item.text) for item in record.keywords] == [_letters(text) for text in keywords]
    groups = _texts(original, f"{CITATION}/Article/AuthorList/Author[not(@ValidYN='N')]/CollectiveName")
    if record.kind != "book":
        assert [person.collective for person in record.authors if person.collective] == groups
        names = _texts(original, f"{CITATION}/Article/AuthorList/Author[not(@ValidYN='N')]/LastName")
        assert [person.last for person in record.authors if person.last] == names


def _letters(text: str) -> str:
    """Without the signs that raised and lowered text is kept by."""
    return re.sub(r"[\^_{}\s]", "", unicodedata.normalize("NFKC", text))


@pytest.mark.parametrize("path", _files("medline_nbib", ".nbib", ".txt", ".medline"), ids=lambda path: path.name)
def test_medline_files_keep_every_record_and_field(path: Path) -> None:
    records, reading = _read(path)

    text = path.read_text(encoding="utf-8")
    assert len(records) == len(re.findall(r"^PMID- ", text, re.M))
    assert reading.rejections == []
    others = list(Medline.parse(text.replace("\r", "").splitlines(keepends=True)))
    for record, other in zip(records, others, strict=True):
        assert str(record.pmid) == other["PMID"]
        assert [item.name for item in record.publication_types] == other.get("PT", [])
        assert len(record.mesh) == len(other.get("MH", []))
        people = max(len(other.get("FAU", [])), len(other.get("AU", [])))  # some authors have a short name only
        assert len([person for person in record.authors if not person.collective]) == people
        assert sum(len(bank.accessions) for bank in record.databanks) == len(
            [x for x in other.get("SI", []) if "/" in x]
        )
        for tag, kind in (("RIN", "RetractionIn"), ("ROF", "RetractionOf"), ("ECF", "ExpressionOfConcernFor")):
            said = re.findall(rf"^{tag} *- ", _block(text, other["PMID"]), re.M)
            assert len([item for item in record.relations if item.kind == kind]) == len(said)


def _block(text: str, pmid: str) -> str:
    return re.split(r"^PMID- ", text.split(f"PMID- {pmid}", 1)[1], maxsplit=1, flags=re.M)[0]


@pytest.mark.parametrize("path", _files("ris_bib", ".ris") + _files("medline_nbib", ".ris"), ids=lambda path: path.name)
def test_ris_files_keep_every_reference_or_say_why_not(path: Path) -> None:
    records, reading = _read(path)

    blocks = re.split(r"^\ufeff?TY  -", path.read_text(encoding="utf-8-sig"), flags=re.M)[1:]
    assert len(records) + len(reading.rejections) == len(blocks)
    titled = [block for block in blocks if re.search(r"^(?:TI|T1|DO|UR)  - \S", block, re.M)]
    assert len(records) == len(titled)
    dois = [
        block
        for block in blocks
        if re.search(r"^DO  - (?:https?://dx\.doi\.org/|https?://doi\.org/)?10\.\d{4}", block, re.M)
    ]
    assert sum(1 for record in records if record.doi) >= len(dois)


def _jats_files() -> list[Path]:
    return _files("jats", ".nxml", ".xml") + [
        path for path in _files("eutils_responses", ".xml") if "PMC" in path.name or "pmc_efetch" in path.name
    ]


@pytest.mark.parametrize("path", _jats_files(), ids=lambda path: path.name)
def test_jats_articles_keep_their_ids_people_references_and_text(path: Path) -> None:
    reading = Reading()

    with path.open("rb") as stream:
        records = list(jats.read(stream, reading))

    root = etree.fromstring(path.read_bytes(), etree.XMLParser(no_network=True, resolve_entities=False))
    articles = root.xpath("descendant-or-self::*[local-name()='article']")
    assert (len(records), reading.rejections) == (len(articles), [])
    for record, article in zip(records, articles, strict=True):
        meta = "*[local-name()='front']/*[local-name()='article-meta']"
        own = _texts(article, f"{meta}/*[local-name()='article-id'][@pub-id-type='pmid']")
        assert str(record.pmid or "") == (own[0] if own else "")
        assert record.pmcid.startswith("PMC")
        assert record.title
        bodies = article.xpath("*[local-name()='body']")
        assert record.full_text is not None and record.full_text.has_body == bool(bodies)
        if bodies and record.full_text.licence:
            words = "".join(
                bodies[0].xpath(".//*[local-name()='p'][not(ancestor::*[local-name()='table-wrap'])]//text()")
            )
            kept = sum(len(text) for part in record.full_text.sections for text in (*part.paragraphs, *part.captions))
            assert kept > 0.8 * len(re.sub(r"\s+", " ", words)), record.pmcid
        else:
            assert record.full_text.sections == ()
        refs = article.xpath("*[local-name()='back']//*[local-name()='ref']")
        assert len(record.references) >= len(refs)


def test_successive_versions_of_one_record_have_different_digests_only_if_they_differ() -> None:
    groups: dict[str, list[str]] = {}
    for path in _files("pubmed_versions", ".xml"):
        for record in pubmed_xml.read(path.open("rb"), Reading()):
            groups.setdefault(path.name.split("_")[0], []).append(Said(record).digest)

    again = {
        path.name.split("_")[0]: Said(record).digest
        for path in _files("pubmed_versions", ".xml")
        for record in pubmed_xml.read(path.open("rb"), Reading())
    }

    assert groups
    for name, digests in groups.items():
        assert again[name] == digests[-1]
        assert len(set(digests)) > 1 or name in {"1", "25648772", "26158728", "27094199"}
