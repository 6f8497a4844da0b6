"""BibTeX files: every field of a synthetic library, broken entries beside whole ones, and a real file."""

import io
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studies.sources.files import UnreadableFile, open_records
from studies.sources.record import Author, Coded, Keyword, OtherId, Reading, Record, Relation

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "ris_bib"
LIMIT = 20_000_000

# Synthetic: no such reference exists.
FULL = r"""Free text before the first entry; write to someone@example.org {sic}.
@comment{a manager's own settings {nested} and
@article{hidden, title = {Never read}}
}
@preamble{"\newcommand{\x}{y}"}
@string{SJ = "Synthetic Journal of " # {Skin}}
@string(half = "Half")
@Article{first,
  Title    = "A {DNA} title of {\"O}zt{\"u}rk's $\beta$-cells, \beta and H$_2$O, 10$^{6}$ \& 50% more",
  AUTHOR   = {Alpha, Anna and {\'A}lvarez, Jos{\'e} M. and {Sons and Daughters} and others},
  journal  = sj # " (" # HALF # ")",
  year     = 2020, month = "5~" # mar,
  volume   = 3, number = {4}, pages = {12--19},
  doi      = {https://doi.org/10.5555/SYNTH\_1},
  pmid     = {90000001}, pmcid = {PMC900001},
  issn     = {12345678, 1234-567x},
  isbn     = {978-0-00-000000-2},
  keywords = {skin, aging; fibroblasts},
  language = {English},
  publisher = {Synthetic {\&} Sons},
  note     = {Retraction in: Synth J. 2021;2:3. PMID: 90000077},
  abstract = {Some \textit{in vitro} work, p~$<$~0.05 --- \textgreater{} 3 of (~50\%).}
}
"""


def _read(text: str, limit: int = LIMIT) -> tuple[list[Record], Reading]:
    reading = Reading()
    return list(open_records(io.BytesIO(text.encode()), "library.bib", reading, limit)), reading


def _entry(fields: str, genre: str = "article") -> Record:
    (record,), reading = _read(f"@{genre}{{key, title = {{T}}, {fields}}}")
    assert reading.rejections == []
    return record


def test_an_entry_keeps_every_field() -> None:
    (record,), reading = _read(FULL)

    assert (reading.n_read, reading.rejections) == (1, [])
    assert record.title == "A DNA title of Öztürk's β-cells, β and H₂O, 10⁶ & 50% more"
    assert record.abstract_text == "Some in vitro work, p < 0.05 — > 3 of (~50%)."
    assert record.authors == (
        Author("Alpha", "Anna", "A"),
        Author("Álvarez", "José M.", "JM"),
        Author(collective="Sons and Daughters"),
    )
    assert not record.authors_complete
    assert (record.pmid, record.pmcid, record.doi) == (90000001, "PMC900001", "10.5555/synth_1")
    assert (record.journal, record.volume, record.issue, record.pages) == (
        "Synthetic Journal of Skin (Half)",
        "3",
        "4",
        "12-19",
    )
    assert record.published is not None
    assert (record.published.year, record.published.month, record.published.day) == (2020, 3, 5)
    assert record.issns == ("1234-5678", "1234-567X")
    assert record.other_ids == (OtherId("isbn", "978-0-00-000000-2"),)
    assert record.keywords == (Keyword("skin, aging"), Keyword("fibroblasts"))
    assert (record.languages, record.publisher, record.kind) == (("eng",), "Synthetic & Sons", "article")
    assert record.relations == (Relation("RetractionIn", "Synth J. 2021;2:3. PMID: 90000077", 90000077),)


