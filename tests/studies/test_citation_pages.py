"""What readers see of citations, changes and notices, and what an admin may do about them."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from studies.actions.study_rows import refresh_studies
from studies.models import CitationCount, CitationLink, ICiteMeasures, Notice, ReportEvent, SearchRun, Study
from studies.terms import NoticeKind, NoticeStatus, ReportEventKind, RunKind
from tests.factories import make_notice, make_report, make_study
from tests.ncbi.retraction_watch import file_of, row

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 27)


@pytest.fixture
def study() -> Study:
    return make_study("A synthetic trial of nanofat", report={"pmid": 71})


def counted(study: Study, source: str, *counts: int, doubtful: tuple[int, ...] = ()) -> None:
    """A number a month, the last this month; those at the places `doubtful` are not believed."""
    report = study.reports.get()
    for place, count in enumerate(counts):
        day = (TODAY.replace(day=1) - timedelta(days=28 * (len(counts) - 1 - place))).replace(day=10)
        CitationCount.objects.create(
            report=report,
            source=source,
            month=day.replace(day=1),
            counted_on=day,
            count=count,
            is_doubtful=place in doubtful,
        )
    refresh_studies([study.pk])


def measured(study: Study, **values: object) -> None:
    parts = {"human": Decimal("0.5"), "animal": Decimal("0.25"), "molecular": Decimal("0.25")}
    ICiteMeasures.objects.create(report=study.reports.get(), **({"rcr": Decimal("1.5")} | parts | values))


def link(citing: int, cited: int, source: str = "icite") -> None:
    CitationLink.objects.create(citing_pmid=citing, cited_pmid=cited, source=source)


def page(client, study: Study) -> str:
    return " ".join(client.get(study.get_absolute_url()).content.decode().split())


class TestTheStudyPage:
    def test_each_source_says_its_number_with_its_date(self, study, visitor):
        counted(study, "icite", 3, 5, 12)
        counted(study, "elink", 4)

        html = page(visitor, study)

        assert '<b class="number">12</b> according to iCite, 10 November 2026' in html
        assert '<b class="number">4</b> according to PubMed, cited in PMC' in html
        assert html.count('class="citations__bar"') == 3 and "numbers are not comparable" in html
        assert '<th scope="row">September 2026</th><td class="table__number">3</td>' in html

    def test_a_doubtful_number_is_noted_beside_the_last_one_believed(self, study, visitor):
        counted(study, "icite", 50, 0, doubtful=(1,))

        html = page(visitor, study)

        assert '<b class="number">50</b>' in html and "it gave 0, fewer than before" in html

    def test_nought_is_a_number(self, study, visitor):
        counted(study, "elink", 0)

        assert '<b class="number">0</b> according to PubMed' in page(visitor, study)

    def test_the_ratio_says_when_it_is_provisional_and_when_there_is_none(self, study, visitor):
        measured(study, is_provisional=True)
        html = page(visitor, study)
        assert '1.50 <span class="badge badge--warn">Provisional</span>' in html and "not quality" in html
        assert "Human 50 %" in html and "Molecular and cellular 25 %" in html

        ICiteMeasures.objects.update(rcr=None, human=None)
        html = page(visitor, study)
        assert "too new to be compared" in html and "Animal 25 %" not in html, "two parts are no whole"

    def test_who_cites_it_here_and_how_many_elsewhere(self, study, visitor):
        other = make_study("A synthetic review of nanofat", report={"pmid": 72})
        retracted = make_study("A synthetic retracted series", report={"pmid": 73})
        make_notice(retracted)
        for source in ("icite", "elink"):
            link(72, 71, source)
        link(99, 71)
        link(71, 73)

        html = page(visitor, study)

        assert other.title in html and "2 articles known in all" in html
        assert "Retracted</span>" in html, "what it cites carries its notice"
        assert "It cites, in this catalogue" in page(visitor, other)

    def test_before_anybody_was_asked_it_says_so(self, study, visitor):
        assert "Nobody has been asked yet" in page(visitor, study)
        nameless = make_study("Without a PMID", report={"pmid": None})
        assert "counted by PMID" in page(visitor, nameless)

    def test_changes_stand_in_the_history_escaped_and_in_words(self, study, visitor):
        report = study.reports.get()
        kind = ReportEventKind.FIELD_CHANGED
        ReportEvent.objects.create(report=report, kind=kind, field="title", old="<b>A</b> trial", new="A trial")
        ReportEvent.objects.create(report=report, kind=ReportEventKind.TYPE_ADDED, new="Retracted Publication")
        ReportEvent.objects.create(report=report, kind=ReportEventKind.CITATIONS, field="icite", old="5", new="0")

        html = page(visitor, study)

        assert "Title corrected" in html and "&lt;b&gt;A&lt;/b&gt; trial" in html
        assert "Publication type added: Retracted Publication" in html and "iCite gave a smaller count" in html

    def test_the_number_of_queries_does_not_grow(self, study, visitor):
        counted(study, "icite", 5)
        measured(study)
        with CaptureQueriesContext(connection) as few:
            page(visitor, study)
        for pmid in range(200, 220):
            make_study(report={"pmid": pmid})
            link(pmid, 71)
            link(71, pmid)
            ReportEvent.objects.create(report=study.reports.get(), kind=ReportEventKind.VANISHED)
            make_notice(study, NoticeKind.CONCERN)

        with CaptureQueriesContext(connection) as many:
            page(visitor, study)

        assert len(many) == len(few)


def test_most_cited_is_a_sorting_with_the_unknown_last(visitor):
    for pmid, count in ((71, 3), (72, None), (73, 9)):
        one = make_study(f"Synthetic study {pmid}", report={"pmid": pmid})
        if count:
            counted(one, "icite", count)

    html = visitor.get(reverse("studies:studies"), {"sort": "cited"}).content.decode()

    places = [html.index(f"Synthetic study {pmid}</a>") for pmid in (73, 71, 72)]
    assert places == sorted(places) and "cited 9 times" in html


class TestCandidates:
    @pytest.fixture
    def cited(self) -> None:
        """PMID 900 is cited by two studies, 901 by one, 902 cites one; 71 and 72 are here."""
        references = [{"pmid": 900, "citation": "Roe J. A <i>synthetic</i> classic. 1999."}]
        for pmid in (71, 72):
            make_study(f"Synthetic study {pmid}", report={"pmid": pmid, "references": references})
            link(pmid, 900)
            link(pmid, 900, "references")
        link(71, 901)
        link(71, 72)
        link(902, 72)

    def test_they_are_counted_by_study_and_named_as_our_studies_cite_them(self, cited, visitor):
        html = " ".join(visitor.get(reverse("studies:candidates")).content.decode().split())

        assert html.index("PMID 900") < html.index("PMID 901") and "PMID 72<" not in html
        assert '<td class="table__number">2</td>' in html and "&lt;i&gt;synthetic&lt;/i&gt; classic" in html
        assert "Import" not in html, "a visitor may look"

    def test_the_other_way_are_those_that_cite_studies_here(self, cited, visitor):
        html = visitor.get(reverse("studies:candidates"), {"way": "citing"}).content.decode()

        assert "PMID 902" in html and "PMID 900" not in html

    def test_one_click_asks_pubmed_for_an_article(self, cited, admin_client, admin):
        answer = admin_client.post(reverse("studies:candidates_take"), {"pmid": "900"})

        run = SearchRun.objects.get()
        assert answer.headers["Location"] == run.get_absolute_url()
        assert (run.kind, run.asked, run.by) == (RunKind.PMIDS, "900", admin)

    def test_a_whole_page_at_once_and_nonsense_not_at_all(self, cited, admin_client):
        admin_client.post(reverse("studies:candidates_take"), {"pmid": "900 901 900"})
        assert SearchRun.objects.get().asked == "900 901"

        answer = admin_client.post(reverse("studies:candidates_take"), {"pmid": "nonsense"})
        assert answer.status_code == 422 and SearchRun.objects.count() == 1

    @pytest.mark.parametrize("query", [{"page": "0"}, {"page": "x"}, {"page": "999999999999"}, {"way": "'"}])
    def test_a_strange_address_is_the_first_page(self, cited, visitor, query):
        assert "PMID 900" in visitor.get(reverse("studies:candidates"), query).content.decode()

    def test_the_number_of_queries_does_not_grow(self, cited, visitor):
        with CaptureQueriesContext(connection) as few:
            visitor.get(reverse("studies:candidates"))
        for pmid in range(1000, 1040):
            link(71, pmid)
            link(72, pmid)

        with CaptureQueriesContext(connection) as many:
            visitor.get(reverse("studies:candidates"))

        assert len(many) == len(few)


class TestNotices:
    def test_an_admin_dismisses_with_a_reason_and_takes_it_back(self, study, admin_client, visitor):
        notice = make_notice(study)
        assert "Retracted" in visitor.get(reverse("studies:studies")).content.decode()

        answer = admin_client.post(reverse("studies:notice_dismiss", args=[notice.pk]), {"why": ""})
        assert answer.status_code == 422 and Notice.objects.live().exists()
        admin_client.post(reverse("studies:notice_dismiss", args=[notice.pk]), {"why": "Another <article>."})

        assert Study.objects.get().notice_status == NoticeStatus.NONE
        html = page(visitor, study)
        assert "Notices no longer in force" in html and "because: Another &lt;article&gt;." in html
        assert "study-row__notice" not in visitor.get(reverse("studies:studies")).content.decode()
        assert (
            "Another &lt;article&gt;" in admin_client.get(reverse("studies:notices", args=[study.pk])).content.decode()
        )

        admin_client.post(reverse("studies:notice_restore", args=[notice.pk]))
        assert Study.objects.get().notice_status == NoticeStatus.RETRACTED

    def test_an_admin_says_that_it_was_replaced(self, study, admin_client, visitor):
        notice = make_notice(study)
        where = reverse("studies:notice_read_as", args=[notice.pk])

        assert admin_client.post(where, {"kind": "retract-and-replace"}).status_code == 422, "without a reason"
        admin_client.post(where, {"kind": "retract-and-replace", "why": "Republished as PMID 99."})

        html = page(visitor, study)
        assert "Retracted and republished" in html and "calls it “Retraction”" in html
        assert Study.objects.get().notice_status == NoticeStatus.REPLACED

    def test_an_admin_enters_one_by_hand(self, study, admin_client, visitor):
        where, report = reverse("studies:notices", args=[study.pk]), study.reports.get()
        values = {"report": report.pk, "kind": "concern", "citation": "The journal's page, seen 3 May 2026"}

        for wrong in ({"citation": ""}, {"notice_pmid": "x"}, {"notice_doi": "x"}, {"issued_on": "2999-01-01"}):
            assert admin_client.post(where, values | wrong).status_code == 422
        assert admin_client.post(where, values | {"notice_pmid": "88"}).status_code == 302

        html = page(visitor, study)
        assert "Expression of concern" in html and "Entered by a person" in html
        csv = visitor.get(reverse("studies:export", args=["csv"]))
        text = b"".join(csv.streaming_content if csv.streaming else [csv.content]).decode("utf-8-sig")
        assert "Expression of concern" in text, "at once in exports"

    def test_a_report_of_another_study_cannot_be_judged_here(self, study, admin_client):
        other = make_report(Study.objects.create())
        values = {"report": other.pk, "kind": "concern", "citation": "x"}

        assert admin_client.post(reverse("studies:notices", args=[study.pk]), values).status_code == 422

    def test_a_lifted_retraction_leaves_the_first_page(self, study, visitor):
        today = timezone.localdate()
        make_notice(study, issued_on=today - timedelta(days=9))
        home = reverse("home")
        assert study.title in visitor.get(home).content.decode()

        make_notice(study, NoticeKind.REINSTATEMENT, issued_on=today)

        assert "notices-title" in visitor.get(home).content.decode()
        assert 'class="banner banner--danger"' not in visitor.get(home).content.decode()

    def test_a_notice_that_waits_for_its_paper_cannot_be_judged(self, admin_client):
        waiting = Notice.objects.create(subject_pmid=5, kind=NoticeKind.RETRACTION, key="1")

        assert admin_client.post(reverse("studies:notice_dismiss", args=[waiting.pk]), {"why": "x"}).status_code == 404


class TestTheRetractionWatchPage:
    @pytest.fixture(autouse=True)
    def uploads(self, settings, tmp_path):
        settings.UPLOADS = tmp_path

    def test_a_file_becomes_a_run(self, admin_client):
        file = SimpleUploadedFile("retraction_watch.csv", file_of(row(1)))
        answer = admin_client.post(reverse("studies:retractions"), {"file": file})

        run = SearchRun.objects.get()
        assert (run.kind, answer.headers["Location"]) == (RunKind.RETRACTIONS, run.get_absolute_url())

    def test_an_address_becomes_a_run(self, admin_client):
        admin_client.post(reverse("studies:retractions"), {"url": "https://example.org/rw.csv"})

        assert SearchRun.objects.get().asked == "https://example.org/rw.csv"

    @pytest.mark.parametrize("url", ["", "ftp://example.org/rw.csv", "file:///etc/passwd", "nonsense"])
    def test_nothing_else_is_taken(self, admin_client, url):
        answer = admin_client.post(reverse("studies:retractions"), {"url": url})

        assert answer.status_code == 422 and not SearchRun.objects.exists()

    def test_another_file_is_refused_at_once(self, admin_client):
        file = SimpleUploadedFile("x.csv", b"PMID,Title\n1,Synthetic\n")
        answer = admin_client.post(reverse("studies:retractions"), {"file": file})

        assert answer.status_code == 422 and "not a Retraction Watch file" in answer.content.decode()
