"""Searches that run by themselves: once, without a gap, again after a failure, and overdue when they did not."""

import shutil
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from queue import SimpleQueue
from threading import Barrier, Thread

import pytest
from django.conf import settings as configured
from django.db import connection
from django.utils import timezone

from config.celery import app
from studies.actions import running, scheduling, searching, windows
from studies.models import AuditEvent, Report, Search, SearchRun
from studies.queries import runs as queries
from studies.rules import schedules
from studies.terms import FindingResult, ResultUse, RunKind, RunState
from tests.ncbi.server import Fault, NcbiServer
from tests.ncbi.synthetic import article_xml, corpus

pytestmark = pytest.mark.django_db(transaction=True)
DAILY = "0 3 * * *"
NOW = timezone.now()
TODAY = date.today()
N = 12


@pytest.fixture
def pubmed(settings) -> Iterator[NcbiServer]:
    with NcbiServer(corpus(N)) as server:
        settings.NCBI_BASE_URL, settings.NCBI_API_KEY = server.url, "a-synthetic-key"
        yield server


@pytest.fixture
def search(db) -> Search:
    return searching.create_search(by="test", name="All", query="synthetic[tiab]", schedule=DAILY)


def run_when_due(search: Search) -> SearchRun:
    """The next run by the schedule, carried to its end."""
    Search.objects.filter(pk=search.pk).update(next_run_at=timezone.now() - timedelta(minutes=1))
    (run,) = scheduling.claim_due(timezone.now())
    return running.carry_on(run.pk)


def age(run: SearchRun, **span) -> None:
    """Let a run be as long ago as that."""
    fields = ("created_at", "started_at", "planned_at", "finished_at", "retry_at")
    row = SearchRun.objects.get(pk=run.pk)
    SearchRun.objects.filter(pk=run.pk).update(
        **{name: getattr(row, name) - timedelta(**span) for name in fields if getattr(row, name)}
    )


def asked(server: NcbiServer) -> list[str]:
    return [request.param("term") for request in server.asked("esearch")]


# --- Windows --------------------------------------------------------------------------------------
def test_the_first_run_asks_for_everything_and_the_next_for_what_is_new_or_changed(pubmed, search):
    first = run_when_due(search)
    age(first, days=7)
    known = Report.objects.order_by("pmid").first()
    pubmed.shelf.add(article_xml(99_000_001, created=TODAY))
    pubmed.shelf.add(article_xml(known.pmid, title="A corrected synthetic title", revised=TODAY))
    pubmed.requests.clear()

    second = run_when_due(search)

    since = TODAY - timedelta(days=7 + 14)
    assert (first.since, first.n_created) == (None, N)
    assert (second.since, second.n_found, second.n_created, second.n_changed) == (since, 2, 1, 1)
    assert [f"{since:%Y/%m/%d}" in term for term in asked(pubmed)] == [True, True]
    assert [field in term for field, term in zip(("[crdt]", "[mdat]"), asked(pubmed), strict=True)] == [True, True]


def test_an_old_record_that_a_query_finds_only_since_it_was_indexed_is_not_missed(pubmed):
    pmid = min(pubmed.shelf.entries)
    search = searching.create_search(by="test", name="Late", query="belated[tiab]", schedule=DAILY)
    run_when_due(search)
    pubmed.shelf.add(article_xml(pmid, title="A belated synthetic title", created=date(2005, 1, 1), revised=TODAY))

    run = run_when_due(search)

    assert run.since is not None
    assert (run.n_found, run.n_created) == (1, 1)


def test_after_missed_weeks_and_failures_the_window_begins_before_the_last_success(pubmed, search):
    success = run_when_due(search)
    age(success, days=20)
    pubmed.shelf.add(article_xml(99_000_001, created=TODAY - timedelta(days=18)))
    pubmed.faults.append(Fault("esearch", "final", times=100))
    assert run_when_due(search).state == RunState.FAILED
    pubmed.faults.clear()

    run = run_when_due(search)

    assert run.since == TODAY - timedelta(days=34)
    assert (run.state, run.n_created) == (RunState.FINISHED, 1)


def test_without_overlap_a_day_is_looked_back_all_the_same(pubmed, search):
    search.overlap_days = 0
    search.save()
    success = run_when_due(search)

    assert windows.since(search, timezone.now()) == (success.started_at - timedelta(days=1)).date()


def test_once_a_month_and_after_a_change_of_the_query_everything_is_asked_for(pubmed, search):
    whole = run_when_due(search)
    assert windows.since(search, timezone.now()) is not None

    age(whole, days=31)
    run_when_due(search)
    assert SearchRun.objects.latest("pk").since is None

    searching.change_search(search, by="test", query="synthetic[ti]")
    assert windows.since(search, timezone.now()) is None


