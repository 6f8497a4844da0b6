"""Records looked at again: which and when, what has changed in them, what they say of retractions."""

import gzip
import re
from collections.abc import Iterable
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from studies.actions import catalogue, refreshing, running, searching, watching
from studies.actions.report_values import Said
from studies.models import AuditEvent, FullText, Notice, Report, ReportEvent, SearchRun, Study
from studies.sources import pubmed_xml
from studies.sources.record import Reading
from studies.terms import FindingResult, NoticeStatus, ReportEventKind, RunKind, RunState
from tests.factories import make_report
from tests.ncbi.server import NcbiServer
from tests.ncbi.synthetic import article_xml

pytestmark = pytest.mark.django_db(transaction=True)
REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "pubmed_versions"
LATER = date(2030, 1, 1)
ARTICLE, RETRACTED = ("D016428", "Journal Article"), ("D016441", "Retracted Publication")


@pytest.fixture(autouse=True)
def quick(settings):
    settings.NCBI_API_KEY = "a-synthetic-key"


def take(*articles: bytes) -> None:
    """Put records into the catalogue as PubMed's own word."""
    stream = BytesIO(b"<PubmedArticleSet>" + b"".join(articles) + b"</PubmedArticleSet>")
    catalogue.upsert(list(pubmed_xml.read(stream, Reading())), source="pubmed")


def refresh(kind: str = RunKind.REFRESH) -> SearchRun:
    return running.carry_on(searching.request_once(kind, "").pk)


def age(days: float, reports: Iterable[Report] | None = None) -> None:
    Report.objects.filter(pk__in=[r.pk for r in reports or Report.objects.all()]).update(
        checked_at=timezone.now() - timedelta(days=days)
    )


def events() -> list[tuple[str, str, str, str]]:
    return list(ReportEvent.objects.order_by("pk").values_list("kind", "field", "old", "new"))


class TestWhatIsDue:
    def test_weekly_studies_come_every_week_others_every_month_and_the_longest_unseen_first(self):
        now = timezone.now()
        days = {1: 3, 2: 8, 3: 8, 4: 31, 5: None, 6: 20}
        for pmid, n in days.items():
            make_report(Study.objects.create(), pmid=pmid, checked_at=n and now - timedelta(days=n))
        watching.check_weekly([Report.objects.get(pmid=pmid).study_id for pmid in (1, 2, 6)])

        assert list(refreshing.due(now).values_list("pmid", flat=True)) == [5, 4, 6, 2]

        watching.check_weekly([])
        assert list(refreshing.due(now).values_list("pmid", flat=True)) == [5, 4]

    def test_a_report_without_a_pmid_is_never_asked_for(self):
        make_report(Study.objects.create(), pmid=None)

        assert not refreshing.due(timezone.now()).exists()

    @pytest.mark.slow
    def test_five_thousand_pmids_take_25_requests(self, ncbi, settings):
        settings.NCBI_BATCH = 200
        study = Study.objects.create()
        Report.objects.bulk_create(Report(study=study, pmid=50_000_000 + i, source="pubmed") for i in range(5000))

        run = refresh()

        assert (run.state, run.n_found, run.n_done) == (RunState.FINISHED, 5000, 5000)
        assert len(ncbi.asked("efetch")) == len(ncbi.requests) == 25
        assert not refreshing.due(timezone.now()).exists(), "the silent ones were asked as well"

    @pytest.mark.slow
    def test_five_thousand_pmids_that_are_served_take_25_requests_too(self, settings):
        settings.NCBI_BATCH = 200
        short = {"abstract": [], "references": 0, "mesh": [], "keywords": [], "pmcid": None}
        articles = [article_xml(pmid, **short) for pmid in range(50_000_001, 50_005_001)]
        stream = BytesIO(b"<PubmedArticleSet>" + b"".join(articles) + b"</PubmedArticleSet>")
        said = [Said(record) for record in pubmed_xml.read(stream, Reading())]
        studies = Study.objects.bulk_create(Study() for _ in said)
        Report.objects.bulk_create(
            Report(study=study, pmid=one.record.pmid, source="pubmed", digest=one.digest)
            for study, one in zip(studies, said, strict=True)
        )
        with NcbiServer(articles) as server:
            settings.NCBI_BASE_URL = server.url

            run = refresh()

            assert (run.state, run.n_found, run.n_unchanged) == (RunState.FINISHED, 5000, 5000)
            assert [len(request.ids) for request in server.asked("efetch")] == [200] * 25
            assert len(server.requests) == 25


