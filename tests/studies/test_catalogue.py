"""The upsert: nothing twice, nothing lost, the newer version wins, a person's word stays."""

from dataclasses import replace
from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from studies.actions import catalogue
from studies.actions.report_values import Said
from studies.actions.study_rows import refresh_studies
from studies.models import (
    AuditEvent,
    FullText,
    Notice,
    RegistrationMention,
    Report,
    Study,
    StudyTag,
    Tag,
    TrialRegistration,
)
from studies.sources.record import (
    Author,
    Coded,
    DataBank,
    FullTextSection,
    Keyword,
    MeshHeading,
    PartialDate,
    Record,
    Relation,
    Section,
)
from studies.sources.record import (
    FullText as SourceText,
)
from studies.terms import MentionBasis, NoticeStatus, TagOrigin

pytestmark = pytest.mark.django_db


def record(pmid: int | None = 1, **facts) -> Record:
    values = {
        "title": f"Synthetic trial {pmid} of nanofat for perioral lines",
        "abstract": (Section("Forty synthetic volunteers.", "METHODS"),),
        "authors": (Author("Doe", "Jane", "J"), Author(collective="The Synthetic Group")),
        "journal": "Synthetic Journal of Skin",
        "published": PartialDate("2020 Mar", 2020, 3, precision="month"),
        "revised_on": date(2021, 1, 1),
        "publication_types": (Coded("Randomized Controlled Trial", "D016449"),),
    }
    return Record(pmid=pmid, **(values | facts))


def results(taken: list[catalogue.Taken]) -> list[str]:
    return [what.result for what in taken]


def row_versions() -> dict[str, list]:
    """The physical version of every row a second import could touch: any write changes it."""
    versions = {}
    for model in (Study, Report, Notice, StudyTag, TrialRegistration, RegistrationMention, FullText, AuditEvent):
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT id, ctid::text, xmin::text FROM {model._meta.db_table} ORDER BY id")  # noqa: S608
            versions[model.__name__] = cursor.fetchall()
    return versions


def test_a_new_record_becomes_one_report_of_one_study():
    taken = catalogue.upsert([record()], source="pubmed")

    report = Report.objects.get(pmid=1)
    assert (results(taken), taken[0].report_id) == (["created"], report.pk)
    assert report.study.title == "Synthetic trial 1 of nanofat for perioral lines"
    assert (report.study.authors, report.study.year, report.study.design) == (
        "Doe J, The Synthetic Group",
        2020,
        "randomised",
    )
    assert (report.published_raw, report.published_on, report.published_precision) == (
        "2020 Mar",
        date(2020, 3, 1),
        "month",
    )


def test_the_same_record_again_writes_nothing():
    records = [
        record(
            relations=(Relation("RetractionIn", "J Synth. 2022;1:1", 99),),
            databanks=(DataBank("ClinicalTrials.gov", ("NCT01234567",)),),
            full_text=SourceText(licence="CC BY 4.0", has_body=True, sections=(FullTextSection("Methods", 1, ("x",)),)),
        )
    ]
    catalogue.upsert(records, source="pubmed")
    before = row_versions()

    taken = catalogue.upsert(records, source="pubmed")

    assert results(taken) == ["unchanged"]
    assert row_versions() == before


def test_a_newer_version_replaces_and_says_which_fields_changed():
    catalogue.upsert([record()], source="pubmed")

    taken = catalogue.upsert([record(title="A corrected title", revised_on=date(2022, 1, 1))], source="pubmed")

    report = Report.objects.select_related("study").get(pmid=1)
    assert results(taken) == ["changed"]
    assert (report.title, report.study.title) == ("A corrected title", "A corrected title")
    assert AuditEvent.objects.get(verb="updated").detail["fields"] == ["revised_on", "title"]


@pytest.mark.parametrize(
    "older",
    [{"revised_on": date(2019, 1, 1)}, {"revised_on": None}, {"pmid_version": 1, "revised_on": date(2030, 1, 1)}],
)
def test_an_older_version_never_replaces_a_newer_one(older):
    catalogue.upsert([record(pmid_version=2)], source="pubmed")

    taken = catalogue.upsert([record(title="Stale", **({"pmid_version": 2} | older))], source="pubmed")

    assert results(taken) == ["unchanged"]
    assert taken[0].reason == "Older than the version kept."
    assert Report.objects.get().title != "Stale"


