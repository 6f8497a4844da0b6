"""Uploaded files: every kind, dialect and encoding, and one clear sentence for all that cannot be read."""

import gzip
import io
import zipfile
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studies.sources.files import BrokenXML, Kind, UnreadableFile, open_records, recognise
from studies.sources.record import Author, Coded, DataBank, OtherId, Reading, Record, Relation

DATA = Path(__file__).resolve().parent.parent / "data"
PUBMED = (DATA / "pubmed" / "own_ids_and_reference_ids.xml").read_bytes()
NBIB = (DATA / "files" / "citations.nbib").read_bytes()
RIS = (DATA / "files" / "dialects.ris").read_bytes()
LIMIT = 5_000_000


def _read(body: bytes, name: str = "upload", limit: int = LIMIT) -> tuple[list[Record], Reading]:
    reading = Reading()
    return list(open_records(io.BytesIO(body), name, reading, limit)), reading


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (PUBMED, Kind.PUBMED_XML),
        (b"\xef\xbb\xbf" + PUBMED, Kind.PUBMED_XML),
        ((DATA / "jats" / "open_article.xml").read_bytes(), Kind.JATS),
        ((DATA / "jats" / "retraction_in_oai.xml").read_bytes(), Kind.JATS),
        (NBIB, Kind.MEDLINE),
        (RIS, Kind.RIS),
        ("TY  - JOUR\nTI  - T\nER  - \n".encode("utf-16"), Kind.RIS),
        (b"% from a library\n@string{j = {J}}\n@article{a, title={x}}", Kind.BIBTEX),
        (b"PMID,Title\n1,T\n", Kind.TABLE),
    ],
)
def test_a_file_is_recognised_by_its_first_bytes(body: bytes, kind: Kind) -> None:
    assert recognise(body, "no-name") == kind


def test_a_long_prolog_does_not_hide_the_root() -> None:
    prolog = b"<?xml version='1.0'?>" + b"<!-- <article> -->" * 50 + b"<!DOCTYPE PubmedArticleSet [ <!-- > --> ]>"

    assert recognise(prolog + b"<PubmedArticleSet/>", "x") == Kind.PUBMED_XML


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b"  \n\n ", "empty"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"PK\x03\x04....", "zip archive or an Office file"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\x01", "binary"),
        (b"<!DOCTYPE html><html><body>x</body></html>", "web page"),
        (b"<?xml version='1.0'?><records><record/></records>", "begins with <records>"),
        (b"<eFetchResult><ERROR>no</ERROR></eFetchResult>", "answer of NCBI"),
        (b"%0 Journal Article\n%T x", "EndNote"),
        (b'{"a": 1}', "JSON"),
        (b"31479209\n9500320\n24476887\n", "list of PMIDs"),
        (b"Dear all, please find the list below.\n", "no kind that can be read"),
    ],
)
def test_a_file_of_another_kind_is_refused_in_one_sentence(body: bytes, words: str) -> None:
    with pytest.raises(UnreadableFile, match=words) as caught:
        _read(body)

    assert str(caught.value).count(".") <= 3
    assert str(caught.value).endswith(".")


def test_a_table_whose_header_says_nothing_is_refused() -> None:
    with pytest.raises(UnreadableFile, match="names no column such as PMID"):
        _read(b"a,b\n1,2\n", "data.csv")


def test_a_gzipped_file_is_unpacked() -> None:
    records, _ = _read(gzip.compress(PUBMED), "pubmed.xml.gz")

    assert [r.pmid for r in records] == [90000001]


def test_a_file_larger_than_the_limit_is_refused() -> None:
    with pytest.raises(UnreadableFile, match="is larger than the 1,000 bytes"):
        _read(PUBMED, limit=1000)


def test_a_file_that_unpacks_beyond_the_limit_is_refused() -> None:
    with pytest.raises(UnreadableFile, match="unpacks to more than the 3 MB"):
        _read(gzip.compress(PUBMED + b" " * 4_000_000), limit=3_000_000)


def test_a_zip_bomb_is_refused_for_its_ratio() -> None:
    with pytest.raises(UnreadableFile, match="more than 200 times its size"):
        _read(gzip.compress(PUBMED + b" " * 30_000_000), limit=1_000_000_000)


