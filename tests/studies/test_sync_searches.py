"""The Sync page's searches and standing jobs: schedules, next runs, deleting, what waits and what is overdue."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from studies.models import Finding, Search, SearchRun
from studies.rules import schedules
from studies.terms import FindingResult, RunKind, RunState
from tests.studies.test_sync_pages import FORM, a_run, a_search, text_of

pytestmark = pytest.mark.django_db


def test_a_schedule_may_be_a_cron_expression_and_the_next_five_runs_are_shown(admin_client):
    form = FORM | {"schedule": "cron", "cron": " 30 2  * * 1-5 "}

    admin_client.post(reverse("studies:search_new"), form)

    search = Search.objects.get()
    page = admin_client.get(reverse("studies:search_edit", args=[search.pk]))
    assert search.schedule == "30 2 * * 1-5"
    assert len(page.context["coming"]) == 5
    assert all((day.hour, day.minute) == (2, 30) and day.weekday() < 5 for day in page.context["coming"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"schedule": "cron", "cron": ""},
        {"schedule": "cron", "cron": "every tuesday"},
        {"schedule": "cron", "cron": "0 0 31 2 *"},
        {"schedule": "cron", "cron": "61 * * * *"},
        {"schedule": schedules.DAILY, "cron": "0 3 * * *"},
    ],
)
def test_a_cron_expression_that_makes_no_sense_is_refused_at_its_field(admin_client, wrong):
    answer = admin_client.post(reverse("studies:search_new"), FORM | wrong)

    assert answer.status_code == 422
    assert 'href="#id_cron"' in text_of(answer)
    assert not Search.objects.exists()


def test_a_source_that_nothing_here_can_ask_is_refused(admin_client):
    assert admin_client.post(reverse("studies:search_new"), FORM | {"kind": "refresh"}).status_code == 422


def test_a_deleted_search_is_gone_from_the_page_and_its_runs_are_not(admin_client):
    search = a_search()
    run = a_run(search, RunState.FINISHED, finished_at=timezone.now())

    answer = admin_client.post(reverse("studies:search_delete", args=[search.pk]), follow=True)

    assert "Its runs and what they found stay" in text_of(answer)
    assert 'class="card search-card"' not in text_of(answer)
    assert admin_client.get(reverse("studies:search_edit", args=[search.pk])).status_code == 404
    assert admin_client.post(reverse("studies:search_run", args=[search.pk])).status_code == 404
    assert "Run again" not in text_of(admin_client.get(run.get_absolute_url()))


def test_a_standing_job_is_shown_with_its_next_run_and_cannot_be_deleted(admin_client):
    job = a_search(name="Check again", kind=RunKind.PMIDS, query="", slug="job", schedule=schedules.DAILY)
    form = admin_client.get(reverse("studies:search_edit", args=[job.pk]))

    page = admin_client.post(reverse("studies:search_delete", args=[job.pk]), follow=True)

    assert set(form.context["form"].fields) == {"name", "schedule", "cron"}
    assert "Delete this search" not in text_of(form)
    assert "it can be paused, not deleted" in text_of(page)
    assert [row.search for row in page.context["jobs"]] == [job]
    changed = {"name": "Check again", "schedule": schedules.WEEKLY, "cron": ""}
    assert admin_client.post(reverse("studies:search_edit", args=[job.pk]), changed).status_code == 302
    job.refresh_from_db()
    assert job.schedule == schedules.WEEKLY


def test_starter_searches_stand_apart_until_an_address_is_given(admin_client, settings):
    settings.NCBI_EMAIL = ""
    a_search(name="S1", slug="s1", is_paused=True, awaits_email=True, schedule=schedules.WEEKLY, note="The core.")

    page = admin_client.get(reverse("studies:sync"))

    assert "1 starter searches are paused until then" not in text_of(page)
    assert "1 starter search is paused until then" in text_of(page)
    assert "Waits for NCBI_EMAIL" in text_of(page) and "The core." in text_of(page)


def test_an_overdue_search_is_named_at_the_top_with_its_reason(admin_client):
    search = a_search(schedule=schedules.DAILY, next_run_at=timezone.now() + timedelta(hours=9))
    retry_at = timezone.now() + timedelta(minutes=20)
    a_run(search, RunState.FAILED, finished_at=timezone.now(), failure="NCBI is down.", n_failures=2, retry_at=retry_at)

    page = text_of(admin_client.get(reverse("studies:sync")))

    assert "1 overdue" in page and "Failed 2 times in a row. NCBI is down." in page
    assert "Tried again" in page


def test_what_a_run_only_listed_is_taken_over_by_one_click(admin_client):
    run = a_run(a_search(), RunState.FINISHED, finished_at=timezone.now(), n_listed=2, n_found=2)
    for position in (1, 2):
        pmid = str(900000000 + position)
        Finding.objects.create(run=run, position=position, identifier=pmid, result=FindingResult.LISTED)
    assert "Take over what was only listed" in text_of(admin_client.get(run.get_absolute_url()))

    answer = admin_client.post(reverse("studies:run_take", args=[run.pk]))

    taking = SearchRun.objects.exclude(pk=run.pk).get()
    assert answer.url == taking.get_absolute_url()
    assert (taking.kind, taking.asked) == (RunKind.PMIDS, "900000001 900000002")


def test_of_papers_that_are_not_in_the_catalogue_a_file_of_notices_offers_none(admin_client):
    run = a_run(None, RunState.FINISHED, kind=RunKind.RETRACTIONS, finished_at=timezone.now(), n_listed=2, n_found=2)

    assert "Take over what was only listed" not in text_of(admin_client.get(run.get_absolute_url()))