def test_a_text_that_a_newer_version_no_longer_has_goes_but_identifiers_stay():
    catalogue.upsert([record(pmcid="PMC77", doi="10.1000/x", coi_statement="None.")], source="pubmed")

    catalogue.upsert([record(revised_on=date(2023, 1, 1))], source="pubmed")

    report = Report.objects.get()
    assert (report.coi_statement, report.pmcid, report.doi) == ("", "PMC77", "10.1000/x")


def test_of_two_versions_in_one_batch_the_last_revision_wins_before_sql():
    newer, older = record(title="Newer", revised_on=date(2024, 1, 1)), record(title="Older")

    taken = catalogue.upsert([older, newer, older], source="pubmed")

    assert results(taken) == ["unchanged", "created", "unchanged"]
    assert {what.report_id for what in taken} == {Report.objects.get(title="Newer").pk}


def test_the_number_of_statements_does_not_depend_on_the_size_of_the_batch():
    def statements(first: int, n: int, **facts) -> int:
        batch = [
            record(
                pmid,
                relations=(Relation("ErratumIn", "J Synth", pmid + 9000), Relation("RetractionOf", "J", pmid + 8000)),
                databanks=(DataBank("ClinicalTrials.gov", (f"NCT{pmid:08}",)),),
                **facts,
            )
            for pmid in range(first, first + n)
        ]
        with CaptureQueriesContext(connection) as captured:
            catalogue.upsert(batch, source="pubmed")
        return len(captured)

    assert statements(1, 5) == statements(101, 60)
    assert statements(1, 5, revised_on=date(2025, 1, 1)) == statements(101, 60, revised_on=date(2025, 1, 1))


def test_a_persons_edit_is_never_overwritten():
    catalogue.upsert([record()], source="pubmed")
    Report.objects.update(title="As a person corrected it", edited_fields=["title"])

    catalogue.upsert([record(title="As PubMed has it", volume="7", revised_on=date(2025, 1, 1))], source="pubmed")

    report = Report.objects.get()
    assert (report.title, report.volume) == ("As a person corrected it", "7")


def test_a_persons_tag_outlives_every_import():
    catalogue.upsert([record()], source="pubmed")
    fat = Tag.objects.create(facet="sources", slug="src-fat", label="Fat graft")
    nanofat = Tag.objects.create(facet="sources", slug="src-nanofat", label="Nanofat", parent=fat)
    StudyTag.objects.create(study=Study.objects.get(), tag=nanofat, origin=TagOrigin.PERSON)
    refresh_studies([Study.objects.get().pk])

    catalogue.upsert([record(title="Another", revised_on=date(2025, 1, 1))], source="pubmed")

    assert Study.objects.get().sources == sorted([fat.pk, nanofat.pk])
    assert StudyTag.objects.filter(origin=TagOrigin.PERSON).count() == 1


def test_a_file_fills_gaps_of_pubmeds_record_and_replaces_nothing():
    catalogue.upsert([record(doi="10.1000/x")], source="pubmed")

    poorer = record(None, doi="10.1000/x", title="Title as some database prints it", volume="12", abstract=())
    taken = catalogue.upsert([poorer], source="file") + catalogue.upsert([poorer], source="file")

    report = Report.objects.get()
    assert results(taken) == ["changed", "unchanged"]
    assert (report.title, report.volume, report.source) == (record().title, "12", "pubmed")


def test_pubmed_completes_what_a_file_began_and_keeps_what_only_the_file_said():
    catalogue.upsert([record(None, doi="10.1000/x", title="Rough title", publisher="Synthetic Press")], source="file")

    taken = catalogue.upsert([record(5, doi="10.1000/x")], source="pubmed")

    report = Report.objects.get()
    assert results(taken) == ["changed"]
    assert (report.pmid, report.title, report.publisher) == (5, record(5).title, "Synthetic Press")


