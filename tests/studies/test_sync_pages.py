"""The Sync pages: searches, their runs and progress, files, and the workers."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from studies.actions import running
from studies.models import AuditEvent, Finding, Heartbeat, Report, Search, SearchRun, Study
from studies.queries import runs as queries
from studies.rules import schedules
from studies.terms import FindingResult, RunKind, RunState

QUERY = "nanofat[tiab]"
FORM = {"name": "Nanofat", "kind": "search", "query": QUERY, "use": "add", "schedule": schedules.WEEKLY}
FORM |= {"overlap_days": "14"}
NBIB = b"PMID- 900000001\nTI  - A synthetic record about nanofat\nDP  - 2024 Mar\nPT  - Journal Article\n"


def a_search(**fields) -> Search:
    return Search.objects.create(**{"name": "Nanofat", "query": QUERY} | fields)


def a_run(search: Search | None = None, state: str = RunState.RUNNING, **fields) -> SearchRun:
    kind = RunKind.SEARCH if search else RunKind.FILE
    return SearchRun.objects.create(search=search, **{"kind": kind, "asked": "nanofat.nbib", "state": state} | fields)


def text_of(answer) -> str:
    return " ".join(answer.content.decode().split())


# --- Searches -------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_search_is_saved_with_its_schedule_and_its_next_run(admin_client):
    answer = admin_client.post(reverse("studies:search_new"), FORM)

    search = Search.objects.get()
    assert answer.status_code == 302
    assert (search.name, search.query, search.schedule) == ("Nanofat", QUERY, schedules.WEEKLY)
    assert search.next_run_at > timezone.now()
    assert AuditEvent.objects.get().verb == "created"


@pytest.mark.django_db
def test_a_search_by_hand_has_no_next_run(admin_client):
    admin_client.post(reverse("studies:search_new"), {**FORM, "schedule": "by-hand"})

    search = Search.objects.get()
    assert search.schedule == ""
    assert search.next_run_at is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": ""}, "id_name"),
        ({"name": "  the other   search "}, "id_name"),
        ({"query": " "}, "id_query"),
        ({"schedule": "every now and then"}, "id_schedule"),
        ({"overlap_days": "-1"}, "id_overlap_days"),
        ({"overlap_days": "4000"}, "id_overlap_days"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused_with_a_link_to_the_field(admin_client, wrong, field):
    a_search(name="The other search")

    answer = admin_client.post(reverse("studies:search_new"), FORM | wrong)

    assert answer.status_code == 422
    assert f'href="#{field}"' in text_of(answer)
    assert Search.objects.count() == 1


@pytest.mark.django_db
def test_changing_a_search_keeps_a_schedule_of_its_own_kind(admin_client):
    search = a_search(schedule="15 4 * * 2,5")
    page = text_of(admin_client.get(reverse("studies:search_edit", args=[search.pk])))

    answer = admin_client.post(
        reverse("studies:search_edit", args=[search.pk]), {**FORM, "schedule": search.schedule, "query": "microfat"}
    )

    search.refresh_from_db()
    assert '<option value="15 4 * * 2,5" selected>' in page
    assert answer.status_code == 302
    assert (search.schedule, search.query) == ("15 4 * * 2,5", "microfat")
    assert AuditEvent.objects.get().detail["before"]["query"] == QUERY


@pytest.mark.django_db(transaction=True)
def test_the_preview_says_how_many_pubmed_would_find_and_saves_nothing(admin_client, ncbi):
    answer = admin_client.post(reverse("studies:search_new"), {**FORM, "query": "skin", "preview": "1"})

    page = text_of(answer)
    assert answer.status_code == 200
    assert "in PubMed now" in page
    assert "As PubMed understood it" in page
    assert 'value="Nanofat"' in page
    assert len(ncbi.asked("esearch")) == 1
    assert not Search.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_preview_says_so_when_pubmed_does_not_answer(admin_client, settings):
    settings.NCBI_BASE_URL = "http://127.0.0.1:9/"

    answer = admin_client.post(reverse("studies:search_new"), {**FORM, "preview": "1"})

    assert answer.status_code == 200
    assert "PubMed did not answer" in text_of(answer)


@pytest.mark.django_db
def test_a_search_runs_once_at_a_time(admin_client):
    search = a_search()

    first = admin_client.post(reverse("studies:search_run", args=[search.pk]))
    second = admin_client.post(reverse("studies:search_run", args=[search.pk]), follow=True)

    run = SearchRun.objects.get()
    assert first.url == run.get_absolute_url()
    assert "running already" in text_of(second)


@pytest.mark.django_db
def test_a_paused_schedule_has_no_next_run_until_it_is_resumed(admin_client):
    search = a_search(schedule=schedules.DAILY, next_run_at=timezone.now())

    admin_client.post(reverse("studies:search_pause", args=[search.pk]))
    paused = Search.objects.get()
    admin_client.post(reverse("studies:search_resume", args=[search.pk]))
    resumed = Search.objects.get()

    assert (paused.is_paused, paused.next_run_at) == (True, None)
    assert not resumed.is_paused
    assert resumed.next_run_at > timezone.now()


@pytest.mark.django_db
def test_the_list_shows_the_exact_query_the_schedule_and_what_came_of_the_last_run(admin_client):
    search = a_search(schedule=schedules.WEEKLY, next_run_at=timezone.now() + timedelta(days=2))
    a_run(search, RunState.FINISHED, n_found=40, n_known=40, finished_at=timezone.now())

    page = text_of(admin_client.get(reverse("studies:sync")))

    assert f"<pre>{QUERY}</pre>" in page
    assert "Every Monday at 03:00 UTC" in page
    assert "0 new, all sources answered." in page
    assert "Overdue" not in page


@pytest.mark.django_db
def test_a_search_that_should_have_run_long_ago_is_marked_overdue(admin_client):
    a_search(schedule=schedules.DAILY, next_run_at=timezone.now() - timedelta(days=1))

    assert "Overdue" in text_of(admin_client.get(reverse("studies:sync")))


@pytest.mark.django_db
def test_the_sync_page_asks_the_database_no_more_for_twenty_searches_than_for_two(admin_client):
    def n_statements(n: int) -> int:
        for i in range(Search.objects.count(), n):
            search = a_search(name=f"Search {i}")
            a_run(search, RunState.FINISHED, finished_at=timezone.now())
            a_run(search)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            admin_client.get(reverse("studies:sync"))
        return len(asked)

    assert n_statements(2) == n_statements(20)


# --- Runs -----------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_search_typed_on_the_page_runs_and_its_studies_are_in_the_log(admin_client, ncbi):
    admin_client.post(reverse("studies:search_new"), {**FORM, "query": "skin"})
    started = admin_client.post(reverse("studies:search_run", args=[Search.objects.get().pk]))
    run = running.carry_on(SearchRun.objects.get().pk)

    page = text_of(admin_client.get(started.url))

    assert run.state == RunState.FINISHED
    assert run.n_created == Study.objects.count() > 0
    assert f"{run.n_created} new, 0 changed" in page
    assert Study.objects.first().get_absolute_url() in page
    assert run.translation.split("[")[0].strip('"') in page


@pytest.mark.django_db
def test_a_run_is_paused_resumed_and_cancelled(admin_client):
    run = a_run(a_search())
    states = []

    for verb in ("pause", "resume", "cancel"):
        admin_client.post(reverse(f"studies:run_{verb}", args=[run.pk]))
        states.append(SearchRun.objects.get().state)

    assert states == [RunState.PAUSED, RunState.WAITING, RunState.CANCELLED]


@pytest.mark.django_db
@pytest.mark.parametrize("verb", ["pause", "resume", "cancel"])
def test_a_run_that_has_ended_is_left_alone_and_the_page_says_why(admin_client, verb):
    run = a_run(a_search(), RunState.FINISHED, finished_at=timezone.now())

    answer = admin_client.post(reverse(f"studies:run_{verb}", args=[run.pk]), follow=True)

    assert SearchRun.objects.get().state == RunState.FINISHED
    assert "This run is finished" in text_of(answer)


@pytest.mark.django_db
def test_the_run_page_shows_what_was_asked_how_pubmed_understood_it_and_every_number(admin_client):
    numbers = {"n_found": 2_100, "n_fetched": 1_999, "n_created": 1_001, "n_changed": 202, "n_unchanged": 303}
    numbers |= {"n_known": 404, "n_vanished": 55, "n_rejected": 66, "n_errors": 77}
    run = a_run(a_search(), asked=QUERY, translation='"nanofat"[Title/Abstract]', warnings=["Ignored: xyz"], **numbers)

    page = text_of(admin_client.get(run.get_absolute_url()))

    assert f"<pre>{QUERY}</pre>" in page
    assert "&quot;nanofat&quot;[Title/Abstract]" in page
    assert "Ignored: xyz" in page
    for number in ("2,100", "1,999", "1,001", "202", "303", "404", "55", "66", "77"):
        assert f'<dd class="figures__value">{number}</dd>' in page
    assert '<progress class="progress__bar" aria-label="Records answered" value="2031" max="2100">' in page


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "template"), [("run_progress", "_progress"), ("run_line", "_line")])
def test_the_live_part_is_the_same_on_the_page_and_by_itself(admin_client, name, template):
    now = timezone.now()
    run = a_run(a_search(), n_found=10, n_created=4, started_at=now - timedelta(seconds=8), touched_at=now)
    page = reverse("studies:sync") if name == "run_line" else run.get_absolute_url()

    part = text_of(admin_client.get(reverse(f"studies:{name}", args=[run.pk])))

    assert part in text_of(admin_client.get(page))
    assert 'hx-trigger="every 1s"' in part


@pytest.mark.django_db
@pytest.mark.parametrize("state", [RunState.PAUSED, RunState.CANCELLED, RunState.FINISHED, RunState.FAILED])
def test_a_run_that_nobody_works_on_is_not_asked_for_every_second(admin_client, state):
    run = a_run(a_search(), state, finished_at=timezone.now())

    assert "hx-trigger" not in text_of(admin_client.get(run.get_absolute_url()))


@pytest.mark.django_db
def test_when_the_state_turns_the_whole_page_is_asked_for_again(admin_client):
    run = a_run(a_search())
    address = reverse("studies:run_progress", args=[run.pk])

    same = admin_client.get(address + "?phase=running")
    turned = admin_client.get(address + "?phase=waiting")
    SearchRun.objects.update(planned_at=timezone.now())
    planned = admin_client.get(address + "?phase=running")

    assert "HX-Refresh" not in same
    assert turned["HX-Refresh"] == "true"
    # The list of ids has come, and with it PubMed's translation and the log.
    assert planned["HX-Refresh"] == "true"


@pytest.mark.django_db
def test_the_log_is_filtered_by_result_and_says_why_a_record_was_rejected(admin_client):
    run = a_run(state=RunState.FINISHED, finished_at=timezone.now())
    study = Study.objects.create(title="A synthetic study")
    report = Report.objects.create(study=study, title=study.title, pmid=900000001)
    Finding.objects.create(run=run, position=1, identifier="900000001", result=FindingResult.CREATED, report=report)
    Finding.objects.create(run=run, position=2, identifier="line 40", result=FindingResult.REJECTED, reason="No title.")

    everything = text_of(admin_client.get(run.get_absolute_url()))
    rejected = text_of(admin_client.get(run.get_absolute_url() + "?result=rejected"))

    assert study.get_absolute_url() in everything
    assert "No title." in everything
    assert study.get_absolute_url() not in rejected
    assert "No title." in rejected


@pytest.mark.django_db
def test_a_long_log_is_paged_and_costs_the_same_as_a_short_one(admin_client):
    run = a_run(state=RunState.FINISHED, finished_at=timezone.now())
    study = Study.objects.create(title="A synthetic study")

    def n_statements(n: int) -> int:
        for i in range(run.findings.count() + 1, n + 1):
            report = Report.objects.create(study=study, title="A synthetic report", pmid=900000000 + i)
            Finding.objects.create(
                run=run, position=i, identifier=str(report.pmid), result=FindingResult.CREATED, report=report
            )
        with CaptureQueriesContext(connection) as asked:
            admin_client.get(run.get_absolute_url())
        return len(asked)

    few, many = n_statements(10), n_statements(130)
    second = text_of(admin_client.get(run.get_absolute_url() + "?page=2"))

    assert few == many
    assert "900000130" in second
    assert "900000001" not in second


@pytest.mark.django_db
def test_every_run_has_its_row_in_the_history_whatever_came_of_it(admin_client):
    search = a_search()
    a_run(search, RunState.FAILED, failure="NCBI did not answer.", finished_at=timezone.now())
    a_run(search, RunState.FINISHED, n_found=3, n_known=3, finished_at=timezone.now())
    a_run(state=RunState.CANCELLED, asked="other.ris", finished_at=timezone.now())

    everything = text_of(admin_client.get(reverse("studies:runs")))
    of_search = text_of(admin_client.get(reverse("studies:runs") + f"?search={search.pk}"))

    assert "NCBI did not answer." in everything
    assert "0 new, all sources answered." in everything
    assert "other.ris" in everything
    assert "other.ris" not in of_search


# --- Files ----------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_file_is_imported_as_a_run_with_its_log(admin_client):
    answer = admin_client.post(reverse("studies:import"), {"file": SimpleUploadedFile("mine.nbib", NBIB)})
    run = running.carry_on(SearchRun.objects.get().pk)

    page = text_of(admin_client.get(answer.url))

    assert answer.url == run.get_absolute_url()
    assert (run.state, run.n_created) == (RunState.FINISHED, 1)
    assert "mine.nbib" in page
    assert "A synthetic record about nanofat" in page


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "content"),
    [("picture.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 50), ("letter.txt", b"Dear colleague,\n"), ("empty.nbib", b"")],
)
def test_a_file_of_the_wrong_kind_is_refused_in_one_sentence(admin_client, name, content):
    answer = admin_client.post(reverse("studies:import"), {"file": SimpleUploadedFile(name, content)})

    assert answer.status_code == 422
    assert 'href="#id_file"' in text_of(answer)
    assert not SearchRun.objects.exists()


@pytest.mark.django_db
def test_a_file_that_is_too_large_is_refused_with_the_bound(admin_client, settings):
    settings.UPLOAD_MEGABYTES = 1
    file = SimpleUploadedFile("large.nbib", NBIB * 15_000)

    answer = admin_client.post(reverse("studies:import"), {"file": file})

    assert answer.status_code == 422
    assert "at most 1.0" in text_of(answer)


# --- Workers and settings -------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_page_says_when_no_worker_has_ever_been_seen(admin_client):
    assert "No worker has been seen yet" in text_of(admin_client.get(reverse("studies:sync")))


@pytest.mark.django_db
def test_the_page_says_since_when_no_worker_has_been_seen(admin_client):
    Heartbeat.objects.create(name="worker", at=timezone.now() - timedelta(hours=2))

    page = text_of(admin_client.get(reverse("studies:sync")))

    assert "No worker seen since" in page
    assert "Silent" in page


@pytest.mark.django_db
def test_the_page_is_quiet_while_a_worker_is_seen(admin_client):
    Heartbeat.objects.create(name="worker", at=timezone.now())

    page = text_of(admin_client.get(reverse("studies:sync")))

    assert "No worker" not in page
    assert "At work" in page


@pytest.mark.django_db
@pytest.mark.parametrize(("email", "is_said"), [("", True), ("library@example.org", False)])
def test_the_page_asks_for_an_address_while_ncbi_has_none(admin_client, settings, email, is_said):
    settings.NCBI_EMAIL = email

    assert ("set NCBI_EMAIL" in text_of(admin_client.get(reverse("studies:sync")))) == is_said


# --- Words and numbers ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ("", "By hand only"),
        ("0 3 * * *", "Daily at 03:00 UTC"),
        ("30 14 * * *", "Daily at 14:30 UTC"),
        ("0 3 * * 1", "Every Monday at 03:00 UTC"),
        ("0 3 * * 0", "Every Sunday at 03:00 UTC"),
        ("0 3 * * 7", "Every Sunday at 03:00 UTC"),
        ("5 6 15 * *", "Monthly on day 15 at 06:05 UTC"),
        ("*/5 * * * *", "Schedule */5 * * * *"),
        ("0 3 * * 1-5", "Schedule 0 3 * * 1-5"),
        ("0 3 1 6 *", "Schedule 0 3 1 6 *"),
    ],
)
def test_a_schedule_is_said_in_words(schedule, words):
    assert schedules.in_words(schedule) == words


NOW = timezone.now()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"state": "finished", "n_known": 9}, "0 new, all sources answered."),
        ({"state": "finished", "n_created": 3, "n_changed": 1}, "3 new, 1 changed, all sources answered."),
        ({"state": "finished", "n_created": 3, "n_vanished": 2}, "3 new, 0 changed; 2 not served by the source."),
        ({"state": "failed", "failure": "NCBI did not answer."}, "NCBI did not answer."),
        ({"state": "failed"}, "Failed without a recorded reason."),
        ({"state": "cancelled", "n_created": 1_200}, "Cancelled after 1,200 records: 1,200 new, 0 changed."),
        ({"state": "waiting"}, "Waiting for a worker."),
        ({"state": "running"}, "Asking NCBI for the list of records."),
    ],
)
def test_what_came_of_a_run_is_said_in_one_sentence(fields, sentence):
    assert queries.outcome(SearchRun(kind=RunKind.SEARCH, **fields)) == sentence


def test_the_pace_counts_what_was_fetched_and_the_time_left_follows_from_it():
    run = SearchRun(
        kind=RunKind.SEARCH,
        state=RunState.RUNNING,
        planned_at=NOW - timedelta(seconds=10),
        touched_at=NOW,
        n_found=1_000,
        n_known=400,
        n_created=200,
    )

    progress = queries.progress(run, NOW)

    # 200 fetched in 10 s; the 400 known before cost nothing; 400 are left.
    assert progress.pace == "20 a second"
    assert progress.seconds_left == 20
    assert (progress.done, progress.total) == (600, 1_000)


def test_a_file_has_no_total_before_its_end():
    run = SearchRun(kind=RunKind.FILE, state=RunState.RUNNING, n_found=200, n_created=200, touched_at=NOW)

    assert queries.progress(run, NOW).total is None


@pytest.mark.parametrize(
    ("state", "silent_for", "is_silent"),
    [("running", 1, False), ("running", 600, True), ("waiting", 600, True), ("paused", 600, False)],
)
def test_a_run_without_a_sign_of_life_is_called_so(state, silent_for, is_silent):
    run = SearchRun(kind=RunKind.SEARCH, state=state, touched_at=NOW - timedelta(seconds=silent_for))

    assert queries.progress(run, NOW).is_silent == is_silent


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "1 s"), (59, "59 s"), (60, "1 min"), (3_599, "1 h 0 min"), (7_500, "2 h 5 min")]
)
def test_a_span_is_said_in_words(seconds, words):
    assert queries.duration(seconds) == words
