"""Suggestions come with each imported batch and follow the rules; what people answered is theirs."""

from dataclasses import replace

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from studies.actions import catalogue, suggesting, tagging, vocabulary_changes
from studies.actions.study_rows import refresh_studies
from studies.actions.vocabulary import load_vocabulary
from studies.models import Report, Study, StudyTag, Tag
from studies.rules import marked_text
from studies.sources.record import PartialDate, Record, Section
from studies.terms import TagOrigin, TagStatus

pytestmark = pytest.mark.django_db

OPEN = {"origin": TagOrigin.RULE, "status": TagStatus.SUGGESTED}


def record(pmid: int = 1, **facts) -> Record:
    values = {
        "title": f"Nanofat injection for facial rejuvenation: synthetic study {pmid}",
        "abstract": (
            Section("Ageing skin was treated.", "BACKGROUND"),
            Section("Forty patients received nanofat. Wrinkles improved at 6 months.", "METHODS"),
        ),
        "published": PartialDate("2020", 2020, precision="year"),
    }
    return Record(pmid=pmid, **(values | facts))


@pytest.fixture(autouse=True)
def vocabulary(db) -> None:
    load_vocabulary()


def take(*records: Record) -> list[Study]:
    taken = catalogue.upsert(records, source="pubmed")
    return [Study.objects.get(reports=what.report_id) for what in taken]


def snapshot() -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, xmin::text FROM studies_studytag UNION ALL SELECT -id, xmin::text FROM studies_study"
        )
        return sorted(cursor.fetchall())


def test_a_new_record_has_its_suggestions_with_phrase_and_place():
    (study,) = take(record())

    row = StudyTag.objects.filter(study=study, tag__slug="src-nanofat", **OPEN).first()
    report = Report.objects.get()

    assert row is not None
    assert row.rule and row.rule_version
    assert row.report == report
    text = report.title if row.field == "title" else marked_text.joined(report.abstract)
    assert text[row.start : row.end] == row.phrase
    assert study.n_open_suggestions == len(set(StudyTag.objects.filter(**OPEN).values_list("tag", flat=True)))


def test_a_suggestion_alone_counts_nowhere():
    (study,) = take(record())

    assert study.n_open_suggestions > 0
    assert not study.sources
    assert study.packed_terms == ""


def test_a_batch_of_many_costs_no_more_statements_than_one_of_few():
    def statements(first: int, n: int, **facts) -> int:
        with CaptureQueriesContext(connection) as queries:
            catalogue.upsert([record(pmid, **facts) for pmid in range(first, first + n)], source="pubmed")
        return len(queries)

    few_new, many_new = statements(1, 3), statements(100, 40)
    few_changed = statements(1, 3, title="Adipose-derived stem cells for facial wrinkles")
    many_changed = statements(100, 40, title="Adipose-derived stem cells for facial wrinkles")

    assert few_new == many_new
    assert few_changed == many_changed


def test_reading_again_with_the_same_rules_writes_nothing():
    take(record(1), record(2))
    before = snapshot()

    changes = list(suggesting.suggest_all(is_full=True))

    assert changes == [(2, 0)]
    assert snapshot() == before


def test_a_study_read_with_older_rules_is_read_again_once():
    (study,) = take(record())
    Study.objects.filter(pk=study.pk).update(suggested_with="older")
    StudyTag.objects.filter(tag__slug="src-nanofat").update(rule_version=0)

    call_command("suggest_tags", verbosity=0)

    assert Study.objects.get().suggested_with == suggesting.edition()
    assert not StudyTag.objects.filter(rule_version=0).exists()
    assert list(suggesting.suggest_all()) == []


def test_newer_rules_change_open_suggestions_and_leave_answered_ones(clinician):
    (study,) = take(record())
    nanofat = Tag.objects.get(slug="src-nanofat")
    tagging.answer(study, by=clinician, answers={nanofat.pk: TagStatus.REJECTED})
    StudyTag.objects.filter(origin=TagOrigin.RULE).update(rule_version=0, phrase="as it was")
    answered = list(StudyTag.objects.filter(tag=nanofat).order_by("pk").values())

    list(suggesting.suggest_all(is_full=True))

    assert list(StudyTag.objects.filter(tag=nanofat).order_by("pk").values()) == answered
    assert not StudyTag.objects.filter(phrase="as it was", **OPEN).exists()


def test_a_rule_that_no_longer_fires_takes_its_open_suggestion_along():
    (study,) = take(record())
    StudyTag.objects.create(study=study, tag=Tag.objects.get(slug="src-plant"), rule="src-plant.gone", **OPEN)

    list(suggesting.suggest_all(is_full=True))

    assert not StudyTag.objects.filter(rule="src-plant.gone").exists()


def test_a_changed_record_is_read_again():
    take(record())

    (study,) = take(record(title="Bone marrow stem cells for facial rejuvenation", abstract=()))

    slugs = set(StudyTag.objects.filter(study=study, **OPEN).values_list("tag__slug", flat=True))
    assert "src-nanofat" not in slugs
    assert slugs
    assert study.n_open_suggestions == len(slugs)


def test_a_rule_that_fires_anew_on_an_answered_term_is_answered_too(clinician):
    (study,) = take(record(title="A synthetic study of facial ageing", abstract=(Section("Wrinkles improved."),)))
    nanofat = Tag.objects.get(slug="src-nanofat")
    tagging.answer(study, by=clinician, answers={nanofat.pk: TagStatus.ACCEPTED})

    take(record())

    rules = StudyTag.objects.filter(study=study, tag=nanofat, origin=TagOrigin.RULE)
    assert set(rules.values_list("status", flat=True)) == {TagStatus.ACCEPTED}


def test_a_study_of_two_reports_says_which_one_it_was_read_in():
    first, second = take(record(1, title="A synthetic letter on facial ageing", abstract=()), record(2))
    Report.objects.filter(study=second).update(study=first)

    suggesting.renew([first.pk])

    row = StudyTag.objects.filter(study=first, tag__slug="src-nanofat", **OPEN).first()
    assert row.report.pmid == 2


def test_a_retired_term_is_not_suggested_and_a_merged_one_under_its_new_name(admin):
    retired, merged, into = (Tag.objects.get(slug=slug) for slug in ("out-wrinkles", "src-nanofat", "src-fat"))
    vocabulary_changes.retire(retired, by=admin)
    vocabulary_changes.merge(merged, into=into, by=admin)

    (study,) = take(record())

    suggested = StudyTag.objects.filter(study=study, **OPEN)
    assert not suggested.filter(tag__in=[retired, merged]).exists()
    assert suggested.filter(tag=into, rule__contains="nanofat").exists()


def test_a_retraction_notice_suggests_nothing():
    (study,) = take(replace(record(), title="Retraction: nanofat for facial rejuvenation", abstract=()))
    Report.objects.update(kind="notice")

    suggesting.renew([study.pk])
    refresh_studies([study.pk])

    assert not StudyTag.objects.exists()
    assert Study.objects.get().n_open_suggestions == 0