def test_records_without_any_identifier_are_known_again_by_title_year_and_first_author():
    nameless = record(None, title="A synthetic title that is long enough to be told apart")

    taken = catalogue.upsert([nameless], source="file") + catalogue.upsert([nameless], source="file")

    assert results(taken) == ["created", "unchanged"]
    assert Report.objects.count() == 1


def test_a_starter_row_known_by_its_title_alone_is_completed_and_not_doubled():
    title = "A synthetic title that is long enough to be told apart"
    row = Said(Record(title=title)).new_report(source="starter", now=timezone.now())
    row.study = Study.objects.create(is_starter=True)
    row.save()

    taken = catalogue.upsert([record(7, title=title)], source="pubmed")

    assert results(taken) == ["changed"]
    assert Report.objects.get().pmid == 7 and Study.objects.get().is_starter


def test_two_pmids_with_one_doi_stay_two_reports():
    taken = catalogue.upsert([record(1, doi="10.1000/x"), record(2, doi="10.1000/x")], source="pubmed")

    assert results(taken) == ["created", "created"]
    assert Report.objects.count() == 2


def test_a_pmcid_that_two_pmids_claim_stays_with_the_first_and_is_said():
    catalogue.upsert([record(1, pmcid="PMC5")], source="pubmed")

    taken = catalogue.upsert([record(2, pmcid="PMC5")], source="pubmed")

    assert results(taken) == ["created"]
    assert "PMC5 belongs to PMID 1" in taken[0].reason
    assert list(Report.objects.order_by("pmid").values_list("pmcid", flat=True)) == ["PMC5", None]


def test_one_record_the_database_refuses_does_not_take_the_others_with_it():
    taken = catalogue.upsert([record(1), record(2, title="nul\x00"), record(3)], source="file")

    assert results(taken) == ["created", "rejected", "created"]
    assert "refused" in taken[1].reason


RETRACTED = Coded("Retracted Publication", "D016441")


def test_a_retracted_paper_is_flagged_and_its_notice_never_is():
    paper = record(1, relations=(Relation("RetractionIn", "J Synth. 2022;1:1", 2),), publication_types=(RETRACTED,))
    notice = record(
        2,
        kind="notice",
        relations=(Relation("RetractionOf", "J Synth. 2020;1:1", 1),),
        publication_types=(Coded("Retraction of Publication", "D016440"),),
    )

    catalogue.upsert([notice, paper], source="pubmed")

    statuses = dict(Report.objects.values_list("pmid", "study__notice_status"))
    assert statuses == {1: NoticeStatus.RETRACTED, 2: NoticeStatus.NONE}
    assert Notice.objects.count() == 1, "both sides speak of the same notice"


@pytest.mark.parametrize("paper_first", [True, False])
def test_a_notice_flags_its_paper_whichever_comes_first(paper_first):
    paper, notice = record(1), record(2, kind="notice", relations=(Relation("RetractionOf", "J Synth", 1),))

    for one in (paper, notice) if paper_first else (notice, paper):
        catalogue.upsert([one], source="pubmed")

    assert Report.objects.get(pmid=1).study.notice_status == NoticeStatus.RETRACTED


def test_a_publication_type_alone_is_a_retraction_and_a_missing_pmid_is_no_obstacle():
    catalogue.upsert(
        [record(1, publication_types=(RETRACTED,)), record(2, relations=(Relation("RetractionIn", "J Synth 2022"),))],
        source="pubmed",
    )

    assert set(Study.objects.values_list("notice_status", flat=True)) == {NoticeStatus.RETRACTED}


def test_a_notice_its_source_takes_back_is_kept_but_no_longer_in_force():
    catalogue.upsert([record(relations=(Relation("ExpressionOfConcernIn", "J Synth", 9),))], source="pubmed")

    catalogue.upsert([record(revised_on=date(2025, 1, 1))], source="pubmed")

    assert Notice.objects.get().unstated_since is not None
    assert Study.objects.get().notice_status == NoticeStatus.NONE


