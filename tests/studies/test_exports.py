"""What leaves the catalogue: every format, of a list and of a study, with its notices ahead and its question said."""

import csv
import io
import json
import re
from datetime import UTC, date, datetime

import openpyxl
import pytest
from django.db import connection
from django.urls import reverse

from studies import exports
from studies.actions import catalogue
from studies.actions.study_rows import refresh_studies
from studies.actions.vocabulary import load_vocabulary
from studies.models import Notice, Report, SearchRun, Study, StudyTag, Tag, TrialRegistration
from studies.queries import export_rows
from studies.sources.record import Author, Coded, DataBank, PartialDate, Record, Relation, Section
from studies.terms import NoticeKind, RunKind, RunState, TagOrigin, TagStatus
from tests.factories import make_notice, make_study

pytestmark = pytest.mark.django_db

KINDS = ("csv", "xlsx", "ris", "nbib", "bib", "json")
ADDRESS = "http://127.0.0.1:8000"


def synthetic(number: int, title: str, **more) -> Record:
    return Record(
        pmid=910_000_000 + number,
        title=title,
        authors=(Author("Synthetic", "Ann B.", "AB"), Author(collective="Made Up Study Group")),
        journal="Journal of Synthetic Skin",
        journal_abbreviation="J Synth Skin",
        volume="12",
        pages="584-91",
        published=PartialDate("2014 Oct 3", 2014, 10, 3, "day"),
        **more,
    )


@pytest.fixture
def studies(db, clinician) -> list[Study]:
    """A retracted trial with tags and a registration, a plain study, and a trial known by its registration alone."""
    load_vocabulary()
    trial = synthetic(
        1,
        "Synthetic nanofat in photoaged skin: a made-up trial",
        doi="10.5555/synthetic.1",
        pmcid="PMC9100001",
        abstract=(Section("Made-up words.", "Methods"),),
        publication_types=(Coded("Randomized Controlled Trial", "D016449"), Coded("Retracted Publication", "D016441")),
        databanks=(DataBank("ClinicalTrials.gov", ("NCT09100001",)),),
        relations=(Relation("RetractionIn", "J Synth Skin. 2016;14(1):1.", 910_000_009),),
    )
    taken = catalogue.upsert([trial, synthetic(2, "=HYPERLINK(1) and other made-up beginnings")], source="pubmed")
    found = [Report.objects.get(pk=one.report_id).study for one in taken]
    for slug, origin, status, by, rule in (
        ("src-nanofat", TagOrigin.RULE, TagStatus.ACCEPTED, None, "synthetic-rule"),
        ("src-nanofat", TagOrigin.PERSON, TagStatus.ACCEPTED, clinician, ""),
        ("src-svf", TagOrigin.PERSON, TagStatus.REJECTED, clinician, ""),
        ("ind-photoaging", TagOrigin.STARTER, TagStatus.ACCEPTED, None, ""),
    ):
        StudyTag.objects.create(
            study=found[0],
            tag=Tag.objects.get(slug=slug),
            origin=origin,
            status=status,
            by=by,
            rule=rule,
            at=datetime(2026, 5, 2, tzinfo=UTC),
        )
    registered = Study.objects.create(starter={"title": "Synthetic registration", "protocol": {"sessions": 3}})
    TrialRegistration.objects.create(study=registered, registry="NCT", number="NCT09100002")
    Study.objects.filter(pk=found[0].pk).update(n_participants=40, follow_up_months=6)
    refresh_studies([*(study.pk for study in found), registered.pk])
    return [Study.objects.get(pk=study.pk) for study in (*found, registered)]


def body(answer) -> bytes:
    return answer.getvalue()


def export(client, kind: str, query: str = "") -> str:
    return body(client.get(reverse("studies:export", args=[kind]) + query)).decode("utf-8-sig")


def rows_of(client, query: str = "") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(export(client, "csv", query))))