class TestChanges:
    def test_an_unchanged_record_writes_nothing_but_when_it_was_looked_at(self, ncbi):
        pmid = min(ncbi.shelf.entries)
        take(*ncbi.shelf.xml([pmid]))
        before = Report.objects.get()
        n_logged = AuditEvent.objects.count()

        run = refresh()

        after = Report.objects.get()
        assert (run.n_unchanged, run.n_changed) == (1, 0)
        assert after.checked_at > before.created_at and before.checked_at is None
        assert after.changed_at == before.changed_at
        assert events() == [] and AuditEvent.objects.count() == n_logged
        assert refresh().n_found == 0

    def test_a_corrected_title_and_a_retraction_become_events_and_show_at_once(self, ncbi):
        facts = {"title": "A synthetic trial", "publication_types": [ARTICLE], "revised": date(2020, 1, 1)}
        take(article_xml(71, **facts))
        facts |= {"title": "RETRACTED: A synthetic trial", "publication_types": [ARTICLE, RETRACTED], "revised": LATER}
        ncbi.shelf.add(article_xml(71, **facts, comments=[("RetractionIn", "Synth J Skin. 2029;1:1", 72, None)]))

        run = refresh()

        assert run.n_changed == 1
        assert events() == [
            ("type-added", "publication_types", "", "Retracted Publication"),
            ("field-changed", "title", "A synthetic trial", "RETRACTED: A synthetic trial"),
            ("notice-added", "retraction", "", "Retraction: Synth J Skin. 2029;1:1"),
        ]
        assert Study.objects.get().notice_status == NoticeStatus.RETRACTED

    def test_the_notice_of_a_retraction_is_never_taken_for_the_paper(self, ncbi):
        notice = {"publication_types": [("D016440", "Retraction Notice")], "title": "Retraction of a synthetic trial"}
        take(article_xml(71), article_xml(72, **notice, revised=date(2020, 1, 1)))
        ncbi.shelf.add(article_xml(71))
        ncbi.shelf.add(article_xml(72, **notice, revised=LATER, comments=[("RetractionOf", "Synth", 71, None)]))

        refresh()

        statuses = dict(Report.objects.values_list("pmid", "study__notice_status"))
        assert statuses == {71: NoticeStatus.RETRACTED, 72: NoticeStatus.NONE}
        assert [e.report.pmid for e in ReportEvent.objects.filter(kind=ReportEventKind.NOTICE_ADDED)] == [71]

    def test_a_notice_that_turns_out_to_be_about_another_paper_lets_the_first_go(self, ncbi):
        take(
            article_xml(71),
            article_xml(72),
            article_xml(73, revised=date(2020, 1, 1), comments=[("RetractionOf", "Synth", 71, None)]),
        )
        for article in (article_xml(71), article_xml(72)):
            ncbi.shelf.add(article)
        ncbi.shelf.add(article_xml(73, revised=LATER, comments=[("RetractionOf", "Synth", 72, None)]))

        refresh()

        statuses = dict(Report.objects.values_list("pmid", "study__notice_status"))
        assert statuses == {71: NoticeStatus.NONE, 72: NoticeStatus.RETRACTED, 73: NoticeStatus.NONE}
        told = ReportEvent.objects.filter(kind__startswith="notice").values_list("report__pmid", "kind")
        assert sorted(told) == [(71, "notice-lifted"), (72, "notice-added")]

    def test_the_type_first_and_the_notice_later_are_one_retraction(self, ncbi):
        take(article_xml(71, publication_types=[ARTICLE], revised=date(2020, 1, 1)))
        retracted = {"publication_types": [ARTICLE, RETRACTED]}
        ncbi.shelf.add(article_xml(71, **retracted, revised=date(2021, 1, 1)))
        refresh()
        age(40)
        relation = [("RetractionIn", "Synth", 72, None)]
        ncbi.shelf.add(article_xml(71, **retracted, revised=LATER, comments=relation))

        refresh()

        assert [kind for kind, *_ in events()] == ["type-added", "notice-added"]
        assert Notice.objects.live().count() == 1

    def test_what_a_starter_row_gains_is_no_change(self, ncbi):
        make_report(Study.objects.create(), pmid=71, source="starter", title="As the starter library has it")
        ncbi.shelf.add(article_xml(71))

        refresh()

        assert Report.objects.get().source == "pubmed" and events() == []

    def test_a_search_and_a_file_tell_of_changes_as_well(self, ncbi):
        facts = {"title": "A synthetic trial", "revised": date(2020, 1, 1)}
        take(article_xml(71, **facts))

        take(article_xml(71, title="Another title", revised=LATER))

        assert events() == [("field-changed", "title", "A synthetic trial", "Another title")]

    def test_events_are_never_changed_or_deleted(self):
        report = make_report(Study.objects.create())
        event = ReportEvent.objects.create(report=report, kind=ReportEventKind.VANISHED)

        for act in (event.delete, lambda: ReportEvent.objects.update(new="x")):
            with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
                act()

    def test_a_record_that_vanishes_and_comes_back_tells_of_both(self, ncbi):
        take(article_xml(71))
        refresh()
        Report.objects.update(first_missed_on=timezone.localdate() - timedelta(days=1))
        age(40)
        refresh()
        assert [kind for kind, *_ in events()] == ["vanished"]

        ncbi.shelf.add(article_xml(71))
        age(40)
        refresh()

        assert [kind for kind, *_ in events()] == ["vanished", "returned"]
        assert Report.objects.get().missing_since is None

    def test_a_run_that_stops_half_way_goes_on_without_repeating_an_event(self, ncbi, settings):
        settings.NCBI_BATCH = 1
        take(*(article_xml(n, title=f"Title {n}", revised=date(2020, 1, 1)) for n in range(71, 76)))
        for n in range(71, 76):
            ncbi.shelf.add(article_xml(n, title=f"Corrected {n}", revised=LATER))
        run = searching.request_once(RunKind.REFRESH, "")

        def pause_after_two(run: SearchRun) -> None:
            if run.n_changed == 2:
                searching.pause(run, by="test")

        assert running.carry_on(run.pk, on_progress=pause_after_two).state == RunState.PAUSED
        searching.resume(run, by="test")
        finished = running.carry_on(run.pk)

        assert (finished.state, finished.n_changed) == (RunState.FINISHED, 5)
        assert sorted(old for _, _, old, _ in events()) == [f"Title {n}" for n in range(71, 76)]