@pytest.mark.parametrize(
    ("written", "author"),
    [
        ("Carl Beta", Author("Beta", "Carl", "C")),
        ("T F Beta", Author("Beta", "T F", "TF")),
        ("Beta TF", Author("Beta", "", "TF")),
        ("Ludwig van Beta", Author("van Beta", "Ludwig", "L")),
        ("van Beta, Ludwig", Author("van Beta", "Ludwig", "L")),
        ("Maria {de Beta Cruz}", Author("de Beta Cruz", "Maria", "M")),
        ("Beta, Jr., Carl", Author("Beta", "Carl", "C", "Jr.")),
        (r"Beta, {\L}ukasz", Author("Beta", "Łukasz", "Ł")),
        ("{World Synthetic Organization}", Author(collective="World Synthetic Organization")),
        ("Synthetic Study Group", Author(collective="Synthetic Study Group")),
    ],
)
def test_a_name_is_read_in_each_order_bibtex_knows(written: str, author: Author) -> None:
    record = _entry(f"author = {{{written}}}")

    assert (record.authors, record.authors_complete) == ((author,), True)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("year = {2019}", (2019, None, None, "year")),
        ("year = 2019, month = sept", (2019, 9, None, "month")),
        ("year = 2019, month = {12}", (2019, 12, None, "month")),
        ("year = 2019, month = 2, day = 31", (2019, 2, None, "month")),
        ("date = {2019-05-04}, year = {1999}", (2019, 5, 4, "day")),
        ("date = {2019-05}", (2019, 5, None, "month")),
        ('year = 2019, month = jan # "/" # feb', (2019, 1, None, "season")),
    ],
)
def test_a_date_is_kept_as_far_as_it_goes(fields: str, expected: tuple[int, int | None, int | None, str]) -> None:
    published = _entry(fields).published

    assert published is not None
    assert (published.year, published.month, published.day, published.precision) == expected


def test_a_year_that_is_none_is_left_out() -> None:
    assert _entry("year = {in press}").published is None


@pytest.mark.parametrize(
    ("fields", "pmid", "doi"),
    [
        ("eprint = {90000003}, archivePrefix = {PubMed}", 90000003, ""),
        ("eprint = {90000003}, eprinttype = {pubmed}", 90000003, ""),
        ("eprint = {90000003}", None, ""),
        ("pubmed = {90000003}", 90000003, ""),
        ("url = {https://pubmed.ncbi.nlm.nih.gov/90000003/}", 90000003, ""),
        ("note = {PMID: 90000003}", 90000003, ""),
        ("note = {Comment on: Synth J. PMID: 90000003}", None, ""),
        ("url = {https://doi.org/10.5555/x}", None, "10.5555/x"),
        ("url = {https://example.org/10.5555/x}", None, ""),
        ("url = {10.5555/x}", None, ""),
        (r"doi = {10.5555/a{\_}b}", None, "10.5555/a_b"),
    ],
)
def test_only_what_says_it_is_an_id_becomes_one(fields: str, pmid: int | None, doi: str) -> None:
    record = _entry(fields)

    assert (record.pmid, record.doi) == (pmid, doi)


def test_a_number_of_an_archive_and_a_misshapen_doi_stay_beside_the_record() -> None:
    record = _entry("eprint = {2001.00001}, archiveprefix = {arXiv}, doi = {see 10.5555 / x}, pii = {S1}")

    assert record.other_ids == (OtherId("pii", "S1"), OtherId("arxiv", "2001.00001"), OtherId("doi", "see 10.5555 / x"))


@pytest.mark.parametrize(
    ("genre", "fields", "kind"),
    [
        ("article", "", "article"),
        ("misc", "", "article"),
        ("misc", "eprint = {1}, archiveprefix = {arXiv}", "preprint"),
        ("book", "", "book"),
        ("InCollection", "", "book"),
        ("inproceedings", "", "abstract"),
        ("article", "note = {Retraction of Publication}", "notice"),
    ],
)
def test_the_entry_type_decides_the_kind(genre: str, fields: str, kind: str) -> None:
    assert _entry(fields, genre).kind == kind


def test_a_chapter_names_its_book_and_a_paper_its_meeting() -> None:
    chapter = _entry("booktitle = {B}", "incollection")
    paper = _entry("booktitle = {Proceedings}", "inproceedings")

    assert (chapter.book_title, chapter.journal) == ("B", "")
    assert (paper.book_title, paper.journal) == ("", "Proceedings")


def test_a_retracted_article_keeps_that_word() -> None:
    record = _entry("note = {[Retracted]}")

    assert (record.publication_types, record.kind) == ((Coded("Retracted Publication"),), "article")


