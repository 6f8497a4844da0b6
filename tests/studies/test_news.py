"""News: what is told, in which order, in which words; and what is marked as new for whom."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from lxml import etree

from studies.models import AuditEvent, ReportEvent, Seen, Study, TrialEvent, TrialRegistration
from studies.queries import news
from studies.queries.newness import newness
from studies.queries.news import Cursor
from studies.terms import (
    NewsKind,
    NoticeKind,
    RegistrationSource,
    ReportEventKind,
    ReportKind,
    StudyDesign,
    TrialEventKind,
    TrialStatus,
)
from tests.factories import make_notice, make_study
from tests.studies.test_pages import n_queries, text_of

pytestmark = pytest.mark.django_db


def trial(number: str = "NCT90000001", **values) -> TrialRegistration:
    values = {"source": RegistrationSource.REGISTRY, "title": f"Synthetic trial {number}", "registry": "NCT", **values}
    return TrialRegistration.objects.create(number=number, **values)


def event(registration: TrialRegistration, kind: TrialEventKind, **values) -> TrialEvent:
    return TrialEvent.objects.create(registration=registration, kind=kind, **values)


def changed(study: Study, kind: ReportEventKind, **values) -> ReportEvent:
    return ReportEvent.objects.create(report=study.reports.get(), kind=kind, **values)


def headlines(*kinds: NewsKind, **more) -> list[str]:
    return [item.headline for item in news.page(kinds, **more).items]


# --- what is told ---------------------------------------------------------------------------------


def test_the_newest_day_comes_first_and_within_a_day_the_gravest():
    now = timezone.now().replace(hour=12)
    yesterday = now - timedelta(days=1)
    quiet = make_study("Quiet", created_at=now)
    make_notice(quiet, NoticeKind.CONCERN, first_seen_at=now - timedelta(hours=3))
    make_notice(make_study("Old and withdrawn", created_at=now - timedelta(days=3)), first_seen_at=yesterday)
    event(trial(), TrialEventKind.STOPPED, new=TrialStatus.TERMINATED, detected_at=now - timedelta(hours=9))

    assert headlines() == [
        "Expression of concern: Quiet",
        "Trial terminated: Synthetic trial NCT90000001",
        "[Expression of concern] New study: Quiet",
        "Retraction: Old and withdrawn",
        "[Retracted] New study: Old and withdrawn",
    ]


def test_trials_and_records_are_told_in_plain_words():
    registered = trial(status=TrialStatus.RECRUITING, enrolment=40, sponsor="Synthetic Hospital")
    event(registered, TrialEventKind.NEW)
    event(registered, TrialEventKind.STATUS_CHANGED, old=TrialStatus.RECRUITING, new=TrialStatus.COMPLETED)
    event(registered, TrialEventKind.STOPPED, new=TrialStatus.WITHDRAWN, why="No funding.")
    event(registered, TrialEventKind.RESULTS_POSTED)
    event(registered, TrialEventKind.OVERDUE)
    event(registered, TrialEventKind.UPDATED)  # stands in the trial's own timeline
    study = make_study("Nanofat")
    changed(study, ReportEventKind.FIELD_CHANGED, field="title", old="Nanofot.", new="Nanofat.")
    changed(study, ReportEventKind.FIELD_CHANGED, field="mesh", new="Skin")
    changed(study, ReportEventKind.TYPE_ADDED, new="Clinical Trial")
    changed(study, ReportEventKind.NOTICE_ADDED, field=NoticeKind.CORRECTION)

    told = {item.happening: item.detail for item in news.page(()).items}

    assert told == {
        "Trial withdrawn": "NCT90000001. Reason given: No funding.",
        "Results posted": "NCT90000001.",
        "New trial": "NCT90000001. Recruiting. 40 people planned. Synthetic Hospital.",
        "Overdue: no results found": "NCT90000001. A year after its primary completion no results and no publication "
        "are known here.",
        "Trial now completed": "NCT90000001. Before: recruiting.",
        "New study": told["New study"],
        "Title corrected at the source": f"Before: Nanofot. Now: Nanofat. PMID {study.reports.get().pmid}.",
        "Now called “Clinical Trial” by PubMed": f"PMID {study.reports.get().pmid}.",
    }


def test_what_is_no_news_is_not_told():
    make_study("Came with Stratum", is_starter=True)
    make_study("Of plants", in_default_views=False)
    make_study("The notice itself", report={"kind": ReportKind.NOTICE})
    Study.objects.create(design=StudyDesign.REGISTERED, title="A registration alone")
    dismissed = make_notice(make_study("Wrongly accused", created_at=timezone.now() - timedelta(days=1)))
    type(dismissed).objects.filter(pk=dismissed.pk).update(dismissed_at=timezone.now())

    assert headlines() == ["[Retracted] New study: Wrongly accused"]


def test_the_same_retraction_from_a_second_source_is_told_once_and_a_later_one_again():
    now = timezone.now()
    study = make_study("Withdrawn", created_at=now - timedelta(days=400))
    first = make_notice(study, source="pubmed", first_seen_at=now - timedelta(days=200))
    make_notice(study, source="retraction-watch", first_seen_at=now - timedelta(days=190))
    type(first).objects.filter(pk=first.pk).update(unstated_since=now - timedelta(days=150))

    # The first is no longer stated, the echo alone stands.
    assert len(headlines(NewsKind.RETRACTION)) == 0

    make_notice(study, source="crossref", first_seen_at=now)
    type(first).objects.filter(source="retraction-watch").update(unstated_since=now - timedelta(days=100))

    assert len(headlines(NewsKind.RETRACTION)) == 1


def test_a_retraction_and_the_publication_type_that_states_it_are_one_piece():
    study = make_study("Withdrawn")
    make_notice(study)
    changed(study, ReportEventKind.TYPE_ADDED, field="publication_types", new="Retracted Publication")

    assert headlines() == ["Retraction: Withdrawn", "[Retracted] New study: Withdrawn"]


def test_two_corrections_of_one_source_are_two_and_another_sources_are_the_same_two():
    study = make_study(created_at=timezone.now() - timedelta(days=1))
    for source in ("pubmed", "pubmed", "retraction-watch", "retraction-watch"):
        make_notice(study, NoticeKind.CORRECTION, source=source)

    assert len(headlines(NewsKind.CORRECTION)) == 2


def test_a_persons_reading_of_a_notice_is_what_is_told():
    notice = make_notice(make_study("Republished"))
    type(notice).objects.filter(pk=notice.pk).update(read_as=NoticeKind.RETRACT_AND_REPLACE)

    assert headlines(NewsKind.RETRACTION) == ["Retracted and republished: Republished"]


def test_what_a_person_reads_otherwise_is_news_of_that_day_and_the_echo_of_what_was_told_before():
    now = timezone.now()
    study = make_study("Doubtful", created_at=now - timedelta(days=400))
    read_again = make_notice(study, NoticeKind.CORRECTION, first_seen_at=now - timedelta(days=60))
    type(read_again).objects.filter(pk=read_again.pk).update(read_as=NoticeKind.RETRACTION, read_as_at=now)
    assert [item.at for item in news.page([NewsKind.RETRACTION]).items] == [now]

    told_between = make_notice(study, source="retraction-watch", first_seen_at=now - timedelta(days=20))

    assert [item.at for item in news.page([NewsKind.RETRACTION]).items] == [told_between.first_seen_at]


# --- pages ----------------------------------------------------------------------------------------


def test_pages_follow_one_another_without_gap_or_repetition_while_news_comes_in():
    now = timezone.now()
    for n in range(30):
        study = make_study(f"Study {n}", created_at=now - timedelta(hours=7 * n))
        if n % 3 == 0:
            make_notice(study, NoticeKind.CONCERN if n % 2 else NoticeKind.RETRACTION, first_seen_at=study.created_at)
    whole = [item.key for item in news.page((), size=100).items]

    seen, cursor = [], None
    while True:
        page = news.page((), cursor=cursor, size=7)
        seen += [item.key for item in page.items]
        make_study("On top")
        if not page.next:
            break
        cursor = Cursor.read(page.next)

    assert seen == whole
    assert len(whole) == len(set(whole)) == 40


@pytest.mark.parametrize("bad", ["x", "1_2", "1_study_x", "9" * 30 + "_study_1", "1_nothing_3", "_study_", "²_study_3"])
def test_a_bent_address_is_said_to_be_not_understood(bad, visitor):
    answer = visitor.get("/news/", {"after": bad, "kind": "nonsense"})

    assert answer.status_code == 200
    assert "was not understood" in text_of(answer)


def test_a_kind_is_chosen_by_a_link_and_the_page_leads_on(visitor):
    make_notice(make_study("Withdrawn for good"))
    make_study("Quiet")

    page = visitor.get("/news/?kind=retraction")

    assert "Withdrawn for good" in text_of(page)
    assert "Quiet" not in text_of(page)
    assert 'href="/news/?kind=retraction&amp;kind=concern"' in page.content.decode()
    assert 'href="/news/feed.atom?kind=retraction"' in page.content.decode()


def test_the_page_asks_as_often_for_many_as_for_few(visitor):
    def more() -> None:
        for _ in range(6):
            study = make_study()
            make_notice(study)
            event(trial(f"NCT9{TrialRegistration.objects.count():07}"), TrialEventKind.NEW)
            changed(study, ReportEventKind.VANISHED)

    more()
    few = n_queries(visitor, "/news/")
    more()

    assert n_queries(visitor, "/news/") == few <= 11


def test_nothing_from_a_source_is_markup(visitor):
    make_study("<script>alert(1)</script>")

    assert b"<script>alert" not in visitor.get("/news/").content


# --- new until seen -------------------------------------------------------------------------------


def marked_as_new(client: Client) -> list[bool]:
    """In the list, on the map's legend, in the news, on Home, on its own page."""
    pages = [client.get(address).content.decode() for address in ("/studies/", "/map/", "/news/", "/")]
    pages.append(client.get(Study.objects.get().get_absolute_url()).content.decode())
    badge = '<span class="badge badge--accent">New</span>'
    return [re.search(r"<u>\d+ new</u>", page) is not None if n == 1 else badge in page for n, page in enumerate(pages)]