def test_a_csv_row_says_all_that_is_known_of_a_study(studies, visitor):
    row = rows_of(visitor, "?notice=retracted")[0]

    assert (
        row
        | {
            "Stratum study": str(studies[0].pk),
            "Title": "Synthetic nanofat in photoaged skin: a made-up trial",
            "Authors": "Synthetic, Ann B.; Made Up Study Group,",
            "Journal": "Journal of Synthetic Skin",
            "Published": "2014 Oct 3",
            "Year": "2014",
            "PMID": "910000001",
            "PMCID": "PMC9100001",
            "DOI": "10.5555/synthetic.1",
            "Design": "Randomised trial",
            "Design basis": "from PubMed's publication type",
            "CEBM 2011 level": "2",
            "People": "40",
            "Follow-up (months)": "6.0",
            "Registration": "NCT09100001",
            "Registrations, and where read": "NCT09100001 [PubMed's databank list]",
            "Address": f"{ADDRESS}/studies/{studies[0].pk}/",
            "Query": f"Notices: Retracted, removed or withdrawn ({ADDRESS}/studies/?notice=retracted)",
            "Searched through": "PubMed not searched yet",
        }
        == row
    )


def test_the_notice_comes_first_in_a_row(studies, visitor):
    rows = rows_of(visitor, "?sort=newest&everything=1")
    first = next(row for row in rows if row["Notices"])

    assert next(iter(first)) == "Notices"
    assert first["Notices"].startswith("RETRACTED. Retraction, PMID 910000001, according to PubMed: J Synth Skin")


def test_a_tag_is_written_with_who_says_so_and_a_rejected_one_is_not(studies, visitor):
    cells = " ".join(rows_of(visitor, "?notice=retracted")[0].values())

    assert "Nanofat [accepted by Clara (2026-05-02), suggested by rule synthetic-rule" in cells
    assert "starter data, to be verified" in cells
    assert "rejected" not in cells
    assert "Stromal vascular fraction (cells)" not in cells


def test_protocol_facts_are_written_with_what_is_not_reported(studies, visitor):
    row = next(row for row in rows_of(visitor) if row["Stratum study"] == str(studies[2].pk))

    assert "Sessions: 3" in row["Protocol"]
    assert "Dose: not reported" in row["Protocol"]
    assert (row["Reports"], row["Registrations, and where read"]) == ("0", "NCT09100002 [of this study]")


@pytest.mark.parametrize("query", ["", "?sort=people", "?q=nanofat", "?q=made-up", "?design=randomised", "?q=the"])
def test_an_export_is_the_list_in_its_order(query, studies, visitor):
    page = visitor.get(reverse("studies:studies") + query).context["listing"]

    rows = rows_of(visitor, query)

    assert [row["Stratum study"] for row in rows] == [str(row.study.pk) for row in page.rows]