def test_broken_entries_are_reported_with_their_line_and_the_others_are_kept() -> None:
    text = """@article{one, title = {One}}
@article{no comma,
  title = {Broken}
  year = 2020
}
@article{early,
  title = {Closed}} too early},
  year = {2020}
}
@article{never, title = {Never closed,
  year = {2020}
}
@article{two, title = "Two", journal = undefined}
@article{empty, year = 2020}
% @article{commented, title = {Out}}
@article
{, title = {Three}} @book(four, title = "Four :) {(}")
@article{last, title = {Cut off
"""

    records, reading = _read(text)

    assert [(r.title, r.journal) for r in records] == [
        ("One", ""),
        ("Two", "undefined"),
        ("Three", ""),
        ("Four :) (", ""),
    ]
    assert [(r.where, r.identifier, r.reason) for r in reading.rejections] == [
        ("line 2", "no comma", "'}' expected, on line 4"),
        ("line 6", "early", "its braces close too early: a field follows outside, on line 8"),
        ("line 10", "never", "its braces do not close before the next entry, on line 13"),
        ("line 14", "empty", "it has neither a title nor a PMID, PMCID or DOI"),
        ("line 18", "last", "its braces never close"),
    ]
    assert reading.n_read == 4


def test_a_comment_that_never_closes_says_what_it_cost() -> None:
    records, reading = _read("@article{a, title = {A}}\n@comment{open\n@article{b, title = {B}}\n")

    assert [r.title for r in records] == ["A"]
    assert [(r.where, r.reason) for r in reading.rejections] == [("line 2", "its braces never close")]


def test_macros_that_double_each_other_are_refused_and_the_rest_is_read() -> None:
    doubling = "".join(f"@string{{m{i + 1} = m{i} # m{i}}}\n" for i in range(60))

    records, reading = _read(f'@string{{m0 = "twenty characters...."}}\n{doubling}@article{{a, title = {{A}}}}\n')

    assert [r.title for r in records] == ["A"]
    assert "longer than 10,000 characters" in reading.rejections[0].reason


def test_short_entries_cannot_unfold_to_a_huge_file() -> None:
    body = "@string{m = {" + "y" * 9_999 + "}}\n" + "@article{a, abstract = m, title = {T}}\n" * 2_010

    records, reading = _read(body)

    assert len(records) == 2_000
    assert {r.reason for r in reading.rejections} == {
        "the file's @string macros unfold to more than any real file needs"
    }


def test_an_entry_beyond_all_measure_is_refused() -> None:
    records, reading = _read("@article{a, title = {" + "x " * 600_000 + "}}\n@article{b, title = {B}}\n")

    assert [r.title for r in records] == ["B"]
    assert [r.reason for r in reading.rejections] == ["it is longer than 1,000,000 characters"]


@settings(max_examples=150, deadline=None)
@given(cut=st.floats(0, 1), edits=st.lists(st.tuples(st.floats(0, 0.99), st.text('{}"@\\$%&,=#~ a\n', max_size=8))))
def test_a_damaged_library_raises_nothing_but_the_typed_error(cut: float, edits: list[tuple[float, str]]) -> None:
    damaged = FULL * 2
    for place, junk in edits:
        start = int(place * len(damaged))
        damaged = damaged[:start] + junk + damaged[start + len(junk) :]

    try:
        records, reading = _read(damaged[: int(cut * len(damaged))])
    except UnreadableFile as error:
        assert str(error).endswith(".")
    else:
        assert reading.n_read == len(records)


def test_every_entry_of_a_real_library_is_read() -> None:
    path = DATA / "gui11aume__MEM_seeds__pubmed.bib"
    if not path.exists():
        pytest.skip("the real BibTeX file is not beside this checkout")
    text = path.read_text(encoding="utf-8")
    expected = re.findall(r"^@article\{pmid(\d+),", text, re.M)

    records, reading = _read(text)

    assert len(expected) == text.count("\n@") + text.startswith("@")
    assert reading.rejections == []
    assert [str(record.pmid) for record in records] == expected
    assert all(record.title and record.authors and record.journal for record in records)
    assert sum(bool(record.doi) for record in records) == len(re.findall(r"^ *doi = ", text, re.M))
    assert sum(bool(record.abstract) for record in records) == len(re.findall(r"^ *abstract = ", text, re.M))
    assert not [record.title for record in records if set("{}\\") & set(record.title)]