def test_a_new_trial_is_marked_everywhere_until_its_reader_has_seen_it(clinician_client, reviewer_client, visitor):
    study = make_study("Randomised", design=StudyDesign.RANDOMISED)
    assert marked_as_new(clinician_client) == marked_as_new(visitor) == [True] * 5

    clinician_client.get(study.get_absolute_url())
    assert marked_as_new(clinician_client) == [True] * 5  # reading a page writes nothing

    clinician_client.post("/news/seen/", {"study": study.pk})
    assert marked_as_new(clinician_client) == [False] * 5
    assert marked_as_new(reviewer_client) == marked_as_new(visitor) == [True] * 5


@pytest.mark.parametrize(
    ("values", "is_new"),
    [
        ({"design": StudyDesign.RANDOMISED}, True),
        ({"design": StudyDesign.TRIAL}, True),
        ({"design": StudyDesign.REGISTERED}, True),
        ({"design": StudyDesign.NOT_STATED, "n_registrations": 1}, True),
        ({"design": StudyDesign.ANIMAL}, False),
        ({"design": StudyDesign.SYSTEMATIC_REVIEW}, False),
        ({"design": StudyDesign.RANDOMISED, "is_starter": True}, False),
        ({"design": StudyDesign.RANDOMISED, "created_at": timezone.now() - timedelta(days=31)}, False),
        ({"design": StudyDesign.RANDOMISED, "created_at": timezone.now() - timedelta(days=29)}, True),
    ],
)
def test_new_are_trials_first_seen_within_the_window(values, is_new, settings):
    settings.NEW_DAYS = 30
    Study.objects.create(**values)

    assert Study.objects.new_trials(newness(timezone.now())).exists() == is_new