def test_what_the_last_success_was_promised_and_did_not_get_is_asked_for_again(pubmed, search):
    bad = min(pubmed.shelf.entries)
    pubmed.faults.append(Fault("efetch", "final", times=99, when=lambda p: str(bad) in p["id"][0].split(",")))
    first = run_when_due(search)
    pubmed.faults.clear()

    second = run_when_due(search)

    assert (first.n_created, first.n_rejected) == (N - 1, 1)
    assert second.since is not None
    assert second.findings.get(identifier=str(bad)).result == FindingResult.CREATED


# --- What to do with the results ------------------------------------------------------------------
def test_a_search_may_only_update_what_is_known_and_list_the_rest_for_an_admin(pubmed, search, admin):
    known, *_ = sorted(pubmed.shelf.entries)
    running.carry_on(searching.request_once(RunKind.PMIDS, str(known)).pk)
    pubmed.shelf.add(article_xml(known, title="A corrected synthetic title", revised=TODAY))
    searching.change_search(search, by="test", use=ResultUse.UPDATE)

    run = run_when_due(search)

    assert (run.n_found, run.n_changed, run.n_listed, run.n_created) == (N, 1, N - 1, 0)
    assert Report.objects.get().title == "A corrected synthetic title"
    assert "listed only" in queries.outcome(run)

    taking = running.carry_on(searching.take_listed(run, by=admin).pk)
    assert (taking.n_created, Report.objects.count()) == (N - 1, N)
    assert AuditEvent.objects.get(verb="took over the list of").actor_id == admin.pk


def test_a_search_that_only_lists_fetches_nothing(pubmed, search):
    searching.change_search(search, by="test", use=ResultUse.LIST)

    run = run_when_due(search)

    assert (run.state, run.n_listed, Report.objects.count()) == (RunState.FINISHED, N, 0)
    assert pubmed.asked("efetch") == []


# --- Once -----------------------------------------------------------------------------------------
def test_with_three_schedulers_and_four_workers_a_due_search_runs_once(pubmed, search):
    Search.objects.filter(pk=search.pk).update(next_run_at=timezone.now() - timedelta(minutes=1))
    together, calls = Barrier(7), [SimpleQueue() for _ in range(4)]

    def scheduler() -> None:
        together.wait()
        for _ in range(3):
            scheduling.claim_due(timezone.now())
            for run_id in running.unattended():  # each call is heard by everybody, and again and again
                for queue in calls:
                    queue.put(run_id)
        connection.close()

    def worker(queue: SimpleQueue) -> None:
        together.wait()
        while (run_id := queue.get()) is not None:
            running.carry_on(run_id)
        connection.close()

    schedulers = [Thread(target=scheduler) for _ in range(3)]
    workers = [Thread(target=worker, args=(queue,)) for queue in calls]
    for thread in [*schedulers, *workers]:
        thread.start()
    for thread in schedulers:
        thread.join()
    for queue in calls:
        queue.put(None)
    for thread in workers:
        thread.join()

    run = SearchRun.objects.get()
    assert (run.state, run.n_attempts, run.n_created, run.n_fetched) == (RunState.FINISHED, 1, N, N)
    assert Report.objects.count() == N
    assert len(pubmed.asked("esearch")) == 1 and len(pubmed.asked("efetch")) == 1


def test_a_worker_is_called_once_for_a_run_until_nobody_has_come_for_minutes(search):
    run = searching.request_run(search, by="test")

    first, second = running.claim_unattended(NOW), running.claim_unattended(NOW)
    later = running.claim_unattended(NOW + running.CALL_AGAIN + timedelta(seconds=1))

    assert ([r.pk for r in first], second, [r.pk for r in later]) == ([run.pk], [], [run.pk])


@pytest.fixture
def queue() -> Iterator[Path]:
    """Where knocks go, as `up` makes it."""
    folder = Path(configured.HOME) / "queue"
    folder.mkdir(exist_ok=True)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("name", sorted(app.conf.beat_schedule))
def test_every_entry_of_the_scheduler_fits_its_task(name, queue):
    app.loader.import_default_modules()  # as a worker does
    entry = app.conf.beat_schedule[name]

    done = app.tasks[entry["task"]].apply(entry.get("args", ()), entry.get("kwargs", {}), throw=True)

    assert done.successful()
    assert entry["options"]["expires"] <= entry["schedule"], "what comes again need not wait"


# --- Failures -------------------------------------------------------------------------------------
def test_a_day_without_the_source_costs_pauses_that_grow_and_nothing_else(pubmed, search):
    pubmed.faults.append(Fault("esearch", "final", times=999))
    run = run_when_due(search)
    first_pause = run.retry_at - run.finished_at
    for _ in range(9):  # a day by the pauses of schedules.retry_at
        age(run, hours=3)
        assert [r.pk for r in scheduling.claim_retries(timezone.now())] == [run.pk]
        run = running.carry_on(run.pk)
        (row,) = queries.overdue(timezone.now())
        assert "in a row" in row.overdue and "NCBI" in row.overdue
    assert (run.state, run.n_failures, first_pause) == (RunState.FAILED, 10, timedelta(minutes=10))
    pubmed.faults.clear()

    age(run, hours=3)
    scheduling.claim_retries(timezone.now())
    run = running.carry_on(run.pk)

    assert (run.state, run.n_created, run.n_failures, run.retry_at) == (RunState.FINISHED, N, 0, None)
    assert SearchRun.objects.count() == 1
    assert queries.overdue(timezone.now()) == []