def test_a_dismissed_notice_stays_dismissed_when_it_is_stated_again():
    concern = (Relation("ExpressionOfConcernIn", "J Synth", 9),)
    catalogue.upsert([record(relations=concern)], source="pubmed")
    Notice.objects.update(dismissed_at="2024-01-01T00:00Z", dismissed_why="Another article of the same title.")

    catalogue.upsert([record(relations=concern, volume="8", revised_on=date(2025, 1, 1))], source="pubmed")

    assert Study.objects.get().notice_status == NoticeStatus.NONE


def test_registration_numbers_from_the_databank_count_and_those_in_the_text_are_only_mentioned():
    catalogue.upsert(
        [
            record(
                databanks=(DataBank("ClinicalTrials.gov", ("NCT01234567",)), DataBank("GENBANK", ("AB123456",))),
                abstract=(Section("Unlike NCT07654321 and ISRCTN12345678, this one is synthetic."),),
            )
        ],
        source="pubmed",
    )

    mentions = set(RegistrationMention.objects.values_list("registration__number", "basis"))
    assert mentions == {
        ("NCT01234567", MentionBasis.DATABANK),
        ("NCT07654321", MentionBasis.TEXT),
        ("ISRCTN12345678", MentionBasis.TEXT),
    }
    assert Study.objects.get().n_registrations == 1


def test_a_pmc_article_without_a_pmid_is_a_report_too_and_its_text_is_kept_under_its_licence():
    text = SourceText(licence="CC BY 4.0", has_body=True, sections=(FullTextSection("Methods", 1, ("Synthetic.",)),))

    taken = catalogue.upsert([record(None, pmcid="PMC9", full_text=text)], source="pmc")

    assert results(taken) == ["created"]
    assert FullText.objects.get(report__pmcid="PMC9").sections[0]["heading"] == "Methods"
    assert Study.objects.get().has_full_text


def test_a_text_that_was_kept_is_not_taken_away_by_an_answer_without_a_body():
    text = SourceText(licence="CC BY 4.0", has_body=True, sections=(FullTextSection("Methods", 1, ("Synthetic.",)),))
    catalogue.upsert([record(None, pmcid="PMC9", full_text=text)], source="pmc")

    catalogue.upsert([record(None, pmcid="PMC9", full_text=SourceText(has_body=False))], source="pmc")

    assert FullText.objects.get().sections


def test_the_design_comes_from_publication_types_then_the_registry_then_mesh():
    none = ()
    animals = (MeshHeading("Animals", "D000818"), MeshHeading("Mice"))
    catalogue.upsert(
        [
            record(1, publication_types=(Coded("Randomized Controlled Trial, Veterinary", "D000081262"),)),
            record(2, publication_types=none, databanks=(DataBank("ClinicalTrials.gov", ("NCT00000002",)),)),
            record(3, publication_types=none, mesh=animals),
            record(4, publication_types=none, mesh=(*animals, MeshHeading("Humans"))),
            record(5, publication_types=(Coded("Clinical Trial Protocol", ""), Coded("Randomized Controlled Trial"))),
        ],
        source="pubmed",
    )

    designs = dict(Report.objects.values_list("pmid", "study__design"))
    assert designs == {1: "animal", 2: "trial", 3: "animal", 4: "not-stated", 5: "protocol"}


def test_everything_a_clinician_may_type_finds_the_study():
    catalogue.upsert(
        [
            record(
                doi="10.1000/abc",
                vernacular_title="Eigenfett im Gesicht",
                keywords=(Keyword("lipofilling"),),
                databanks=(DataBank("ClinicalTrials.gov", ("NCT01234567",)),),
            )
        ],
        source="pubmed",
    )

    for typed in ("perioral", "Eigenfett", "lipofilling", "volunteers", "Doe", "NCT01234567", "Synthetic Group"):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM studies_study WHERE search_vector @@ websearch_to_tsquery('english', %s)", [typed]
            )
            assert cursor.fetchone() == (1,), typed


def test_settling_follows_a_chain_of_repeats():
    a, b, c = (
        record(1),
        replace(record(1), revised_on=date(2022, 1, 1)),
        replace(record(1), revised_on=date(2023, 1, 1)),
    )

    winners, twins = catalogue.settle([a, b, c])

    assert (winners, twins) == ([2], {0: 2, 1: 2})