def test_a_registration_is_new_once_it_is_more_than_a_number():
    new = newness(timezone.now())
    trial("NCT90000001")
    trial("NCT90000002", source="")
    trial("NCT90000003", source=RegistrationSource.STARTER)
    trial("NCT90000004", first_seen_at=timezone.now() - timedelta(days=40))

    assert [str(one) for one in TrialRegistration.objects.new(new)] == ["NCT90000001"]


def test_everything_is_seen_at_once_and_seeing_twice_is_harmless(clinician_client, clinician):
    make_study(design=StudyDesign.RANDOMISED)
    registered = trial()
    for _ in range(2):
        answer = clinician_client.post("/news/seen/", {"all": "1", "next": "/news/?kind=trial"})

    assert answer.url == "/news/?kind=trial"
    assert Seen.objects.filter(user=clinician).count() == 2
    clinician_client.post("/news/seen/", {"registration": registered.pk})
    assert Seen.objects.count() == 2


@pytest.mark.parametrize("data", [{}, {"study": "x"}, {"study": "²"}, {"nothing": "1"}])
def test_what_names_nothing_is_refused(data, clinician_client):
    assert clinician_client.post("/news/seen/", data).status_code == 422


def test_a_reader_is_sent_back_to_this_site_alone(clinician_client):
    answer = clinician_client.post("/news/seen/", {"all": "1", "next": "https://elsewhere.example/"})

    assert answer.url == "/news/"


