"""Django's admin: corrections by people are kept, logged, and carried to the study rows."""

from datetime import date

import pytest
from django.urls import reverse
from django.utils import timezone

from studies.actions import catalogue
from studies.models import AuditEvent, Notice, Report, ReportEvent, Search, SearchRun, Study, StudyTag, Tag
from studies.sources.record import Record
from studies.terms import Facet, NoticeKind, NoticeStatus, TagOrigin

pytestmark = pytest.mark.django_db
TITLE = "Synthetic trial of nanofat"


def imported(title: str = TITLE, revised: date = date(2024, 1, 1)) -> Report:
    """A report as PubMed states it."""
    record = Record(pmid=900000001, title=title, revised_on=revised)
    catalogue.upsert([record], source="pubmed")
    return Report.objects.get(pmid=900000001)


def form_of(client, address: str) -> dict[str, object]:
    """What the admin's form holds before a person changes it."""
    form = client.get(address).context["adminform"].form
    values = {name: form[name].value() for name in form.fields}
    return {name: "" if value is None else value for name, value in values.items() if value is not False}


def correct(client, row, **changes):
    address = reverse(f"admin:studies_{row._meta.model_name}_change", args=[row.pk])
    return client.post(address, form_of(client, address) | changes)


def test_a_corrected_title_is_kept_against_the_source_and_reaches_the_study(admin_client, admin):
    report = imported()

    answer = correct(admin_client, report, title="The title as a person corrected it")
    imported("Another title by PubMed", date(2025, 1, 1))

    report.refresh_from_db()
    event = AuditEvent.objects.filter(verb="corrected").get()
    assert answer.status_code == 302
    assert report.edited_fields == ["title"]
    assert report.title == "The title as a person corrected it"
    assert report.study.title == "The title as a person corrected it"
    assert event.actor_id == admin.pk
    assert event.detail == {
        "before": {"title": TITLE},
        "after": {"title": "The title as a person corrected it"},
    }


def test_a_corrected_doi_brings_the_notice_that_waited_for_it(admin_client):
    report = imported()
    Notice.objects.create(subject_doi="10.5555/later", kind=NoticeKind.RETRACTION, source="retraction-watch", key="1")

    correct(admin_client, report, doi="10.5555/later")

    assert Study.objects.get().notice_status == NoticeStatus.RETRACTED
    assert ReportEvent.objects.get().field == NoticeKind.RETRACTION


def test_saving_without_a_change_writes_nothing(admin_client):
    report = imported()
    before = Report.objects.values().get(), AuditEvent.objects.count()

    correct(admin_client, report)

    assert (Report.objects.values().get(), AuditEvent.objects.count()) == before


def test_the_people_and_follow_up_of_a_study_are_corrected(admin_client):
    study = imported().study

    correct(admin_client, study, n_participants="24", follow_up_months="6.5", in_default_views="on")

    study.refresh_from_db()
    assert (study.n_participants, float(study.follow_up_months)) == (24, 6.5)
    assert AuditEvent.objects.filter(object_type="study", verb="corrected").count() == 1


def test_dismissing_a_notice_needs_a_reason_and_frees_the_study(admin_client, admin):
    report = imported()
    notice = Notice.objects.create(report=report, kind=NoticeKind.RETRACTION, key="synthetic")
    study = report.study

    correct(admin_client, notice, dismissed_why="It names another paper.")
    notice.refresh_from_db()
    study.refresh_from_db()
    dismissed = notice.dismissed_by, notice.dismissed_at is not None, study.notice_status
    correct(admin_client, notice, dismissed_why="")
    notice.refresh_from_db()
    study.refresh_from_db()

    assert dismissed == (admin, True, NoticeStatus.NONE)
    assert (notice.dismissed_by, notice.dismissed_at, study.notice_status) == (None, None, NoticeStatus.RETRACTED)


def test_an_edited_term_is_marked_and_its_new_place_reaches_its_studies(admin_client):
    fat = Tag.objects.create(facet=Facet.SOURCE, slug="fat", label="Fat")
    nanofat = Tag.objects.create(facet=Facet.SOURCE, slug="nanofat", label="Nanofat")
    study = imported().study
    StudyTag.objects.create(study=study, tag=nanofat, origin=TagOrigin.PERSON)

    correct(admin_client, nanofat, parent=fat.pk)

    nanofat.refresh_from_db()
    study.refresh_from_db()
    assert nanofat.edited_at is not None
    assert set(study.sources) == {fat.pk, nanofat.pk}