def test_a_gzipped_file_that_is_cut_off_says_so() -> None:
    with pytest.raises(UnreadableFile, match="damaged or cut off"):
        _read(gzip.compress(PUBMED * 30)[:300])


def test_a_stream_that_cannot_be_rewound_is_read_too() -> None:
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.inner = io.BytesIO(NBIB)

        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            return self.inner.read(size)

    assert len(list(open_records(Pipe(), "x.nbib", Reading(), LIMIT))) == 2  # type: ignore[arg-type]


def test_a_path_is_read_and_a_missing_one_refused(tmp_path: Path) -> None:
    path = tmp_path / "citations.nbib"
    path.write_bytes(NBIB)

    records = list(open_records(path, path.name, Reading(), LIMIT))

    assert len(records) == 2
    with pytest.raises(UnreadableFile, match="cannot be opened"):
        open_records(tmp_path / "nothing.ris", "nothing.ris", Reading(), LIMIT)


def test_an_nbib_record_keeps_every_field_and_the_others_go_on() -> None:
    records, reading = _read(NBIB)

    assert [(r.where, r.identifier) for r in reading.rejections] == [("line 55", "9x"), ("line 58", "")]
    record = records[0]
    assert (record.pmid, record.pmcid, record.doi) == (90000001, "PMC900001", "10.5555/synth.1")
    assert record.title == "A synthetic title that goes on in a second line."
    assert record.authors == (
        Author(
            "Alpha", "Anna B", "AB", orcid="0000-0002-1825-0097", affiliations=("Synthetic Institute, First Street.",)
        ),
        Author("Beta", "Carl", "C"),
        Author(collective="Synthetic Group"),
    )
    assert [(h.name, h.major, [q.name for q in h.qualifiers]) for h in record.mesh] == [
        ("Skin Aging", True, ["drug effects"]),
        ("Humans", False, []),
    ]
    assert record.databanks == (DataBank("ClinicalTrials.gov", ("NCT90000001",)), DataBank("GENBANK", ("AB1",)))
    assert [(g.number, g.acronym, g.agency, g.country) for g in record.grants] == [
        ("G1/2", "AR", "Synthetic Agency", "Nowhere")
    ]
    assert [(s.name, s.registry_number) for s in record.substances] == [
        ("Syntheticol (new)", ""),
        ("Collagen", "9007-34-5"),
    ]
    assert record.relations[0] == Relation("RetractionIn", "Synth J. 2021;2:3.", 90000077, doi="")
    assert record.relations[1].kind == "ExpressionOfConcernIn"
    assert (record.entered_on, record.revised_on, record.electronic_on) == (
        date(2020, 3, 4),
        date(2021, 5, 6),
        date(2020, 2, 1),
    )
    assert record.published is not None and record.published.precision == "day"
    assert (record.languages, record.issns) == (("eng",), ("1234-5678", "1234-5679"))
    assert record.history == (("entrez", "2020-03-04"),)
    assert [(k.text, k.major) for k in record.keywords] == [("skin", True)]


def test_an_nbib_retraction_notice_is_a_notice() -> None:
    record = _read(NBIB)[0][1]

    assert record.kind == "notice"
    assert record.relations == (Relation("RetractionOf", "Synth J. 2019;1:1.", 90000002),)


def test_ris_dialects_give_their_dois_and_only_pmids_that_say_so() -> None:
    records, reading = _read(RIS)

    assert [(r.title, r.pmid, r.doi) for r in records] == [
        ("Ovid MEDLINE", 90000001, "10.5555/ovid"),
        ("Scopus", 90000002, "10.5555/scopus"),
        ("Embase", 90000003, "10.5555/embase"),
        ("Zotero", 90000004, ""),
        ("A number alone is no PMID", None, ""),
        ("A book chapter", None, ""),
    ]
    assert [(r.where, r.reason) for r in reading.rejections] == [
        ("line 51", "it has neither a title nor a PMID, PMCID or DOI"),
        ("line 55", "it does not begin with a TY line"),
    ]


def test_an_ovid_retraction_is_kept_as_a_relation_and_a_publication_type() -> None:
    record = _read(RIS)[0][0]

    assert record.relations == (Relation("RetractionIn", "Synth J. 2021;2:3; PMID: 90000077", 90000077),)
    assert Coded("Retracted Publication") in record.publication_types
    assert (record.pages, record.languages) == ("12-19", ("eng",))
    assert record.published is not None and (record.published.year, record.published.month) == (2020, 5)


