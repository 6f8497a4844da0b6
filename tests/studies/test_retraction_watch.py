"""The Retraction Watch file: its peculiarities, what its rows are matched on, what they do to studies."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
from django.utils import timezone

from studies.actions import catalogue, importing, notice_acts, retraction_watch, running, searching
from studies.actions.starter import load_starter, load_vocabulary
from studies.models import AuditEvent, Notice, Report, ReportEvent, SearchRun, Study
from studies.queries import news
from studies.sources import retraction_watch as source
from studies.sources.record import Record, Rejection, Relation
from studies.sources.text_stream import UnreadableFile
from studies.terms import FindingResult, NewsKind, NoticeKind, NoticeStatus, RunKind, RunState
from tests.factories import make_notice, make_report, make_study
from tests.ncbi.retraction_watch import FileServer, file_of, row
from tests.ncbi.server import Fault


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "retraction_watch.csv"


@pytest.fixture(autouse=True)
def quick(settings, tmp_path, monkeypatch):
    settings.UPLOADS = tmp_path / "uploads"
    monkeypatch.setattr(retraction_watch, "SPACING", 0.01)


class TestTheFile:
    def read(self, path: Path, **facts) -> source.Row | Rejection:
        path.write_bytes(file_of(row(1, **facts)))
        return next(source.rows(path))

    @pytest.mark.parametrize(
        ("text", "day"),
        [
            ("3/9/2026 0:00", date(2026, 3, 9)),
            ("12/31/2019", date(2019, 12, 31)),
            ("31/12/2019 0:00", None),
            ("2/30/2020 0:00", None),
            ("0/0/0000", None),
            ("", None),
            ("2019-12-31", None),
        ],
    )
    def test_dates_are_month_day_year(self, path, text, day):
        assert self.read(path, issued=text).issued_on == day

    @pytest.mark.parametrize(
        ("pmid", "pmids"), [("0", ()), ("", ()), ("123", (123,)), ("123.0", (123,)), ("12; 13;", (12, 13)), ("n/a", ())]
    )
    def test_pmid_nought_is_none(self, path, pmid, pmids):
        assert self.read(path, pmid=pmid).pmids == pmids

    @pytest.mark.parametrize(
        ("doi", "dois"),
        [
            ("unavailable", ()),
            ("Unavailable", ()),
            ("", ()),
            ("10.1000/ABC", ("10.1000/abc",)),
            ("https://doi.org/10.1000/abc", ("10.1000/abc",)),
            ("10.1000/a;10.1000/b;", ("10.1000/a", "10.1000/b")),
            ("10.1002/(sici)1<1661::aid-x>3.0.co;2-2", ("10.1002/(sici)1<1661::aid-x>3.0.co;2-2",)),
        ],
    )
    def test_doi_unavailable_is_none(self, path, doi, dois):
        assert self.read(path, doi=doi).dois == dois

    def test_reasons_are_a_list_without_its_signs(self, path):
        assert self.read(path, reason="+Concerns About Data;Error by Author;+;").reasons[:2] == (
            "Concerns About Data",
            "Error by Author",
        )

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
    def test_utf_8_and_then_latin_1(self, path, encoding):
        path.write_bytes(file_of(row(1, title="Über künstliche Haut"), encoding=encoding))

        assert next(source.rows(path)).title == "Über künstliche Haut"

    @pytest.mark.parametrize("nature", ["Retraction", "Expression of concern", "CORRECTION", "Reinstatement"])
    def test_every_kind_of_notice(self, path, nature):
        assert self.read(path, nature=nature).kind in NoticeKind

    def test_an_unknown_kind_is_rejected_by_itself(self, path):
        path.write_bytes(file_of(row(1, nature="Lament"), row(2)))

        first, second = source.rows(path)

        assert isinstance(first, Rejection) and "Lament" in first.reason
        assert second.number == "2"

    def test_another_table_is_refused_as_a_whole(self, path):
        path.write_text("PMID,Title\n1,Synthetic\n")
        with pytest.raises(UnreadableFile, match="not a Retraction Watch file"):
            list(source.rows(path))


STARTER_ROW = {"key": "one", "category": "study", "title": "A synthetic starter study", "year": 2020, "tags": []}


def read_in(*rows: dict) -> SearchRun:
    run = retraction_watch.request_file("retraction_watch.csv", BytesIO(file_of(*rows)), by=None)
    return running.carry_on(run.pk)


def statuses() -> dict[int, int]:
    return dict(Report.objects.order_by("pmid").values_list("pmid", "study__notice_status"))


@pytest.fixture
def papers(db) -> Iterator[list[Report]]:
    """Two articles in the catalogue, PMID 71 with DOI a and PMID 72 with DOI b."""
    studies = [
        make_study(f"A synthetic study of {name} for made-up scars", report={"pmid": pmid, "doi": f"10.5555/{name}"})
        for pmid, name in ((71, "a"), (72, "b"))
    ]
    return [study.reports.get() for study in studies]


@pytest.mark.django_db(transaction=True)
class TestMatching:
    def test_on_the_doi_whatever_its_case(self, papers):
        run = read_in(row(1, doi="10.5555/A"), row(2, doi="10.5555/elsewhere", pmid=99))

        assert statuses() == {71: NoticeStatus.RETRACTED, 72: NoticeStatus.NONE}
        assert (run.state, run.n_found, run.n_created, run.n_listed) == (RunState.FINISHED, 2, 1, 1)
        notice = Notice.objects.get(report=papers[0])
        assert (notice.issued_on, notice.source, notice.key) == (date(2026, 3, 9), "retraction-watch", "1")
        assert notice.reasons == ["Concerns/Issues About Data", "Investigation by Journal/Publisher"]
        event = ReportEvent.objects.get()
        assert (event.kind, event.field, event.report_id) == ("notice-added", "retraction", papers[0].pk)

    def test_on_the_pmid_where_no_doi_helps(self, papers):
        read_in(row(1, pmid=72))

        assert statuses() == {71: NoticeStatus.NONE, 72: NoticeStatus.RETRACTED}

    def test_the_doi_goes_before_the_pmid_and_the_log_says_that_they_differ(self, papers):
        run = read_in(row(1, doi="10.5555/a", pmid=72))

        assert statuses() == {71: NoticeStatus.RETRACTED, 72: NoticeStatus.NONE}
        assert "another paper" in run.findings.get().reason

    def test_never_on_the_title(self, papers):
        read_in(row(1, title=papers[0].title), row(2, title=papers[1].title, doi="10.5555/elsewhere"))

        assert set(statuses().values()) == {NoticeStatus.NONE}

    def test_a_pmid_that_contradicts_the_doi_needs_the_title_as_a_witness(self, papers):
        run = read_in(row(1, doi="10.5555/other", pmid=71), row(2, doi="10.5555/typo", pmid=72, title=papers[1].title))

        assert statuses() == {71: NoticeStatus.NONE, 72: NoticeStatus.RETRACTED}
        rejected = run.findings.get(result=FindingResult.REJECTED)
        assert rejected.report == papers[0] and "nor is its title" in rejected.reason

    def test_a_notice_waits_for_its_paper(self, papers):
        read_in(row(1, doi="10.5555/later"), row(2, pmid=74), row(3, doi="10.5555/x", pmid=75))

        for pmid, doi in ((73, "10.5555/later"), (74, ""), (75, "10.5555/y")):
            catalogue.upsert([Record(pmid=pmid, doi=doi, title=f"Synthetic {pmid}")], source="pubmed")

        assert {pmid: status for pmid, status in statuses().items() if pmid > 72} == {
            73: NoticeStatus.RETRACTED,
            74: NoticeStatus.RETRACTED,
            75: NoticeStatus.NONE,  # its two ids would name two papers
        }

    def test_a_notice_that_waited_is_news_on_the_day_its_paper_comes(self, papers):
        read_in(row(1, doi="10.5555/later"))
        before = timezone.now()

        catalogue.upsert([Record(pmid=73, doi="10.5555/later", title="Synthetic")], source="pubmed")

        assert Notice.objects.get().first_seen_at > before
        assert [item.kind for item in news.page([NewsKind.RETRACTION]).items] == [NewsKind.RETRACTION]
        assert not ReportEvent.objects.exists(), "it came with the report"

    @pytest.mark.parametrize(
        ("known", "said", "waiting"),
        [
            (Record(pmid=73, title="Synthetic"), {"doi": "10.5555/later"}, row(1, doi="10.5555/later")),
            (Record(doi="10.5555/later", title="Synthetic"), {"pmid": 73}, row(1, pmid=73)),
        ],
        ids=["DOI", "PMID"],
    )
    def test_a_report_that_gains_an_identifier_gains_the_notice_that_waited_for_it(self, papers, known, said, waiting):
        catalogue.upsert([known], source="file")
        read_in(waiting)
        before = timezone.now()

        catalogue.upsert([replace(known, **said)], source="pubmed")

        report = Report.objects.get(pmid=73)
        assert (report.notices.get().first_seen_at > before, report.study.notice_status) == (
            True,
            NoticeStatus.RETRACTED,
        )
        assert ReportEvent.objects.get(report=report, kind="notice-added").field == "retraction"

    def test_what_the_report_has_under_its_other_identifier_already_goes_on_waiting(self, papers):
        known = Record(doi="10.5555/later", title="Synthetic")
        catalogue.upsert([known], source="file")
        make_notice(Study.objects.get(reports__doi=known.doi), source="pubmed", key="pmid:88")
        Notice.objects.create(subject_pmid=73, kind="retraction", source="pubmed", key="pmid:88")

        (taken,) = catalogue.upsert([replace(known, pmid=73)], source="pubmed")

        assert taken.result == FindingResult.CHANGED
        assert Report.objects.get(pmid=73).notices.count() == 1

    def test_a_row_read_while_its_paper_was_not_known_is_adopted_as_the_newest_file_has_it(self, papers):
        read_in(row(1, doi="10.5555/later"))
        Notice.objects.update(unstated_since=timezone.now())

        read_in(row(1, doi="10.5555/later", issued="4/1/2026 0:00"))
        catalogue.upsert([Record(pmid=73, doi="10.5555/later", title="Synthetic")], source="pubmed")

        assert statuses()[73] == NoticeStatus.RETRACTED
        assert Notice.objects.get().issued_on == date(2026, 4, 1)

    def test_a_notice_found_by_reading_again_is_news_of_that_day(self, papers):
        read_in(row(1, doi="10.5555/later"))
        make_report(papers[0].study, doi="10.5555/later")
        before = timezone.now()

        read_in(row(1, doi="10.5555/later"))

        assert Notice.objects.get().first_seen_at > before

    def test_starter_studies_take_the_notices_that_waited_for_them(self, tmp_path, papers):
        load_vocabulary()
        read_in(row(1, doi="10.5555/starter"))
        path = tmp_path / "starter.json"
        path.write_text(json.dumps({"rows": [STARTER_ROW | {"doi": "10.5555/starter"}]}))

        load_starter(path=path)

        assert Study.objects.get(is_starter=True).notice_status == NoticeStatus.RETRACTED


@pytest.mark.django_db(transaction=True)
class TestReadingAgain:
    def test_the_same_file_changes_nothing(self, papers):
        rows = row(1, doi="10.5555/a"), row(2, pmid=99), row(3)
        read_in(*rows)
        before = list(Notice.objects.order_by("pk").values())

        run = read_in(*rows)

        assert (run.n_created, run.n_changed, run.n_unchanged, run.n_listed) == (0, 0, 1, 2)
        assert list(Notice.objects.order_by("pk").values()) == before
        assert ReportEvent.objects.count() == 1 and run.warnings == []

    def test_a_row_that_left_the_file_is_no_longer_stated_and_may_come_back(self, papers):
        others = row(2, doi="10.5555/b"), *(row(n, pmid=1000 + n) for n in range(3, 12))
        read_in(row(1, doi="10.5555/a"), *others)
        run = read_in(*others)
        assert statuses() == {71: NoticeStatus.NONE, 72: NoticeStatus.RETRACTED}
        assert Notice.objects.get(report=papers[0]).unstated_since and "left the file" in run.warnings[0]

        read_in(row(1, doi="10.5555/a"), *others)

        assert set(statuses().values()) == {NoticeStatus.RETRACTED}
        kinds = ReportEvent.objects.filter(report=papers[0]).order_by("pk").values_list("kind", flat=True)
        assert list(kinds) == ["notice-added", "notice-lifted", "notice-added"]

    def test_a_file_that_is_not_whole_takes_nothing_back(self, papers):
        read_in(row(1, doi="10.5555/a"), *(row(n, pmid=1000 + n) for n in range(2, 40)))

        run = read_in(row(2, pmid=1002))

        assert statuses()[71] == NoticeStatus.RETRACTED and "not whole" in run.warnings[0]
        assert not Notice.objects.filter(unstated_since__isnull=False).exists()

    @pytest.mark.parametrize(
        ("first", "then"), [(2, range(2, 3)), (8, range(20, 26)), (2, range(2, 60))], ids=["part", "another", "whole"]
    )
    def test_an_upload_takes_nothing_back_that_it_does_not_plainly_repeat(self, papers, first, then):
        read_in(row(1, doi="10.5555/a"), *(row(n, pmid=1000 + n) for n in range(2, first + 1)))

        run = read_in(*(row(n, pmid=1000 + n) for n in then))

        assert statuses()[71] == NoticeStatus.RETRACTED and "not whole" in run.warnings[0]
        assert not Notice.objects.filter(unstated_since__isnull=False).exists()

    def test_a_row_corrected_to_another_paper_moves_its_notice(self, papers):
        read_in(row(1, doi="10.5555/a"))

        read_in(row(1, doi="10.5555/b"))

        assert statuses() == {71: NoticeStatus.NONE, 72: NoticeStatus.RETRACTED}

    def test_what_a_person_dismissed_stays_dismissed(self, papers, admin):
        read_in(row(1, doi="10.5555/a"))
        notice_acts.dismiss(Notice.objects.get(), by=admin, why="Another article.")

        read_in(row(1, doi="10.5555/a", issued="4/1/2026 0:00"))

        assert statuses()[71] == NoticeStatus.NONE and Notice.objects.count() == 1


@pytest.mark.django_db(transaction=True)
class TestReinstatement:
    def test_it_lifts_what_came_before_and_the_history_stays(self, papers, visitor):
        read_in(
            row(2, doi="10.5555/a", nature="Reinstatement", issued="5/1/2021 0:00"),
            row(1, doi="10.5555/a", issued="3/9/2020 0:00"),
        )

        assert statuses()[71] == NoticeStatus.NONE
        assert Notice.objects.live().filter(report=papers[0]).count() == 2
        page = visitor.get(papers[0].study.get_absolute_url()).content.decode()
        assert "lifted by the reinstatement" in page and "banner--danger" not in page

    def test_a_retraction_after_it_stands(self, papers):
        read_in(
            row(1, doi="10.5555/a", nature="Reinstatement", issued="3/9/2020 0:00"),
            row(2, doi="10.5555/a", issued="5/1/2021 0:00"),
        )

        assert statuses()[71] == NoticeStatus.RETRACTED

    def test_it_lifts_what_pubmed_had_stated_without_a_date(self, papers):
        make_notice(papers[0].study, issued_on=None, source="pubmed", key="pmid:88", notice_pmid=88)
        assert statuses()[71] == NoticeStatus.RETRACTED

        read_in(row(1, doi="10.5555/a", nature="Reinstatement", issued="5/1/2021 0:00"))

        assert statuses()[71] == NoticeStatus.NONE

    def test_pubmeds_undated_retraction_takes_the_date_of_the_same_notice_elsewhere(self, papers):
        read_in(
            row(1, doi="10.5555/a", issued="3/9/2020 0:00", RetractionPubMedID=88),
            row(2, doi="10.5555/a", nature="Reinstatement", issued="5/1/2021 0:00"),
        )
        make_notice(papers[0].study, issued_on=None, source="pubmed", key="pmid:88", notice_pmid=88)

        assert statuses()[71] == NoticeStatus.NONE


@pytest.mark.django_db(transaction=True)
class TestWhereItComesFrom:
    def test_an_address_is_fetched_and_read(self, papers):
        with FileServer(body=file_of(row(1, doi="10.5555/a"))) as server:
            server.faults.append(Fault("retraction_watch", "503", retry_after=0))
            run = running.carry_on(retraction_watch.request_url(server.url, by=None).pk)

        assert (run.state, run.n_created, statuses()[71]) == (RunState.FINISHED, 1, NoticeStatus.RETRACTED)
        assert not list((importing.settings.UPLOADS).iterdir()), "the copy is gone"

    def test_a_standing_job_without_a_query_asks_the_address_of_the_settings(self, papers, settings):
        with FileServer(body=file_of(row(1, doi="10.5555/a"))) as server:
            settings.RETRACTION_WATCH_URL = server.url
            run = running.carry_on(searching.request_once(RunKind.RETRACTIONS, "").pk)

        assert run.n_created == 1

    @pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org/x.csv", "no address"])
    def test_only_web_addresses_are_fetched(self, db, url):
        run = running.carry_on(searching.request_once(RunKind.RETRACTIONS, url).pk)

        assert run.state == RunState.FAILED and "no http or https address" in run.failure

    def test_a_file_too_large_is_refused(self, papers, settings):
        settings.UPLOAD_MEGABYTES = 1
        with FileServer(body=b"x" * 1_100_000) as server:
            run = running.carry_on(searching.request_once(RunKind.RETRACTIONS, server.url).pk)

        assert run.state == RunState.FAILED and "larger than" in run.failure

    def test_a_page_that_is_no_such_file_fails_with_a_sentence(self, papers):
        with FileServer(body=b"<html>Sorry</html>") as server:
            run = running.carry_on(searching.request_once(RunKind.RETRACTIONS, server.url).pk)

        assert run.state == RunState.FAILED and "not a Retraction Watch file" in run.failure

    def test_a_paused_run_goes_on_where_it_stopped(self, papers, monkeypatch):
        monkeypatch.setattr(retraction_watch, "BATCH", 1)
        body = file_of(row(1, doi="10.5555/a"), row(2), row(3, doi="10.5555/b"))
        run = retraction_watch.request_file("rw.csv", BytesIO(body), by=None)
        stopped = running.carry_on(run.pk, on_progress=lambda r: r.n_found == 1 and searching.pause(r, by="test"))
        assert (stopped.state, stopped.n_found) == (RunState.PAUSED, 1)

        searching.resume(stopped, by="test")
        finished = running.carry_on(run.pk)

        assert (finished.state, finished.n_found, finished.n_created) == (RunState.FINISHED, 3, 2)
        assert Notice.objects.filter(report__isnull=False).count() == 2


@pytest.mark.django_db
class TestWhatPeopleDo:
    def test_a_dismissal_with_its_reason_and_back(self, papers, admin):
        notice = make_notice(papers[0].study)

        notice_acts.dismiss(notice, by=admin, why="It is about another article.")
        assert statuses()[71] == NoticeStatus.NONE
        with pytest.raises(notice_acts.NotPossible):
            notice_acts.dismiss(notice, by=admin, why="Again.")
        notice_acts.restore(notice, by=admin)

        assert statuses()[71] == NoticeStatus.RETRACTED
        verbs = AuditEvent.objects.filter(object_type="report").order_by("pk").values_list("verb", "detail__reason")
        assert list(verbs) == [
            ("dismissed a notice on", "It is about another article."),
            ("restored a notice on", None),
        ]
        kinds = ReportEvent.objects.order_by("pk").values_list("kind", flat=True)
        assert list(kinds) == ["notice-lifted", "notice-added"]

    def test_a_retraction_read_as_retract_and_replace(self, papers, admin):
        notice = make_notice(papers[0].study)

        notice_acts.read_as(notice, by=admin, kind=NoticeKind.RETRACT_AND_REPLACE, why="Republished as PMID 99.")
        assert statuses()[71] == NoticeStatus.REPLACED
        notice_acts.read_as(notice, by=admin, kind="", why="")

        assert statuses()[71] == NoticeStatus.RETRACTED

    def test_a_notice_entered_by_hand(self, papers, admin):
        notice_acts.enter(papers[0], by=admin, kind=NoticeKind.CONCERN, citation="The journal's page of 3 May.")

        assert statuses()[71] == NoticeStatus.CONCERN
        assert AuditEvent.objects.get().actor_id == admin.pk

    def test_a_word_of_pubmed_does_not_undo_an_override(self, papers, admin):
        relations = (Relation("RetractionIn", "J Synth", 88),)
        catalogue.upsert([Record(pmid=73, title="Synthetic", relations=relations)], source="pubmed")
        notice = Notice.objects.get(report__pmid=73)
        notice_acts.read_as(notice, by=admin, kind=NoticeKind.RETRACT_AND_REPLACE, why="Republished.")

        newer = Record(pmid=73, title="Synthetic", relations=relations, volume="9", revised_on=date(2030, 1, 1))
        catalogue.upsert([newer], source="pubmed")

        assert Study.objects.get(reports__pmid=73).notice_status == NoticeStatus.REPLACED