@pytest.mark.skipif(not REAL.is_dir(), reason="the real versions are not beside the checkout")
def test_real_successive_versions_become_events_that_say_what_differs():
    by_pmid: dict[str, list[Path]] = {}
    for path in sorted(REAL.glob("*.xml*"), key=lambda p: (p.name.split("_")[0], p.name)):
        by_pmid.setdefault(path.name.split("_")[0], []).append(path)
    for versions in by_pmid.values():
        for path in sorted(versions, key=lambda p: int(re.search(r"_v(\d+)_", p.name)[1])):
            body = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            n_before = ReportEvent.objects.count()
            catalogue.upsert(list(pubmed_xml.read(BytesIO(body), Reading())), source="pubmed")
            n_told = ReportEvent.objects.count()
            catalogue.upsert(list(pubmed_xml.read(BytesIO(body), Reading())), source="pubmed")
            assert ReportEvent.objects.count() == n_told >= n_before, "the same again is no news"

    assert Report.objects.count() == len(by_pmid)
    assert all(event.old != event.new for event in ReportEvent.objects.all())
    assert not ReportEvent.objects.filter(old="", kind=ReportEventKind.FIELD_CHANGED).exclude(
        field__in=("databanks", "mesh", "keywords")
    )


class TestFullTexts:
    def test_a_report_that_gained_a_pmcid_gets_its_text_once(self, ncbi):
        numbers = sorted(ncbi.shelf.pmc)
        for pmid, number in enumerate(numbers, 90_000_001):
            make_report(Study.objects.create(), pmid=pmid, doi="", pmcid=f"PMC{number}")
        make_report(Study.objects.create(), pmcid="PMC99999999")

        run = refresh(RunKind.FULL_TEXT)

        assert (run.state, run.n_found, run.n_created, run.n_vanished) == (RunState.FINISHED, len(numbers) + 1, 0, 1)
        assert FullText.objects.count() == len(numbers)
        assert all(text.licence for text in FullText.objects.all() if text.sections), "no text without a licence"
        assert Study.objects.filter(has_full_text=True).exists()
        assert run.findings.get(result=FindingResult.VANISHED).identifier == "PMC99999999"
        assert refresh(RunKind.FULL_TEXT).n_found == 0, "what PMC does not serve is not asked for every day"

    def test_an_article_that_pmc_knows_by_another_pmid_is_left_to_people(self, ncbi):
        make_report(Study.objects.create(), pmid=5, doi="", pmcid=f"PMC{min(ncbi.shelf.pmc)}")

        run = refresh(RunKind.FULL_TEXT)

        assert (run.n_rejected, Report.objects.count(), FullText.objects.count()) == (1, 1, 0)
        assert "PMID 90000001, not 5" in run.findings.get().reason