def test_a_term_cannot_stand_beneath_itself(admin_client):
    fat = Tag.objects.create(facet=Facet.SOURCE, slug="fat", label="Fat")
    nanofat = Tag.objects.create(facet=Facet.SOURCE, slug="nanofat", label="Nanofat", parent=fat)

    answer = correct(admin_client, fat, parent=nanofat.pk)

    fat.refresh_from_db()
    assert "cannot stand beneath itself" in answer.content.decode()
    assert fat.parent is None


def test_a_term_stands_beneath_one_of_its_own_facet(admin_client):
    nanofat = Tag.objects.create(facet=Facet.SOURCE, slug="nanofat", label="Nanofat")
    topical = Tag.objects.create(facet=Facet.DELIVERY, slug="topical", label="Topical")

    answer = correct(admin_client, nanofat, parent=topical.pk)

    nanofat.refresh_from_db()
    assert "“Topical” is of another facet: Delivery method." in answer.content.decode()
    assert nanofat.parent is None


def test_a_term_is_retired_on_the_page_of_the_vocabulary_alone_and_that_is_where_its_form_leads(admin_client):
    nanofat = Tag.objects.create(facet=Facet.SOURCE, slug="nanofat", label="Nanofat")

    answer = correct(admin_client, nanofat, label="Nano fat", is_retired="on")

    nanofat.refresh_from_db()
    assert (nanofat.label, nanofat.is_retired) == ("Nano fat", False)
    assert answer.url == reverse("studies:vocabulary")


def test_a_search_changed_in_the_admin_gets_its_next_run_and_a_bad_schedule_is_refused(admin_client):
    search = Search.objects.create(name="Nanofat", query="nanofat")

    bad = correct(admin_client, search, schedule="now and then")
    good = correct(admin_client, search, schedule="0 3 * * *")

    search.refresh_from_db()
    assert "is not a cron expression" in bad.content.decode()
    assert good.status_code == 302
    assert search.next_run_at is not None
    assert AuditEvent.objects.filter(object_type="search").count() == 1


def test_a_search_deleted_in_the_admin_leaves_the_lists_and_its_runs_stay(admin_client):
    search = Search.objects.create(name="Nanofat", query="nanofat")
    SearchRun.objects.create(search=search, kind="search", asked="nanofat", state="finished")
    address = reverse("admin:studies_search_delete", args=[search.pk])

    question, answer = admin_client.get(address), admin_client.post(address, {"post": "yes"})

    search.refresh_from_db()
    assert (question.status_code, answer.status_code) == (200, 302)
    assert search.deleted_at and SearchRun.objects.get().search == search
    assert AuditEvent.objects.get(verb="deleted").detail["query"] == "nanofat"


def test_a_search_is_paused_in_the_admin_and_a_standing_job_is_not_deleted(admin_client):
    search = Search.objects.create(name="Nanofat", query="nanofat", schedule="0 3 * * *", next_run_at=timezone.now())
    job = Search.objects.create(name="Check again", kind="pmids", query="", slug="job")

    correct(admin_client, search, is_paused="on")

    search.refresh_from_db()
    assert search.is_paused and search.next_run_at is None
    assert admin_client.get(reverse("admin:studies_search_delete", args=[job.pk])).status_code == 403


def test_a_search_and_a_term_are_added_in_the_admin(admin_client):
    search = {"name": "New", "kind": "search", "query": "microfat", "schedule": "", "overlap_days": "14", "use": "add"}
    term = {"facet": Facet.SOURCE, "slug": "microfat", "label": "Microfat", "mesh": "[]", "position": "3"}

    one = admin_client.post(reverse("admin:studies_search_add"), search)
    other = admin_client.post(reverse("admin:studies_tag_add"), term)

    assert (one.status_code, other.status_code) == (302, 302)
    assert Search.objects.get().name == "New"
    assert Tag.objects.get().edited_at is not None


@pytest.mark.parametrize("model", ["report", "study", "notice", "tag", "search", "searchrun", "auditevent", "user"])
@pytest.mark.parametrize("words", ["nanofat", "900000001", "10.1000/x", "99999999999999999999"])
def test_a_list_is_searched_by_words_and_numbers(admin_client, model, words):
    imported()

    answer = admin_client.get(reverse(f"admin:studies_{model}_changelist"), {"q": words})

    assert answer.status_code == 200
    if (model, words) in {("report", "900000001"), ("report", "nanofat"), ("study", "900000001")}:
        assert TITLE in answer.content.decode()


def test_a_study_has_the_right_row_after_a_correction_of_its_report(admin_client):
    report = imported()

    correct(admin_client, report, published_on="2023-05-01", published_precision="month", journal="Synthetic Journal")

    study = Study.objects.get()
    assert (study.year, study.journal) == (2023, "Synthetic Journal")
