"""Citations as iCite and PubMed count them: apart, by month, doubted when they shrink, killed and resumed."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from django.utils import timezone

from studies.actions import citations, grouping, running, searching
from studies.actions.study_rows import refresh_studies
from studies.models import (
    CitationCount,
    CitationLink,
    CitationPoll,
    ICiteMeasures,
    Report,
    ReportEvent,
    RequestSlot,
    SearchRun,
    Study,
)
from studies.sources import icite as source
from studies.sources.icite import ICite
from studies.sources.web import Cut, SourceRefused, SourceUnavailable, Trouble
from studies.terms import CitationSource, FindingResult, RunKind, RunState
from tests.factories import make_report, make_study
from tests.ncbi.icite import ICiteServer, paper
from tests.ncbi.server import Fault

LONG_AGO = datetime(2026, 1, 10, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def quick(settings, monkeypatch):
    settings.NCBI_API_KEY = "a-synthetic-key"
    monkeypatch.setattr(citations, "SPACING", 0.01)


@pytest.fixture
def study(db) -> Study:
    study = Study.objects.create()
    make_report(study, pmid=71)
    return study


def ask(now: datetime | None = None) -> SearchRun:
    """A run of its own, as running carries it, at a moment of our choice."""
    run = searching.request_once(RunKind.CITATIONS, "")
    SearchRun.objects.filter(pk=run.pk).update(state=RunState.RUNNING)
    citations.refresh(run, step=running._step, on_progress=lambda run: None, now=now)
    return SearchRun.objects.get(pk=run.pk)


def counts(study: Study, name: str = CitationSource.ICITE) -> list[tuple]:
    rows = CitationCount.objects.filter(report__study=study, source=name)
    return list(rows.order_by("month", "is_doubtful").values_list("month", "count", "is_doubtful"))


class TestTheAnswer:
    def test_null_is_not_nought(self):
        body = json.dumps({"data": [paper(1, None, relative_citation_ratio=None, provisional=True, human=None)]})

        one = source.read(body.encode())[0]

        assert (one.count, one.rcr, one.human, one.is_provisional) == (None, None, None, True)

    def test_older_spellings_are_understood(self):
        old = {"provisional": "No", "is_clinical": "Yes", "cited_by": "3 5 3", "references": "", "cited_by_clin": None}

        one = source.read(json.dumps({"data": [paper(1, 2, **old)]}).encode())[0]

        assert (one.is_provisional, one.is_clinical, one.cited_by, one.references) == (False, True, (3, 5), ())
        assert one.n_clinical == 0

    @pytest.mark.parametrize("value", [-1, 1.5, "many", 10**12, float("inf"), True])
    def test_a_number_outside_its_bounds_is_none(self, value):
        body = json.dumps({"data": [paper(1, 0, human=value, nih_percentile=value)]}).encode()

        assert source.read(body)[0].human is None

    @pytest.mark.parametrize(
        ("body", "trouble"), [(b"<html></html>", Cut), (b'{"data": [', Cut), (b"{}", Trouble), (b"[]", Trouble)]
    )
    def test_what_is_no_answer_is_trouble(self, body, trouble):
        with pytest.raises(trouble):
            source.read(body)


class TestTheDoor:
    @pytest.fixture
    def server(self):
        with ICiteServer() as server:
            yield server

    @pytest.fixture
    def door(self, server) -> Callable[..., ICite]:
        return lambda **more: ICite(server.url, limiter=lambda: None, **({"pauses": (0.01,) * 2, "timeout": 5} | more))

    def test_unknown_pmids_are_left_out_and_200_are_asked_at_once(self, server, door):
        for pmid in range(1, 451, 2):
            server.knows(pmid, pmid)

        found = door().articles(range(1, 451))

        assert sorted(found) == list(range(1, 451, 2)) and found[7].count == 7
        assert [len(server.pmids(asked)) for asked in server.requests] == [200, 200, 50]

    @pytest.mark.parametrize("kind", ["429", "500", "503", "html", "truncated", "reset", "empty", "json429"])
    def test_a_passing_fault_is_survived(self, server, door, kind):
        server.knows(1, 4)
        server.faults.append(Fault("pubs", kind, retry_after=0))

        assert door().articles([1])[1].count == 4

    def test_a_lasting_fault_ends_with_a_sentence(self, server, door):
        server.faults.append(Fault("pubs", "500", times=9))
        with pytest.raises(SourceUnavailable, match="iCite, citations of 1 PMIDs"):
            door().articles([1])
        server.faults[:] = [Fault("pubs", "404", times=9)]
        with pytest.raises(SourceRefused, match="HTTP 404"):
            door().articles([1])


@pytest.mark.django_db(transaction=True)
class TestTheRun:
    def test_each_source_is_kept_apart_with_its_date(self, study, ncbi, icite):
        icite.knows(71, 12, cited_by=[81, 82], references=[91], cited_by_clin=[82])
        ncbi.shelf.link("pubmed_pubmed_citedin", 71, [82, 83, 82])

        run = ask(LONG_AGO)

        assert counts(study) == [(date(2026, 1, 1), 12, False)]
        assert counts(study, CitationSource.ELINK) == [(date(2026, 1, 1), 2, False)]
        assert set(CitationCount.objects.values_list("counted_on", flat=True)) == {date(2026, 1, 10)}
        measures = ICiteMeasures.objects.get()
        assert (float(measures.rcr), measures.n_clinical, measures.is_provisional) == (1.25, 1, False)
        assert set(CitationLink.objects.values_list("citing_pmid", "cited_pmid", "source")) == {
            (81, 71, "icite"),
            (82, 71, "icite"),
            (71, 91, "icite"),
            (82, 71, "elink"),
            (83, 71, "elink"),
        }
        study.refresh_from_db()
        assert study.n_citations == 12, "iCite's, where it has one"
        assert (run.n_found, run.n_changed) == (2, 2)

    def test_the_records_own_references_are_links_as_well(self, ncbi, icite):
        references = [{"citation": "A synthetic one", "pmid": 91}, {"citation": "Without an id"}, {"pmid": 71}]
        make_report(Study.objects.create(), pmid=71, references=references)

        ask()

        assert list(CitationLink.objects.values_list("citing_pmid", "cited_pmid", "source")) == [(71, 91, "references")]

    def test_what_icite_does_not_know_is_asked_again_next_month_and_has_no_number(self, study, ncbi, icite):
        run = ask(LONG_AGO)

        assert run.findings.get(identifier="icite 71").result == FindingResult.VANISHED
        assert counts(study) == [] and not ICiteMeasures.objects.exists()
        assert counts(study, CitationSource.ELINK) == [(date(2026, 1, 1), 0, False)]
        assert CitationPoll.objects.get(source="icite").answered_at is None
        assert ask(LONG_AGO + timedelta(days=20)).n_found == 0
        assert ask(LONG_AGO + timedelta(days=31)).n_found == 2

    def test_no_month_of_the_calendar_is_left_out(self, study, ncbi, icite):
        icite.knows(71, 5)

        for day in (date(2026, 1, 31), date(2026, 2, 1), date(2026, 2, 28), date(2026, 3, 1)):
            ask(datetime(day.year, day.month, day.day, 12, tzinfo=UTC))

        assert [month.month for month, _, _ in counts(study)] == [1, 2, 3]
        assert CitationCount.objects.filter(source="icite", month="2026-02-01").get().counted_on == date(2026, 2, 1)

    def test_a_study_that_was_grouped_while_the_source_was_asked_counts_where_it_is_now(
        self, study, ncbi, icite, admin
    ):
        ncbi.shelf.link("pubmed_pubmed_citedin", 72, [81, 82])
        study.reports.update(pmid=None)
        companion = make_study(report={"pmid": 72})
        run = searching.request_once(RunKind.CITATIONS, "")
        SearchRun.objects.filter(pk=run.pk).update(state=RunState.RUNNING)

        def step(run_id):
            if CitationPoll.objects.exists() and not study.groupings.exists():  # PubMed has answered by now
                grouping.group(study, companion, by=admin)
            return running._step(run_id)

        citations.refresh(run, step=step, on_progress=lambda run: None, now=LONG_AGO)

        assert Study.objects.get().n_citations == 2

    def test_an_article_too_new_to_compare_has_a_count_and_no_ratio(self, study, ncbi, icite):
        icite.knows(71, 3, relative_citation_ratio=None, nih_percentile=None, provisional=True)

        ask()

        measures = ICiteMeasures.objects.get()
        assert (measures.rcr, measures.percentile, measures.is_provisional) == (None, None, True)
        assert counts(study)[0][1] == 3

    def test_a_smaller_number_is_kept_noted_and_not_shown_as_a_fact(self, study, ncbi, icite):
        for month, (count, links) in enumerate([(50, [81, 82]), (0, []), (51, [81])]):
            icite.knows(71, count)
            ncbi.shelf.link("pubmed_pubmed_citedin", 71, links)
            ask(LONG_AGO + timedelta(days=31 * month))

        assert counts(study) == [
            (date(2026, 1, 1), 50, False),
            (date(2026, 2, 1), 0, True),
            (date(2026, 3, 1), 51, False),
        ]
        assert [doubted for _, _, doubted in counts(study, CitationSource.ELINK)] == [False, True, True]
        assert CitationLink.objects.filter(source="elink").count() == 2, "links once stated stay"
        told = ReportEvent.objects.order_by("pk").values_list("kind", "field", "old", "new")
        assert list(told) == [("citations", "icite", "50", "0"), ("citations", "elink", "2", "0")]
        study.refresh_from_db()
        assert study.n_citations == 51

    def test_the_number_of_a_month_is_its_last(self, study, ncbi, icite):
        icite.knows(71, 5)
        ask(LONG_AGO)
        CitationPoll.objects.all().delete()
        icite.knows(71, 7)

        ask(LONG_AGO + timedelta(days=10))

        assert counts(study) == [(date(2026, 1, 1), 7, False)]
        assert CitationCount.objects.filter(source="icite").get().counted_on == date(2026, 1, 20)

    def test_a_source_that_is_down_does_not_keep_the_other_from_being_asked(self, study, ncbi, icite):
        icite.faults.append(Fault("pubs", "404", times=99))
        ncbi.shelf.link("pubmed_pubmed_citedin", 71, [82])
        run = searching.request_once(RunKind.CITATIONS, "")

        failed = running.carry_on(run.pk)

        assert failed.state == RunState.FAILED and "iCite" in failed.failure
        assert counts(study, CitationSource.ELINK)[0][1] == 1 and counts(study) == []

        icite.faults.clear()
        icite.knows(71, 4)
        n_asked = len(ncbi.requests)
        searching.resume(failed, by="test")
        assert running.carry_on(run.pk).state == RunState.FINISHED
        assert counts(study)[0][1] == 4 and len(ncbi.requests) == n_asked, "nothing is asked twice"

    def test_a_list_merged_over_several_articles_is_nobodys_count(self, study, ncbi, icite):
        make_report(study, pmid=72)
        ncbi.library.merges_links = True
        ncbi.shelf.link("pubmed_pubmed_citedin", 71, [81, 82])
        run = searching.request_once(RunKind.CITATIONS, "")

        failed = running.carry_on(run.pk)

        assert failed.state == RunState.FAILED and "merged" in failed.failure
        assert not CitationCount.objects.exists() and not CitationLink.objects.exists()

    def test_an_article_that_elink_says_nothing_about_has_no_number_rather_than_nought(self, study, ncbi, icite):
        ncbi.library.linkless.add(71)

        run = ask()

        assert counts(study, CitationSource.ELINK) == []
        assert run.findings.get(identifier="elink 71").result == FindingResult.VANISHED

    def test_batches_of_200_and_at_most_one_request_a_second_to_icite(self, ncbi, icite, monkeypatch):
        monkeypatch.setattr(citations, "SPACING", 1.1)
        study = Study.objects.create()
        Report.objects.bulk_create(Report(study=study, pmid=71 + i, source="pubmed") for i in range(401))

        run = ask()

        assert run.n_done == run.n_found == 802
        assert [len(icite.pmids(asked)) for asked in icite.requests] == [200, 200, 1]
        starts = [asked.at for asked in icite.requests]
        assert all(later - earlier > 1.0 for earlier, later in pairwise(starts))
        assert [len(asked.ids) for asked in ncbi.asked("elink")] == [100, 100, 100, 100, 1]
        assert all(len(asked.params["id"]) == len(asked.ids) for asked in ncbi.asked("elink")), "one id a parameter"
        assert RequestSlot.objects.filter(name="icite").exists(), "a slot of its own"

    def test_a_run_given_up_half_way_goes_on_from_there(self, ncbi, icite, monkeypatch):
        monkeypatch.setattr(citations, "BATCH", 2)
        for pmid in range(71, 76):
            make_report(Study.objects.create(), pmid=pmid)
            icite.knows(pmid, pmid)
        run = searching.request_once(RunKind.CITATIONS, "")
        stopped = running.carry_on(run.pk, on_progress=lambda r: r.n_done == 4 and searching.pause(r, by="test"))
        assert (stopped.state, CitationCount.objects.count()) == (RunState.PAUSED, 4)

        searching.resume(stopped, by="test")
        finished = running.carry_on(run.pk)

        assert (finished.state, finished.n_done) == (RunState.FINISHED, 10)
        assert [icite.pmids(asked) for asked in icite.requests] == [[71, 72], [73, 74], [75], [75]]
        assert CitationCount.objects.filter(source="icite").count() == 5


@pytest.mark.django_db
def test_a_study_counts_as_its_most_cited_report_and_never_mixes_sources(study):
    other = make_report(study, pmid=72)
    today = timezone.localdate()
    month = today.replace(day=1)
    first = study.reports.get(pmid=71)
    for report, name, count in ((first, "icite", 3), (other, "icite", 5), (other, "elink", 90)):
        CitationCount.objects.create(report=report, source=name, month=month, counted_on=today, count=count)

    refresh_studies([study.pk])

    study.refresh_from_db()
    assert study.n_citations == 5