def test_a_study_asked_for_by_its_number_is_exported_alone(studies, visitor):
    rows = rows_of(visitor, "?q=910000002")

    assert [row["PMID"] for row in rows] == ["910000002"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_format_has_its_type_and_a_name_that_is_safe(kind, studies, visitor):
    addresses = [reverse("studies:export", args=[kind]), reverse("studies:study_export", args=[studies[0].pk, kind])]

    for address in addresses:
        answer = visitor.get(address)

        assert answer.status_code == 200
        assert answer["Content-Type"] == exports.FORMATS[kind].media_type
        name = re.fullmatch(r'attachment; filename="(stratum-[a-z0-9-]+\.\w+)"', answer["Content-Disposition"])
        assert name[1].endswith(f".{kind}")
        assert answer.getvalue()


@pytest.mark.parametrize("kind", ["ris", "nbib", "bib", "json"])
def test_a_file_of_references_states_notice_query_day_and_currency(kind, studies, visitor):
    SearchRun.objects.create(
        kind=RunKind.SEARCH, state=RunState.FINISHED, finished_at=datetime(2026, 11, 22, tzinfo=UTC), asked="nanofat"
    )

    text = export(visitor, kind, "?q=nanofat")

    assert text.index("RETRACTED") < text.index("Synthetic nanofat in photoaged")
    assert "query: Words: nanofat" in text
    assert re.search(r"exported 20\d\d-\d\d-\d\d \d\d:\d\d UTC", text)
    assert "PubMed last answered in full on 2026-11-22" in text


def test_ris_holds_every_report_and_no_registration_alone(studies, visitor):
    lines = export(visitor, "ris").splitlines()

    assert lines.count("TY  - JOUR") == lines.count("ER  - ") == 2
    assert {"AN  - 910000001", "C2  - PMC9100001", "DO  - 10.5555/synthetic.1", "DA  - 2014/10/03/"} <= set(lines)
    assert "N1  - Retraction in: J Synth Skin. 2016;14(1):1. PMID: 910000009" in lines
    assert all(re.match(r"[A-Z][A-Z0-9]  - ", line) for line in lines if line)


def test_nbib_leaves_out_what_has_no_pmid(studies, visitor):
    catalogue.upsert([Record(title="Synthetic abstract of a made-up meeting", doi="10.5555/x")], source="file")

    text = export(visitor, "nbib")

    assert text.count("PMID- ") == 2
    assert "made-up meeting" not in text


def test_bibtex_spells_out_what_tex_would_run(studies, visitor):
    catalogue.upsert([Record(title=r"50% of \input{x} & $y_1$ #2 ~ ^", doi="10.5555/tex_1")], source="file")

    text = export(visitor, "bib")

    assert r"50\% of \textbackslash{}input\{x\} \& \$y\_1\$ \#2 \textasciitilde{} \textasciicircum{}" in text
    assert "author = {Synthetic, Ann B. and {Made Up Study Group}}" in text


def test_csl_json_is_one_list_of_items(studies, visitor):
    items = json.loads(export(visitor, "json"))

    trial = next(item for item in items if item["PMID"] == "910000001")
    assert trial["author"] == [{"family": "Synthetic", "given": "Ann B."}, {"literal": "Made Up Study Group"}]
    assert trial["issued"] == {"date-parts": [[2014, 10, 3]]}
    assert trial["note"].startswith("Stratum notice: RETRACTED")


def test_an_empty_list_is_still_a_whole_file(db, visitor):
    texts = {kind: visitor.get(reverse("studies:export", args=[kind])).getvalue() for kind in KINDS}

    assert texts["csv"].decode("utf-8-sig").startswith("Notices,Stratum study,Title")
    assert json.loads(texts["json"]) == []
    assert openpyxl.load_workbook(io.BytesIO(texts["xlsx"])).sheetnames == ["Studies", "About"]
    assert texts["ris"] == texts["nbib"] == texts["bib"] == b""


def test_a_spreadsheet_opens_with_rows_numbers_and_a_sheet_about_itself(studies, visitor):
    book = openpyxl.load_workbook(io.BytesIO(body(visitor.get(reverse("studies:export", args=["xlsx"])))))

    heads, *rows = book["Studies"].iter_rows(values_only=True)
    by_title = {row[heads.index("Title")]: dict(zip(heads, row, strict=True)) for row in rows}
    trial = by_title["Synthetic nanofat in photoaged skin: a made-up trial"]
    assert (trial["People"], trial["Follow-up (months)"], trial["PMID"]) == (40, 6, 910000001)
    assert {row[0] for row in book["About"].iter_rows(values_only=True)} >= {"Exported", "Query", "Searched through"}


def test_no_cell_begins_a_formula(studies, visitor):
    book = openpyxl.load_workbook(io.BytesIO(body(visitor.get(reverse("studies:export", args=["xlsx"])))))

    titles = {row["Title"] for row in rows_of(visitor)}
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert "'=HYPERLINK(1) and other made-up beginnings" in titles
    assert "'=HYPERLINK(1) and other made-up beginnings" in {cell.value for cell in cells}
    assert not [cell for cell in cells if cell.data_type == "f" or cell.hyperlink]


def test_more_than_a_spreadsheet_takes_is_refused_with_csv_offered(studies, visitor, monkeypatch):
    monkeypatch.setattr(exports, "MOST_IN_A_SPREADSHEET", 2)

    answer = visitor.get(reverse("studies:export", args=["xlsx"]) + "?sort=people")

    assert answer.status_code == 422
    assert "at most 2 studies and these are 3" in answer.content.decode()
    assert reverse("studies:export", args=["csv"]) + "?sort=people" in answer.content.decode()


@pytest.mark.parametrize(
    ("style", "text"),
    [
        ("vancouver", "Synthetic AB, Made Up Study Group. Synthetic nanofat in photoaged skin: a made-up trial. "
         "J Synth Skin. 2014 Oct 3;12:584–91."),
        ("apa", "Synthetic, A. B., &amp; Made Up Study Group. (2014). Synthetic nanofat in photoaged skin: "
         "a made-up trial. Journal of Synthetic Skin, 12, 584–91."),
    ],
)  # fmt: skip
def test_references_are_printed_in_their_style_and_a_retracted_one_says_so(style, text, studies, visitor):
    for address in (reverse("studies:references"), reverse("studies:study_references", args=[studies[0].pk])):
        page = visitor.get(f"{address}?style={style}&notice=retracted").content.decode()

        assert f"RETRACTED: {text}" in page
        assert "data-copy=" in page


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (NoticeKind.RETRACT_AND_REPLACE, "RETRACTED AND REPUBLISHED: "),
        (NoticeKind.CONCERN, "EXPRESSION OF CONCERN: "),
        (NoticeKind.CORRECTION, ""),
    ],
)
def test_a_printed_reference_begins_with_what_is_graver_than_a_correction(kind, word, visitor):
    study = make_study("Synthetic cheeks")
    make_notice(study, kind)

    page = visitor.get(reverse("studies:study_references", args=[study.pk])).content.decode()

    assert f"{word}Synthetic cheeks" in page.replace("Doe J. ", "")
    assert word or "CORRECTED" not in page