@pytest.mark.parametrize(
    ("n", "minutes"), [(1, 10), (2, 20), (3, 40), (4, 80), (5, 160), (6, 180), (7, 180), (40, 180)]
)
def test_pauses_double_up_to_three_hours(n, minutes):
    assert schedules.retry_at(NOW, n_failures=n, since=NOW) == NOW + timedelta(minutes=minutes)


def test_what_fails_for_a_week_waits_for_a_person():
    assert schedules.retry_at(NOW, n_failures=60, since=NOW - timedelta(days=7)) is None


def test_a_failed_run_gives_way_to_a_newer_one_and_to_a_pause(pubmed, search):
    pubmed.faults.append(Fault("esearch", "final", times=999))
    old, new = run_when_due(search), run_when_due(search)
    later = timezone.now() + timedelta(hours=1)

    assert [run.pk for run in scheduling.claim_retries(later)] == [new.pk]
    assert SearchRun.objects.get(pk=old.pk).retry_at is None

    running.carry_on(new.pk)
    searching.set_paused(search, True, by="test")
    assert scheduling.claim_retries(later + timedelta(hours=1)) == []


def test_a_kind_that_nothing_here_can_do_is_refused_in_one_sentence(search, monkeypatch):
    monkeypatch.delitem(running.WORK, RunKind.SEARCH)

    run = run_when_due(search)

    assert run.failure == "This version of Stratum has no work for runs of the kind “PubMed search”."
    assert run.retry_at is None


# --- Overdue --------------------------------------------------------------------------------------
def ago(**span) -> datetime:
    return NOW - timedelta(**span)


@pytest.mark.parametrize(
    ("fields", "run", "words"),
    [
        ({"next_run_at": ago(minutes=5)}, None, ""),
        ({"next_run_at": ago(hours=3)}, None, "should have started"),
        ({"next_run_at": None}, None, "names no day"),
        ({"due_since": ago(hours=1)}, {"state": "running"}, ""),
        ({"due_since": ago(hours=3)}, {"state": "running"}, "is not finished"),
        ({"due_since": ago(hours=3)}, {"state": "waiting"}, "is not finished"),
        ({"due_since": ago(hours=3)}, {"state": "cancelled", "finished_at": NOW}, "was not finished"),
        ({"due_since": ago(minutes=1)}, {"state": "failed", "finished_at": NOW, "n_failures": 1}, "Failed once"),
        ({"due_since": ago(minutes=1)}, {"state": "running", "n_failures": 2}, "Failed 2 times in a row"),
        ({"schedule": ""}, {"state": "failed", "finished_at": NOW, "n_failures": 1}, "Failed once"),
        ({"is_paused": True, "next_run_at": None}, {"state": "failed", "finished_at": NOW, "n_failures": 1}, ""),
        ({"deleted_at": NOW, "next_run_at": ago(hours=3)}, None, ""),
        ({}, {"state": "finished", "finished_at": NOW, "started_at": NOW}, ""),
    ],
)
def test_a_search_is_overdue_when_its_run_did_not_start_did_not_finish_or_failed(fields, run, words):
    planned = {"name": "All", "query": "synthetic", "schedule": DAILY, "next_run_at": NOW + timedelta(days=1)}
    search = Search.objects.create(**planned | fields)
    if run:
        SearchRun.objects.create(search=search, kind=search.kind, asked=search.query, **run)

    rows = queries.overdue(NOW)

    assert len(rows) == bool(words)
    assert all(words in row.overdue for row in rows)


def test_a_success_by_hand_pays_what_was_due(pubmed, search):
    Search.objects.filter(pk=search.pk).update(due_since=ago(days=2))

    running.carry_on(searching.request_run(search, by="test").pk)

    search.refresh_from_db()
    assert search.due_since is None
    assert queries.overdue(timezone.now()) == []


# --- Deleting -------------------------------------------------------------------------------------
def test_a_deleted_search_ends_its_run_and_leaves_the_lists_while_its_history_stays(search):
    run = searching.request_run(search, by="test")

    searching.delete_search(search, by="test")

    run.refresh_from_db()
    assert (run.state, run.search_id) == (RunState.CANCELLED, search.pk)
    assert queries.search_rows(NOW) == []
    assert scheduling.claim_due(NOW + timedelta(days=9)) == []
    assert searching.create_search(by="test", name="All", query="again").pk != search.pk, "the name is free"


def test_a_standing_job_is_paused_not_deleted(db):
    job = Search.objects.create(name="Check again", kind=RunKind.PMIDS, query="", slug="job", schedule=DAILY)

    with pytest.raises(searching.NotPossible, match="paused, not deleted"):
        searching.delete_search(job, by="test")