# --- feeds ----------------------------------------------------------------------------------------

ATOM = "{http://www.w3.org/2005/Atom}"


def feed(client: Client, address: str = "/news/feed.atom") -> etree._Element:
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/atom+xml; charset=utf-8"
    return etree.fromstring(answer.content)


def test_a_feed_is_atom_with_all_that_readers_need(visitor):
    study = make_study("Fat & <b>skin</b>\x0b", report={"abstract": "Synthetic words of an abstract."})
    make_notice(study)

    root = feed(visitor)

    assert root.tag == f"{ATOM}feed"
    for name in ("id", "title", "updated", "author", "link"):
        assert root.find(ATOM + name) is not None, name
    assert {link.get("rel") for link in root.findall(f"{ATOM}link")} == {"alternate", "self"}
    entries = root.findall(f"{ATOM}entry")
    assert [entry.findtext(f"{ATOM}title") for entry in entries] == [
        "Retraction: Fat & <b>skin</b>",
        "[Retracted] New study: Fat & <b>skin</b>",
    ]
    for entry in entries:
        assert entry.findtext(f"{ATOM}id").startswith("tag:127.0.0.1,2026:")
        assert entry.findtext(f"{ATOM}updated")
        assert entry.find(f"{ATOM}link").get("href") == f"http://127.0.0.1:8000{study.get_absolute_url()}"
    assert "abstract" not in etree.tostring(root, encoding="unicode")


def test_ids_stay_the_same_when_the_study_changes(visitor):
    study = make_study("Before")
    before = feed(visitor).findtext(f"{ATOM}entry/{ATOM}id")
    Study.objects.filter(pk=study.pk).update(title="After", design=StudyDesign.COHORT)

    assert feed(visitor).findtext(f"{ATOM}entry/{ATOM}id") == before == f"tag:127.0.0.1,2026:study-{study.pk}"


def test_a_feed_of_a_list_tells_of_its_studies_and_is_named_after_it(visitor):
    make_study("Nanofat in the face")
    make_notice(make_study("Cells of the hand"))

    root = feed(visitor, "/studies/feed.atom?q=nanofat")

    assert root.findtext(f"{ATOM}title") == "Stratum: Words: nanofat"
    assert [e.findtext(f"{ATOM}title") for e in root.findall(f"{ATOM}entry")] == ["New study: Nanofat in the face"]
    assert root.find(f"{ATOM}link[@rel='alternate']").get("href") == "http://127.0.0.1:8000/studies/?q=nanofat"


def test_a_feed_that_has_not_changed_is_not_sent_again(visitor):
    for address in ("/news/feed.atom", "/studies/feed.atom?q=nanofat"):
        first = visitor.get(address)
        again = visitor.get(address, headers={"If-None-Match": first["ETag"]})
        dated = visitor.get(address, headers={"If-Modified-Since": first["Last-Modified"]})

        assert [again.status_code, dated.status_code] == [304, 304]
    make_study("Nanofat, new")
    assert visitor.get(address, headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_feeds_ask_as_often_for_many_as_for_few(visitor):
    counts = []
    for _ in range(2):
        for _ in range(5):
            make_notice(make_study("Nanofat"))
        with CaptureQueriesContext(connection) as asked:
            feed(visitor, "/studies/feed.atom?q=nanofat")
        counts.append(len(asked))

    assert counts[0] == counts[1] <= 6


def test_a_dismissed_notice_leaves_the_news_and_no_audit_is_written_by_reading(visitor):
    before = AuditEvent.objects.count()
    visitor.get("/news/")
    visitor.get("/news/feed.atom")

    assert AuditEvent.objects.count() == before