@pytest.mark.django_db(transaction=True)
def test_a_list_that_is_read_in_parts_leaves_in_its_order_without_a_gap(visitor, monkeypatch):
    monkeypatch.setattr(export_rows, "ROWS_AT_ONCE", 2)
    studies = [make_study(f"Synthetic {n}", report={"published_on": date(2020 - n, 1, 1)}) for n in range(5)]

    assert [row["Stratum study"] for row in rows_of(visitor)] == [str(study.pk) for study in studies]


@pytest.mark.django_db(transaction=True)
def test_a_reader_who_leaves_in_the_middle_of_a_long_list_leaves_no_connection_behind(visitor, monkeypatch):
    monkeypatch.setattr(export_rows, "ROWS_AT_ONCE", 2)
    for n in range(9):
        make_study(f"Synthetic {n}")
    before = n_connections()

    answer = visitor.get(reverse("studies:export", args=["csv"]))
    pieces = iter(answer.streaming_content)
    begun = b"".join(next(pieces) for _ in range(2))
    during = n_connections()
    answer.close()

    assert b"Synthetic" in begun
    assert during == before + 1
    assert n_connections() == before


def n_connections() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return cursor.fetchone()[0]


def test_a_page_of_references_says_where_it_stops(studies, visitor, monkeypatch):
    monkeypatch.setattr(exports, "MOST_ON_A_PAGE", 1)

    page = visitor.get(reverse("studies:references")).content.decode()

    assert "These are the first 1 of 3" in page


def test_the_list_and_the_study_offer_their_exports(studies, visitor):
    listed = visitor.get(reverse("studies:studies") + "?design=randomised").content.decode()
    one = visitor.get(studies[0].get_absolute_url()).content.decode()

    for kind in KINDS:
        assert f"{reverse('studies:export', args=[kind])}?design=randomised" in listed
        assert reverse("studies:study_export", args=[studies[0].pk, kind]) in one
    assert reverse("studies:references") + "?design=randomised" in listed
    assert reverse("studies:study_references", args=[studies[0].pk]) in one


def test_an_unknown_format_or_study_is_not_found(studies, visitor):
    assert visitor.get(reverse("studies:export", args=["docx"])).status_code == 404
    assert visitor.get(reverse("studies:study_export", args=[999_999, "csv"])).status_code == 404
    assert visitor.get(reverse("studies:study_references", args=[999_999])).status_code == 404


def test_a_dismissed_notice_is_not_exported(studies, visitor):
    Notice.objects.create(
        report=Report.objects.get(pmid=910_000_002), kind=NoticeKind.CONCERN, key="x", dismissed_at=datetime.now(UTC)
    )

    row = next(row for row in rows_of(visitor) if row["PMID"] == "910000002")

    assert row["Notices"] == ""


@pytest.mark.parametrize("kind", ["csv", "ris"])
def test_the_number_of_queries_does_not_grow_with_the_list(kind, studies, visitor, django_assert_max_num_queries):
    catalogue.upsert([synthetic(n, f"Synthetic study of made-up cells {n}") for n in range(10, 90)], source="pubmed")

    with django_assert_max_num_queries(20):
        export(visitor, kind)