def test_a_web_of_science_line_without_an_end_still_gives_its_reference() -> None:
    records, _ = _read(b"TY  - JOUR\nTI  - One\nTY  - JOUR\nTI  - Two\nAN  - WOS:1\nER  -\n")

    assert [r.title for r in records] == ["One", "Two"]
    assert records[1].other_ids == (OtherId("wos", "WOS:1"),)


PUBMED_CSV = (
    "\ufeffPMID,Title,Authors,Citation,First Author,Journal/Book,Publication Year,Create Date,PMCID,NIHMS ID,DOI\r\n"
    '90000001,"A title, with a comma","Alpha AB, Beta C.","Synth J. 2020","Alpha AB","Synth J",2020,2020/01/01,'
    "PMC900001,,10.5555/SYNTH.1\r\n"
    '9x,"Bad number",,,,,,,,,\r\n'
    ",,,,,,,,,,\r\n"
    '90000003,"Two\r\nlines","Gamma D",,,,,,,,\r\n'
    ',,"Only Author",,,,,,,,\r\n'
)


def test_pubmeds_own_csv_is_read_and_bad_rows_are_reported_with_their_line() -> None:
    records, reading = _read(PUBMED_CSV.encode(), "csv-skin-set.csv")

    assert [(r.pmid, r.title) for r in records] == [(90000001, "A title, with a comma"), (90000003, "Two lines")]
    assert (records[0].pmcid, records[0].doi, records[0].journal) == ("PMC900001", "10.5555/synth.1", "Synth J")
    assert [(a.last, a.initials) for a in records[0].authors] == [("Alpha", "AB"), ("Beta", "C")]
    assert [(r.where, r.reason) for r in reading.rejections] == [
        ("line 3", 'its PMID "9x" is not a number'),
        ("line 7", "it has neither a title nor a PMID, PMCID, DOI or registry number"),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_of_a_table_is_found(delimiter: str) -> None:
    rows = [["PubMed ID", "Article Title", "NCT number"], ["12345.0", "T", "NCT 90000001"]]
    body = "\n".join(delimiter.join(row) for row in rows)

    ((record,), _) = _read(body.encode(), "table.csv")

    assert (record.pmid, record.title) == (12345, "T")
    assert record.databanks[0].accessions == ("NCT90000001",)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "latin-1"])
@pytest.mark.parametrize(
    "start",
    [
        "TY  - JOUR\nTI  - {}\nER  - \n",
        "PMID- 90000001\nTI  - {}\n",
        'PMID,Title\n90000001,"{}"\n',
        "@article{{a,\n  title = {{{}}}\n}}\n",
    ],
)
def test_letters_survive_whatever_encoding_they_came_in(encoding: str, start: str) -> None:
    title = "Behandlung der Haut bei Müttern: größere Flächen, später geprüft"

    ((record,), _) = _read(start.format(title).encode(encoding), "file.csv")

    assert record.title == title


def test_nul_and_control_characters_never_reach_a_record() -> None:
    ((record,), _) = _read(b"TY  - JOUR\nTI  - A\x00 ti\x07tle\nER  - \n" + b"KW  - pad\n" * 50)

    assert record.title == "A title"


@settings(max_examples=150, deadline=None)
@given(
    body=st.sampled_from([NBIB, RIS, PUBMED_CSV.encode(), PUBMED, gzip.compress(PUBMED)]),
    cut=st.floats(0, 1),
    edits=st.lists(st.tuples(st.floats(0, 0.99), st.binary(max_size=12)), max_size=6),
)
def test_a_damaged_file_raises_nothing_but_the_typed_errors(
    body: bytes, cut: float, edits: list[tuple[float, bytes]]
) -> None:
    damaged = bytearray(body)
    for place, junk in edits:
        start = int(place * len(damaged))
        damaged[start : start + len(junk)] = junk

    try:
        records, reading = _read(bytes(damaged[: int(cut * len(damaged))]), "upload.csv")
    except (UnreadableFile, BrokenXML) as error:
        assert str(error).endswith(".")
    else:
        assert reading.n_read == len(records)


def test_a_real_zip_is_refused_as_one() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.xml", PUBMED)

    with pytest.raises(UnreadableFile, match="zip archive"):
        _read(packed.getvalue(), "a.zip")
