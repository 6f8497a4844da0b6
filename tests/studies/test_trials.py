"""Registered trials: searched, fetched by number, followed over time, linked to their publications."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import DatabaseError
from django.utils import timezone

from studies.actions import grouping, linking, overdue, running, searching, trials, windows
from studies.actions.catalogue import upsert as upsert_records
from studies.models import AuditEvent, Report, SearchRun, Study, StudyGrouping, TrialEvent, TrialLink, TrialRegistration
from studies.sources.clinicaltrials_json import read
from studies.sources.record import DataBank, Record, Section
from studies.terms import FindingResult, RunKind, RunState, StudyDesign, TrialEventKind, TrialStatus
from tests.ncbi.registry import RegistryServer, trial
from tests.ncbi.server import Fault

pytestmark = pytest.mark.django_db
in_service = pytest.mark.django_db(transaction=True)  # a run asks outside any transaction
ROOT = Path(__file__).resolve().parents[2]
ONE, TWO, THREE = "NCT00000001", "NCT00000002", "NCT00000003"
QUERY = "query.cond=skin aging OR photoaging\nquery.intr=stem cell"
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.fixture
def search(registry):
    for number in (ONE, TWO, THREE):
        registry.put(trial(number))
    return searching.create_search(by="test", name="Trials", query=QUERY, kind=RunKind.TRIALS)


def run_now(search) -> SearchRun:
    return running.carry_on(searching.request_run(search, by="test").pk)


def ask_for(*numbers: str) -> SearchRun:
    return running.carry_on(searching.request_once(RunKind.REGISTRATIONS, " ".join(numbers), by=None).pk)


def events(number: str) -> list[str]:
    rows = TrialEvent.objects.filter(registration__number=number).order_by("pk")
    return list(rows.values_list("kind", flat=True))


def take(*studies: dict, **options) -> list:
    options = {"source": "registry", "is_found": True, "now": NOW} | options
    return trials.upsert([read(study) for study in studies], **options)


def report_of(number: str = "", *, pmid: int = 90_000_001, text: str = "", title: str = "Cells for skin") -> Record:
    return Record(
        pmid=pmid,
        title=title,
        abstract=(Section(text),) if text else (),
        databanks=(DataBank("ClinicalTrials.gov", (number,)),) if number else (),
    )


@in_service
class TestSearching:
    def test_a_search_brings_registered_trials_as_studies_of_their_own(self, search):
        run = run_now(search)

        assert (run.state, run.n_found, run.n_fetched, run.n_created) == (RunState.FINISHED, 3, 3, 3)
        study = Study.objects.get(registrations__number=ONE)
        assert (study.design, study.n_reports, study.n_registrations) == (StudyDesign.REGISTERED, 0, 1)
        assert study.title == "Adipose-derived stem cells for photoaged skin, trial 001"
        assert events(ONE) == [TrialEventKind.NEW]
        assert set(run.findings.values_list("registration__number", flat=True)) == {ONE, TWO, THREE}

    def test_a_second_run_with_nothing_changed_writes_nothing_and_says_so(self, search):
        run_now(search)
        n_events, n_audit = TrialEvent.objects.count(), AuditEvent.objects.count()
        before = list(TrialRegistration.objects.order_by("pk").values_list("digest", "fetched_at", "study"))

        run = run_now(search)

        assert (run.state, run.n_created, run.n_changed) == (RunState.FINISHED, 0, 0)
        assert TrialEvent.objects.count() == n_events
        assert AuditEvent.objects.count() == n_audit + 1, "only the request of the run itself"
        assert list(TrialRegistration.objects.order_by("pk").values_list("digest", "fetched_at", "study")) == before

    def test_the_next_run_asks_for_what_was_updated_since_with_an_overlap(self, registry, search):
        first = run_now(search)
        tomorrow = (first.started_at + timedelta(days=1)).date().isoformat()
        registry.change(TWO, tomorrow, statusModule={"overallStatus": "TERMINATED", "whyStopped": "No funds"})

        since = windows.since(search, timezone.now())
        run = running.carry_on(searching.request_run(search, by="schedule", since=since).pk)

        window = (first.started_at - timedelta(days=search.overlap_days)).date()
        assert f"RANGE[{window},MAX]" in registry.asked("studies")[-2].param("filter.advanced")
        assert (run.n_changed, run.n_created) == (1, 0)
        stopped = TrialEvent.objects.get(registration__number=TWO, kind=TrialEventKind.STOPPED)
        assert (stopped.old, stopped.new, stopped.why) == ("Recruiting", "Terminated", "No funds")

    def test_pages_and_an_empty_page_lose_nothing(self, registry):
        for i in range(1, 231):
            registry.put(trial(f"NCT{i:08d}"))
        registry.empty_page_before = {1}
        search = searching.create_search(by="test", name="Many", query="query.intr=stem cell", kind=RunKind.TRIALS)

        run = run_now(search)

        assert (run.state, run.n_created, Study.objects.count()) == (RunState.FINISHED, 230, 230)

    def test_a_question_that_cannot_be_asked_fails_with_a_sentence(self, registry):
        search = searching.create_search(by="test", name="Bad", query="filter.phase=2", kind=RunKind.TRIALS)

        run = run_now(search)

        assert run.state == RunState.FAILED and "filter.phase" in run.failure

    def test_a_registry_that_is_down_fails_the_run_and_the_next_one_recovers(self, registry, search, monkeypatch):
        registry.faults = [Fault("*", "400", times=1)]
        assert run_now(search).state == RunState.FAILED

        assert run_now(search).state == RunState.FINISHED
        assert TrialRegistration.objects.count() == 3

    def test_only_known_trials_are_taken_over_where_the_search_says_so(self, search):
        search.use = "update"
        search.save()
        take(trial(ONE, count=10))

        run = run_now(search)

        assert (run.n_changed, run.n_created, run.findings.filter(result=FindingResult.LISTED).count()) == (1, 0, 2)
        assert TrialRegistration.objects.count() == 1

    def test_trials_that_were_only_listed_are_taken_over_as_trials_when_a_person_says_so(self, search, admin):
        search.use = "list"
        search.save()
        run = run_now(search)
        assert not TrialRegistration.objects.exists()

        taking = running.carry_on(searching.take_listed(run, by=admin).pk)

        assert (taking.kind, taking.state, taking.n_created) == (RunKind.REGISTRATIONS, RunState.FINISHED, 3)
        assert Study.objects.filter(registrations__number__in=(ONE, TWO, THREE)).count() == 3

    def test_a_run_keeps_to_what_was_asked_of_it_when_its_search_is_changed(self, search):
        run = searching.request_run(search, by="test")
        searching.change_search(search, by="test", use="list")

        assert running.carry_on(run.pk).n_created == 3

    def test_a_killed_worker_loses_nothing_and_repeats_nothing(self):
        with RegistryServer((trial(f"NCT{i:08d}") for i in range(1, 251)), latency=0.3) as server:
            search = searching.create_search(by="test", name="Kill", query="query.intr=stem cell", kind=RunKind.TRIALS)
            run = searching.request_run(search, by="test")
            worker = start_worker(run, server)
            wait_until(lambda: SearchRun.objects.get(pk=run.pk).n_created >= 100)
            os.kill(worker.pid, signal.SIGKILL)
            worker.wait()
            wait_until(lambda: running.unattended() == [run.pk])
            assert 0 < SearchRun.objects.get(pk=run.pk).n_created < 250
            server.latency = 0

            finisher = start_worker(run, server)
            assert finisher.wait(120) == 0

        run.refresh_from_db()
        assert (run.state, run.n_created, run.n_found) == (RunState.FINISHED, 250, 250)
        assert TrialRegistration.objects.count() == Study.objects.count() == 250
        assert TrialEvent.objects.filter(kind=TrialEventKind.NEW).count() == 250


@in_service
class TestByNumber:
    def test_numbers_met_in_reports_are_fetched_and_are_no_studies(self, registry):
        registry.put(trial(ONE, title="A trial of something else"))
        upsert_records([report_of(text=f"As in {ONE} and {TWO}.")], source="pubmed")

        run = ask_for()

        assert (run.state, run.n_found, run.n_created, run.n_vanished) == (RunState.FINISHED, 2, 1, 1)
        registration = TrialRegistration.objects.get(number=ONE)
        assert (registration.title, registration.study, registration.found_at) == (
            "A trial of something else",
            None,
            None,
        )
        assert Study.objects.count() == 1

    def test_each_is_asked_for_when_its_turn_comes(self, registry):
        take(trial(ONE), now=timezone.now())
        take(trial(TWO), now=timezone.now() - timedelta(days=8))
        take(trial(THREE), now=timezone.now() - timedelta(days=8), is_found=False)
        for number in (ONE, TWO, THREE):
            registry.put(trial(number))

        run = ask_for()

        assert list(run.findings.values_list("identifier", "result")) == [(TWO, FindingResult.UNCHANGED)]

    def test_a_number_given_up_leads_to_its_new_one_and_takes_its_study_along(self, registry):
        take(trial(ONE))
        study = Study.objects.get()
        registry.put(trial(TWO, alias=ONE))

        run = ask_for(ONE)

        old, new = (TrialRegistration.objects.get(number=number) for number in (ONE, TWO))
        assert (old.alias_of, old.study, new.study) == (new, None, study)
        assert run.findings.get().reason == f"Now {TWO}."
        assert Study.objects.count() == 1

    def test_two_studies_whose_registrations_the_registry_merged_are_proposed_as_one(self, registry, reviewer):
        take(trial(ONE), trial(TWO))
        older, newer = Study.objects.order_by("pk")
        registry.put(trial(TWO, alias=ONE))

        ask_for(TWO)
        ask_for(TWO)

        proposal = StudyGrouping.objects.get()
        assert ((proposal.kept, proposal.other), proposal.bases) == ((older, newer), ["registry"])
        grouping.confirm(proposal, by=reviewer)
        assert Study.objects.get().n_registrations == 1

    def test_what_people_said_of_a_number_holds_for_the_one_that_replaced_it(self, registry, reviewer):
        take(trial(ONE))
        upsert_records([report_of(ONE), report_of(ONE, pmid=90_000_002)], source="pubmed")
        rejected, confirmed = TrialLink.objects.order_by("report__pmid")
        linking.reject(rejected, by=reviewer, why="Another trial")
        linking.confirm(confirmed, by=reviewer)
        registry.put(trial(TWO, alias=ONE, papers=[(90_000_001, "RESULT")]))

        ask_for(ONE)

        links = TrialLink.objects.order_by("report__pmid")
        assert [(link.registration.number, link.state) for link in links] == [(TWO, "rejected"), (TWO, "confirmed")]
        assert TrialRegistration.objects.get(number=TWO).study == confirmed.report.study
        assert list(Study.objects.order_by("pk").values_list("n_registrations", flat=True)) == [0, 1]
        linking.undo(links[1], by=reviewer)
        assert TrialRegistration.objects.get(number=TWO).study != confirmed.report.study

    def test_of_two_links_to_one_report_the_decided_one_stays(self, registry, reviewer):
        take(trial(ONE), trial(TWO))
        upsert_records([report_of(ONE)], source="pubmed")
        linking.reject(TrialLink.objects.get(), by=reviewer, why="Another trial")
        linking.propose(TrialRegistration.objects.get(number=TWO), Report.objects.get(), by=reviewer)
        registry.put(trial(TWO, alias=ONE))

        ask_for(TWO)

        link = TrialLink.objects.get()
        assert (link.registration.number, link.state, link.why, link.bases) == (
            TWO,
            "rejected",
            "Another trial",
            ["databank", "person"],
        )

    def test_a_trial_that_is_no_longer_served_is_kept(self, registry):
        take(trial(ONE))
        ask_for(ONE)
        TrialRegistration.objects.update(first_missed_on=timezone.localdate() - timedelta(days=1))

        ask_for(ONE)

        assert TrialRegistration.objects.get().missing_since == timezone.localdate() - timedelta(days=1)

    def test_batches_of_a_hundred_are_one_request_each(self, registry):
        for i in range(1, 231):
            registry.put(trial(f"NCT{i:08d}"))

        ask_for(*(f"NCT{i:08d}" for i in range(1, 231)))

        assert len(registry.requests) == 3


class TestTakingOver:
    def test_every_column_says_what_the_registry_says(self):
        take(trial(ONE, phases=["PHASE1", "PHASE2"], papers=[(7, "RESULT"), (8, "BACKGROUND"), (9, "DERIVED")]))

        row = TrialRegistration.objects.get()

        assert (row.status, row.status_raw, row.phases) == (TrialStatus.RECRUITING, "RECRUITING", ["PHASE1", "PHASE2"])
        assert (str(row.primary_completion_on), row.primary_completion_precision) == ("2027-06-01", "month")
        assert (row.enrolment, row.enrolment_kind, row.sponsor) == (40, "ESTIMATED", "Example University Hospital")
        assert row.result_pmids == [7, 9]
        assert row.countries == ["Austria"]
        assert row.primary_outcomes == [{"measure": "Wrinkle severity", "time_frame": "12 months"}]

    def test_a_number_of_statements_that_does_not_depend_on_how_many(self, django_assert_max_num_queries):
        take(*(trial(f"NCT{i:08d}") for i in range(1, 6)))
        with django_assert_max_num_queries(40):
            take(*(trial(f"NCT{i:08d}", count=41) for i in range(1, 41)))

    def test_one_that_the_database_refuses_costs_no_other(self):
        taken = take(trial(ONE), trial(TWO, title="nul \x00 inside"), trial(THREE))

        assert [one.result for one in taken] == ["created", "rejected", "created"]

    def test_a_file_does_not_speak_against_the_registry(self):
        take(trial(ONE))

        (taken,) = take(trial(ONE, title="Another title"), source="file")

        assert taken.result == FindingResult.REJECTED
        assert TrialRegistration.objects.get().title.startswith("Adipose")

    def test_events_are_never_changed_or_deleted(self):
        take(trial(ONE))

        for act in (lambda e: e.update(new="x"), lambda e: e.delete()):
            with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
                act(TrialEvent.objects.all())

    def test_an_event_that_happens_once_is_written_once(self):
        take(trial(ONE))
        event = TrialEvent.objects.get()

        with pytest.raises(IntegrityError), transaction.atomic():
            TrialEvent.objects.create(registration=event.registration, kind=event.kind, new=event.new)


class TestLinks:
    def test_a_databank_entry_links_the_report_and_tells_it_once(self):
        take(trial(ONE))

        upsert_records([report_of(ONE)], source="pubmed")
        upsert_records([report_of(ONE, title="Cells for skin, corrected")], source="pubmed")

        link = TrialLink.objects.get()
        assert (link.bases, link.is_firm, link.state) == (["databank"], True, "proposed")
        assert events(ONE) == [TrialEventKind.NEW, TrialEventKind.PUBLICATION_LINKED]

    def test_a_report_that_the_registry_lists_is_linked_whichever_came_first(self):
        upsert_records([report_of(pmid=7)], source="pubmed")
        take(trial(ONE, papers=[(7, "RESULT"), (8, "DERIVED"), (9, "BACKGROUND")]))
        upsert_records([report_of(pmid=8), report_of(pmid=9)], source="pubmed")

        assert {(link.report.pmid, *link.bases) for link in TrialLink.objects.all()} == {(7, "result"), (8, "derived")}

    def test_a_found_trial_with_a_publication_is_counted_with_it_and_not_twice(self):
        upsert_records([report_of(ONE)], source="pubmed")

        take(trial(ONE))

        assert Study.objects.count() == 1
        assert TrialRegistration.objects.get().study is None

    def test_a_mention_of_several_trials_is_no_publication_of_any(self):
        take(trial(ONE))
        upsert_records([report_of(text=f"{ONE}, {TWO} and {THREE} are under way.")], source="pubmed")

        assert not TrialLink.objects.standing().exists()
        assert events(ONE) == [TrialEventKind.NEW]

    def test_a_number_in_the_abstract_alone_links(self):
        take(trial(ONE))
        upsert_records([report_of(text=f"Trial registration: {ONE}.")], source="pubmed")

        assert events(ONE)[-1] == TrialEventKind.PUBLICATION_LINKED


class TestOverdue:
    def test_it_is_said_once_and_on_the_day_after_the_lenient_year(self):
        take(trial(ONE, primary="2025-02", status="COMPLETED"))

        assert overdue.note(now=datetime(2026, 2, 28, tzinfo=UTC)) == 0, "28 February 2025 + 365 days"
        assert overdue.note(now=datetime(2026, 3, 1, tzinfo=UTC)) == 1
        assert overdue.note(now=datetime(2026, 3, 2, tzinfo=UTC)) == 0
        event = TrialEvent.objects.get(kind=TrialEventKind.OVERDUE)
        assert event.why.startswith("No results found") and "complian" not in event.why

    @pytest.mark.parametrize("case", ["results", "publication", "withdrawn", "not of the field"])
    def test_it_is_not_said_where_there_is_something_or_nothing_to_expect(self, case):
        study = trial(ONE, primary="2024-01", status="WITHDRAWN" if case == "withdrawn" else "COMPLETED")
        study["hasResults"] = case == "results"
        take(study, is_found=case != "not of the field")
        if case == "publication":
            upsert_records([report_of(ONE)], source="pubmed")

        assert overdue.note(now=NOW) == 0

    @in_service
    def test_a_run_says_it(self, registry, search):
        registry.put(trial(ONE, primary="2020-01-01", status="UNKNOWN"))

        run_now(search)

        assert events(ONE) == [TrialEventKind.NEW, TrialEventKind.OVERDUE]


def start_worker(run: SearchRun, server: RegistryServer) -> subprocess.Popen:
    """A process of its own that works on the run, at the registry's real pace."""
    code = f"import django; django.setup(); from studies.actions import running; running.carry_on({run.pk})"
    address, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": f"{address}/{connection.settings_dict['NAME']}",
        "CTGOV_BASE_URL": server.url,
    }
    return subprocess.Popen([sys.executable, "-c", code], env=environment, cwd=ROOT)


def wait_until(true, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
