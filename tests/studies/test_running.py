"""Runs: planned, fetched, killed, resumed, paused, repeated; counts that are true."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from studies.actions import running, scheduling, searching
from studies.models import AuditEvent, Finding, FullText, Report, Search, SearchRun, Study
from studies.terms import FindingResult, RunKind, RunState
from tests.ncbi.server import Fault, NcbiServer
from tests.ncbi.synthetic import article_xml, corpus

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def quick(settings):
    settings.NCBI_API_KEY = "a-synthetic-key"
    settings.NCBI_BATCH = 20


def run_now(search: Search) -> SearchRun:
    return running.carry_on(searching.request_run(search, by="test").pk)


@pytest.fixture
def search(db) -> Search:
    return searching.create_search(by="test", name="All", query="synthetic[tiab]")


def catalogue() -> list[tuple]:
    """What a clinician would see of the catalogue, without the times at which it came."""
    return list(
        Report.objects.order_by("pmid").values_list("pmid", "title", "digest", "study__design", "study__notice_status")
    )


def test_a_search_brings_every_record_it_finds(ncbi, search):
    run = run_now(search)

    assert (run.state, run.n_found, run.n_fetched, run.n_created) == (RunState.FINISHED, 60, 60, 60)
    assert Report.objects.count() == Study.objects.count() == 60
    assert not run.findings.filter(report=None).exists()


def test_a_second_run_with_nothing_new_fetches_no_article_and_says_so(ncbi, search):
    run_now(search)
    n_fetches, n_events = len(ncbi.asked("efetch")), AuditEvent.objects.count()
    before = catalogue()

    run = run_now(search)

    assert len(ncbi.asked("efetch")) == n_fetches
    assert (run.state, run.n_known, run.n_created, run.n_changed) == (RunState.FINISHED, 60, 0, 0)
    assert catalogue() == before
    assert AuditEvent.objects.count() == n_events + 1, "only the request of the run itself"


def test_a_new_and_a_revised_record_are_the_only_ones_fetched_next_time(ncbi, search):
    run_now(search)
    known = Report.objects.order_by("pmid").first()
    tomorrow = date.today() + timedelta(days=1)
    ncbi.shelf.add(article_xml(known.pmid, title="A corrected synthetic title", revised=tomorrow))
    ncbi.shelf.add(article_xml(99_999_999))

    run = run_now(search)

    assert (run.n_fetched, run.n_created, run.n_changed, run.n_known) == (2, 1, 1, 59)
    assert Report.objects.get(pk=known.pk).title == "A corrected synthetic title"


def test_a_record_the_search_no_longer_finds_is_counted_and_kept(ncbi, search):
    run_now(search)
    gone = Report.objects.order_by("pmid").first()
    ncbi.shelf.remove(gone.pmid)

    run = run_now(search)

    assert (run.n_found, run.n_left) == (59, 1)
    assert Report.objects.filter(pk=gone.pk).exists()


def test_a_pmid_that_pubmed_does_not_serve_is_a_finding_not_a_failure(ncbi):
    pmid = next(iter(ncbi.shelf.entries))
    run = running.carry_on(searching.request_once(RunKind.PMIDS, f"{pmid} 88888888").pk)

    assert (run.state, run.n_created, run.n_vanished) == (RunState.FINISHED, 1, 1)
    assert run.findings.get(identifier="88888888").result == FindingResult.VANISHED


def test_two_silent_polls_on_different_days_make_a_report_missing_and_one_answer_brings_it_back(ncbi):
    pmid = next(iter(ncbi.shelf.entries))
    fetch = lambda: running.carry_on(searching.request_once(RunKind.PMIDS, str(pmid)).pk)  # noqa: E731
    fetch()
    ncbi.shelf.remove(pmid)
    fetch()
    fetch()
    report = Report.objects.get()
    assert report.first_missed_on and report.missing_since is None, "two polls on one day prove nothing"

    Report.objects.update(first_missed_on=date.today() - timedelta(days=1))
    fetch()
    assert Report.objects.get().missing_since == date.today() - timedelta(days=1)

    ncbi.shelf.add(article_xml(pmid))
    fetch()
    assert Report.objects.get().missing_since is None


def test_pubmeds_translation_and_warnings_are_kept_with_the_run(ncbi):
    run = running.carry_on(searching.request_once(RunKind.SEARCH, "nanofat AND rejuvenation[xyz]").pk)

    assert run.translation
    assert any("xyz" in warning for warning in run.warnings)


@pytest.mark.parametrize("kind", ["429", "500", "html", "truncated", "reset", "error", "json429", "hangup"])
def test_a_fault_in_the_middle_is_survived(ncbi, search, kind):
    ncbi.faults.append(Fault("efetch", kind, times=1, retry_after=0))

    run = run_now(search)

    assert (run.state, run.n_created, run.failure) == (RunState.FINISHED, 60, "")


def test_a_source_that_stays_down_fails_the_run_with_a_sentence_and_resuming_finishes_it(ncbi, search):
    ncbi.faults.append(Fault("esearch", "final", times=100))
    run = run_now(search)
    assert run.state == RunState.FAILED
    assert "search" in run.failure

    ncbi.faults.clear()
    searching.resume(run, by="test")
    run = running.carry_on(run.pk)

    assert (run.state, run.n_created, run.failure) == (RunState.FINISHED, 60, "")


def test_an_answer_refused_for_one_bad_id_costs_only_that_id(ncbi, search):
    bad = sorted(ncbi.shelf.entries)[30]
    ncbi.faults.append(Fault("efetch", "final", times=999, when=lambda p: str(bad) in p["id"][0].split(",")))

    run = run_now(search)

    assert (run.state, run.n_created, run.n_rejected) == (RunState.FINISHED, 59, 1)
    assert run.findings.get(identifier=str(bad)).reason


def test_a_paused_run_stops_before_its_next_batch_and_goes_on_when_resumed(ncbi, search):
    run = searching.request_run(search, by="test")

    def pause_after_first(run: SearchRun) -> None:
        if run.n_created:
            searching.pause(run, by="test")

    paused = running.carry_on(run.pk, on_progress=pause_after_first)
    n_created = paused.n_created
    assert (paused.state, n_created) == (RunState.PAUSED, 20)
    assert running.carry_on(run.pk).state == RunState.PAUSED, "nobody works on a paused run"

    searching.resume(paused, by="test")
    finished = running.carry_on(run.pk)

    assert (finished.state, finished.n_created, Report.objects.count()) == (RunState.FINISHED, 60, 60)


def test_a_cancelled_run_keeps_what_it_took_over_and_cannot_be_resumed(ncbi, search):
    run = searching.request_run(search, by="test")
    running.carry_on(run.pk, on_progress=lambda r: r.n_created and searching.cancel(r, by="test"))

    run.refresh_from_db()
    assert (run.state, Report.objects.count()) == (RunState.CANCELLED, 20)
    with pytest.raises(searching.NotPossible, match="cancelled"):
        searching.resume(run, by="test")


def test_one_search_has_one_open_run_and_two_workers_never_share_it(ncbi, search):
    run = searching.request_run(search, by="test")
    with pytest.raises(searching.AlreadyRunning):
        searching.request_run(search, by="test")

    with other_connection() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(2, %s)", [run.pk])
        assert running.carry_on(run.pk).state == RunState.WAITING, "another worker has it"
        assert running.unattended() == []
    wait_until(lambda: running.unattended() == [run.pk])


def test_a_killed_worker_loses_nothing_and_repeats_nothing(search):
    with NcbiServer(corpus(60), latency=0.2) as server:
        run = searching.request_run(search, by="test")
        worker = start_worker(run, server)
        wait_until(lambda: SearchRun.objects.get(pk=run.pk).n_created >= 10)
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
        wait_until(lambda: running.unattended() == [run.pk])
        left = SearchRun.objects.get(pk=run.pk)
        assert left.state == RunState.RUNNING and 0 < left.n_created < 60
        server.latency = 0

        finish_here(run, server)

    run.refresh_from_db()
    assert (run.state, run.n_created, run.n_found, run.n_fetched) == (RunState.FINISHED, 60, 60, 60)
    assert Report.objects.count() == Study.objects.count() == 60
    assert Finding.objects.filter(run=run, result=FindingResult.CREATED).values("report").distinct().count() == 60
    assert AuditEvent.objects.filter(verb="imported").count() == 60


def test_due_searches_are_claimed_once_and_say_when_they_come_again(ncbi, search):
    searching.change_search(search, by="test", schedule="0 3 * * *")
    now = timezone.now() + timedelta(days=2)

    first, second = scheduling.claim_due(now), scheduling.claim_due(now)

    assert [run.search_id for run in first] == [search.pk] and second == []
    search.refresh_from_db()
    assert search.next_run_at > now and (search.next_run_at.hour, search.next_run_at.minute) == (3, 0)


def test_a_schedule_that_is_no_cron_expression_is_refused():
    with pytest.raises(searching.BadSchedule, match="cron"):
        searching.next_run("every tuesday", timezone.now())


def test_a_pmc_article_comes_with_its_sections_under_its_licence(ncbi):
    numbers = sorted(ncbi.shelf.pmc)

    run = running.carry_on(searching.request_once(RunKind.PMC, " ".join(f"PMC{n}" for n in numbers)).pk)

    texts = {text.report.pmcid: text for text in FullText.objects.select_related("report")}
    assert run.n_created == len(numbers)
    assert any(text.sections and text.licence.startswith("CC BY") for text in texts.values())
    assert all(text.licence for text in texts.values() if text.sections), "no text without a licence"


def start_worker(run: SearchRun, server: NcbiServer) -> subprocess.Popen:
    """A process of its own that works on the run, slowly."""
    code = f"import django; django.setup(); from studies.actions import running; running.carry_on({run.pk})"
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": database_url(),
        "NCBI_BASE_URL": server.url,
        "NCBI_API_KEY": "a-synthetic-key",
        "NCBI_BATCH": "5",
    }
    return subprocess.Popen([sys.executable, "-c", code], env=environment, cwd=ROOT)


def finish_here(run: SearchRun, server: NcbiServer) -> None:
    with override_settings(NCBI_BASE_URL=server.url, NCBI_BATCH=20):
        running.carry_on(run.pk)


def wait_until(true: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def database_url() -> str:
    """The address of the test database itself, which is not the one in the environment."""
    address, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    return f"{address}/{connection.settings_dict['NAME']}"


@contextmanager
def other_connection() -> Iterator[Any]:
    """A cursor of another session, as another process would have it."""
    other = psycopg2.connect(database_url())
    other.autocommit = True
    try:
        yield other.cursor()
    finally:
        other.close()
