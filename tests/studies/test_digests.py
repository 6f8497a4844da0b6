"""Mails: written once, sent at most once, whatever breaks; spoken to a real server in the process."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from studies.actions import alerts, digests, grouping, mailing, notice_acts
from studies.models import (
    AuditEvent,
    Digest,
    Notice,
    SentItem,
    Study,
    Subscription,
    TrialEvent,
    TrialRegistration,
    User,
)
from studies.queries import alerts as alerts_queries
from studies.rules import alerts as rules
from studies.tasks import tell
from studies.terms import AlertSubject, DigestKind, DigestState, Frequency, NewsKind, NoticeKind, TrialEventKind
from tests import mailbox
from tests.factories import make_notice, make_registration, make_study

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 11, 30, 6, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def post_office() -> Iterator[tuple[mailbox.Server, int]]:
    with mailbox.running() as running:
        yield running


@pytest.fixture
def server(post_office, settings) -> mailbox.Server:
    """A server that takes everything, and Stratum speaking to it."""
    office, port = post_office
    office.__init__()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", port, 2
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    return office


def follow(user: User, about: AlertSubject = AlertSubject.EVERYTHING, subject: object = None, **values) -> Subscription:
    """A subscription that began long ago and is due."""
    values = {"frequency": Frequency.DAILY, "kinds": NewsKind.values, "max_items": 20, "lookback_days": 30, **values}
    subscription = alerts.follow(by=user, about=about, subject=subject, **values)
    past = timezone.now() - timedelta(days=60)
    Subscription.objects.filter(pk=subscription.pk).update(consent_at=past, next_due_at=past)
    subscription.refresh_from_db()
    return subscription


def due_again(user: User) -> None:
    Subscription.objects.filter(user=user).update(next_due_at=timezone.now() - timedelta(hours=1))


def send_all() -> list[DigestState | None]:
    waiting = Digest.objects.filter(state=DigestState.BUILT).order_by("pk").values_list("pk", flat=True)
    return [mailing.send(pk, timezone.now() + timedelta(days=30)) for pk in waiting]


# --- writing --------------------------------------------------------------------------------------


def test_a_mail_tells_what_is_new_and_marks_it_as_told(server, clinician):
    study = make_study("Nanofat in the face")
    notice = make_notice(study)
    follow(clinician)

    digest = digests.build(clinician.pk, Frequency.DAILY, timezone.now())

    told = set(digest.items.values_list("object_type", "object_id"))
    assert told == {("study", study.pk), ("notice", notice.pk)}
    assert digest.state == DigestState.BUILT
    assert digest.text.index("RETRACTIONS AND REMOVALS") < digest.text.index("NEW STUDIES")


def test_nothing_new_is_no_mail_and_the_next_look_is_set(server, clinician):
    subscription = follow(clinician)

    assert digests.build(clinician.pk, Frequency.DAILY, MONDAY) is None

    subscription.refresh_from_db()
    assert not Digest.objects.exists()
    assert subscription.next_due_at == datetime(2026, 12, 1, 6, tzinfo=UTC)


def test_a_piece_of_news_comes_once_ever_whatever_one_follows(server, clinician):
    study = make_study("Nanofat in the face")
    follow(clinician)
    follow(clinician, AlertSubject.STUDY, study)
    follow(clinician, AlertSubject.STUDY, study, frequency=Frequency.WEEKLY)

    first = digests.build(clinician.pk, Frequency.DAILY, timezone.now())
    weekly = digests.build(clinician.pk, Frequency.WEEKLY, timezone.now())
    due_again(clinician)
    again = digests.build(clinician.pk, Frequency.DAILY, timezone.now())

    assert (first.items.count(), weekly, again) == (1, None, None)


def test_another_person_is_told_the_same(server, clinician, reviewer):
    make_study()
    for person in (clinician, reviewer):
        follow(person)

    assert all(digests.build(person.pk, Frequency.DAILY, timezone.now()) for person in (clinician, reviewer))


def test_the_look_back_is_bounded_and_never_reaches_behind_the_subscription(server, clinician, reviewer):
    now = timezone.now()
    make_study("Too old", created_at=now - timedelta(days=8))
    make_study("In time", created_at=now - timedelta(days=6))
    follow(clinician, lookback_days=7)
    late = follow(reviewer)
    Subscription.objects.filter(pk=late.pk).update(consent_at=now - timedelta(days=5))

    digest = digests.build(clinician.pk, Frequency.DAILY, now)

    assert "In time" in digest.text
    assert "Too old" not in digest.text
    assert digests.build(reviewer.pk, Frequency.DAILY, now) is None


def test_of_more_than_was_asked_for_the_rest_is_a_number_and_a_link_and_is_told(server, clinician):
    for n in range(40):
        make_study(f"Study number {n:02}")
    follow(clinician, max_items=3)

    digest = digests.build(clinician.pk, Frequency.DAILY, timezone.now())
    due_again(clinician)

    assert digest.text.count("* New study: ") == 3
    assert "And 37 more: http://127.0.0.1:8000/news/" in digest.text
    assert digest.items.count() == 40
    assert digests.build(clinician.pk, Frequency.DAILY, timezone.now()) is None


def test_a_flood_of_lesser_news_never_cuts_off_a_retraction(server, clinician, monkeypatch):
    monkeypatch.setattr(alerts_queries, "MOST_OF_A_KIND", 5)
    past = timezone.now() - timedelta(days=3)
    retracted = [make_notice(make_study(created_at=past), first_seen_at=past) for _ in range(6)]
    for _ in range(9):
        make_study()
    follow(clinician)

    digest = digests.build(clinician.pk, Frequency.DAILY, timezone.now())

    told = digest.items.filter(kind=NewsKind.RETRACTION).values_list("object_id", flat=True)
    assert set(told) == {notice.pk for notice in retracted}
    assert digest.items.filter(kind=NewsKind.STUDY).count() == 5


def test_a_notice_that_a_person_reads_as_something_graver_is_told_again(server, clinician, admin):
    long_ago = timezone.now() - timedelta(days=50)
    study = make_study(created_at=long_ago)
    notice = make_notice(study, NoticeKind.CORRECTION, first_seen_at=timezone.now() - timedelta(days=2))
    old = make_notice(make_study(created_at=long_ago), NoticeKind.CORRECTION, first_seen_at=long_ago)
    follow(clinician)
    digests.build(clinician.pk, Frequency.DAILY, timezone.now())
    for one in (notice, old):
        notice_acts.read_as(one, by=admin, kind=NoticeKind.RETRACTION, why="The journal's page says so.")
    due_again(clinician)

    digest = digests.build(clinician.pk, Frequency.DAILY, timezone.now())
    due_again(clinician)

    told = set(digest.items.values_list("object_id", "kind"))
    assert told >= {(notice.pk, NewsKind.RETRACTION), (old.pk, NewsKind.RETRACTION)}
    assert digests.build(clinician.pk, Frequency.DAILY, timezone.now()) is None


def test_who_follows_a_study_that_was_grouped_into_another_follows_it_there(server, clinician, admin):
    kept, followed = make_study("First report"), make_study("Companion report")
    follow(clinician, AlertSubject.STUDY, followed, kinds=[NewsKind.RETRACTION])
    grouping.group(kept, followed, by=admin)
    notice = make_notice(kept)

    digest = digests.build(clinician.pk, Frequency.DAILY, timezone.now())

    assert [item.object_id for item in digest.items.all()] == [notice.pk]


def test_who_follows_a_number_that_the_registry_gave_up_follows_the_trial(server, clinician):
    study = make_study()
    old = make_registration(study, "NCT00000001", source="registry")
    now = TrialRegistration.objects.create(number="NCT00000002", registry="NCT", study=study, source="registry")
    follow(clinician, AlertSubject.REGISTRATION, old)
    follow(clinician, AlertSubject.STUDY, study, frequency=Frequency.WEEKLY)
    TrialRegistration.objects.filter(pk=old.pk).update(alias_of=now, study=None)
    TrialRegistration.objects.filter(pk=now.pk).update(study=make_study("Its own"))
    stopped = TrialEvent.objects.create(registration=now, kind=TrialEventKind.STOPPED)

    for frequency in (Frequency.DAILY, Frequency.WEEKLY):
        digest = digests.build(clinician.pk, frequency, timezone.now())
        assert digest.items.filter(object_type="trialevent", object_id=stopped.pk).exists()
        SentItem.objects.all().delete()


def test_at_once_goes_only_what_is_grave(server, clinician):
    study = make_study("A quiet study")
    follow(clinician, frequency=Frequency.IMMEDIATE)

    assert digests.build(clinician.pk, Frequency.IMMEDIATE, timezone.now()) is None

    make_notice(study, NoticeKind.CORRECTION)
    concern = make_notice(study, NoticeKind.CONCERN)
    digest = digests.build(clinician.pk, Frequency.IMMEDIATE, timezone.now())

    assert list(digest.items.values_list("object_id", flat=True)) == [concern.pk]
    assert digest.subject == "Expression of concern: A quiet study"


def test_a_retraction_that_two_sources_state_is_told_once(server, clinician):
    study = make_study("Twice withdrawn")
    follow(clinician)
    first = make_notice(study, source="pubmed")
    make_notice(study, source="retraction-watch")

    digest = digests.build(clinician.pk, Frequency.DAILY, timezone.now())

    assert list(digest.items.filter(object_type="notice").values_list("object_id", flat=True)) == [first.pk]


def test_a_saved_search_tells_of_its_studies_alone(server, clinician):
    inside, outside = make_study("Nanofat in the face"), make_study("Cells of the hand")
    make_notice(outside)
    search = clinician.saved_searches.create(name="Nanofat", query_string="?q=nanofat")
    follow(clinician, AlertSubject.SAVED_SEARCH, search)

    digest = digests.build(clinician.pk, Frequency.DAILY, timezone.now())

    assert [item.object_id for item in digest.items.all()] == [inside.pk]


def test_a_closed_account_and_a_site_without_mail_write_nothing(server, clinician, settings):
    make_study()
    follow(clinician)
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    assert digests.build(clinician.pk, Frequency.DAILY, timezone.now()) is None

    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    User.objects.filter(pk=clinician.pk).update(is_active=False)
    assert digests.build(clinician.pk, Frequency.DAILY, timezone.now()) is None


@pytest.mark.parametrize(
    ("frequency", "now", "due"),
    [
        (Frequency.DAILY, datetime(2026, 11, 27, 5, 59, tzinfo=UTC), datetime(2026, 11, 27, 6, tzinfo=UTC)),
        (Frequency.DAILY, datetime(2026, 11, 27, 6, 0, tzinfo=UTC), datetime(2026, 11, 28, 6, tzinfo=UTC)),
        (Frequency.WEEKLY, datetime(2026, 11, 27, 12, tzinfo=UTC), datetime(2026, 11, 30, 6, tzinfo=UTC)),
        (Frequency.WEEKLY, datetime(2026, 11, 30, 5, tzinfo=UTC), datetime(2026, 11, 30, 6, tzinfo=UTC)),
        (Frequency.WEEKLY, datetime(2026, 11, 30, 6, tzinfo=UTC), datetime(2026, 12, 7, 6, tzinfo=UTC)),
        (Frequency.IMMEDIATE, datetime(2026, 11, 30, 6, tzinfo=UTC), datetime(2026, 11, 30, 6, tzinfo=UTC)),
    ],
)
def test_digests_are_due_in_the_morning_and_weekly_ones_on_monday(frequency, now, due):
    assert rules.next_due(frequency, now) == due


# --- sending --------------------------------------------------------------------------------------


@pytest.fixture
def digest(server, clinician) -> Digest:
    make_notice(make_study("Nanofat in the face"))
    follow(clinician)
    return digests.build(clinician.pk, Frequency.DAILY, timezone.now())


def test_a_mail_goes_out_whole_in_text_and_html_with_its_one_click_end(server, digest, clinician):
    assert send_all() == [DigestState.SENT]

    (mail,) = server.mails
    text, html = mail.get_body(("plain",)).get_content(), mail.get_body(("html",)).get_content()
    stop = f"http://127.0.0.1:8000/alerts/stop/{digest.token}/"
    assert mail["To"] == clinician.email
    assert mail["List-Unsubscribe"].strip() == f"<{stop}>"  # folded, for its length
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Message-ID"].startswith(f"<digest-{digest.pk}.")
    for said in ("Retraction: Nanofat in the face", "you asked to be told once a day", "no medical advice", stop):
        assert said in " ".join(text.split())
        assert said in " ".join(html.split())
    assert max(len(line) for line in text.splitlines() if "http" not in line) <= 72
    assert Digest.objects.get().sent_at


def test_what_a_source_writes_is_no_markup_in_a_mail_and_no_header(server, clinician):
    make_study("<b>Bold</b> & brash\nBcc: everybody@example.org")
    follow(clinician)
    digests.build(clinician.pk, Frequency.DAILY, timezone.now())
    send_all()

    (mail,) = server.mails
    assert "&lt;b&gt;Bold&lt;/b&gt; &amp; brash" in mail.get_body(("html",)).get_content()
    assert "* New study: <b>Bold</b> & brash Bcc" in mail.get_body(("plain",)).get_content()
    assert mail["Bcc"] is None


def test_a_mail_is_sent_once_however_often_it_is_asked_for(server, digest):
    answers = [mailing.send(digest.pk, timezone.now()) for _ in range(3)]

    assert answers == [DigestState.SENT, None, None]
    assert len(server.mails) == 1


TROUBLES = [
    ("answers", {"mail": "421 busy"}, DigestState.BUILT, 0),
    ("answers", {"rcpt": "451 try later"}, DigestState.BUILT, 0),
    ("answers", {"rcpt": "550 no such person"}, DigestState.FAILED, 0),
    ("answers", {"text": "452 disk full"}, DigestState.BUILT, 0),
    ("answers", {"text": "554 we do not like it"}, DigestState.FAILED, 0),
    ("breaks_at", "mail", DigestState.BUILT, 0),
    ("breaks_at", "data", DigestState.UNCERTAIN, 0),
    ("breaks_at", "text", DigestState.UNCERTAIN, 1),
    ("seconds", 3.0, DigestState.UNCERTAIN, 1),
]


@pytest.mark.parametrize(("name", "value", "state", "n_taken"), TROUBLES)
def test_what_may_have_arrived_is_uncertain_and_what_cannot_have_is_tried_again(
    name, value, state, n_taken, server, digest, settings
):
    settings.EMAIL_TIMEOUT = 1
    setattr(server, name, value)

    assert mailing.send(digest.pk, timezone.now()) == state

    digest.refresh_from_db()
    assert digest.state == state
    assert digest.failure
    assert len(server.mails) == n_taken
    # Nothing of it goes out by itself a moment later, and an uncertain mail never does.
    server.__init__()
    assert mailing.send(digest.pk, timezone.now()) is None
    later = mailing.send(digest.pk, timezone.now() + timedelta(hours=1))
    assert later == (DigestState.SENT if state == DigestState.BUILT else None)
    assert len(server.mails) == (state == DigestState.BUILT)


def test_a_server_that_is_away_is_asked_again_and_given_up_after_two_days(server, digest, settings):
    settings.EMAIL_PORT = 1
    now = timezone.now()

    states = [mailing.send(digest.pk, now := now + timedelta(days=2)) for _ in range(len(rules.RETRIES) + 1)]

    assert states == [DigestState.BUILT] * len(rules.RETRIES) + [DigestState.FAILED]
    digest.refresh_from_db()
    assert "could not be reached" in digest.failure


def test_whoever_left_after_it_was_written_gets_no_mail(server, digest, clinician):
    alerts.end(list(clinician.subscriptions.all()), by=clinician)

    assert send_all() == [DigestState.FAILED]
    assert not server.mails


def test_an_admin_may_send_again_what_is_uncertain_and_it_is_logged(server, digest, admin):
    server.breaks_at = "text"
    send_all()
    server.__init__()

    mailing.send_again(Digest.objects.get(), by=admin)

    assert send_all() == [DigestState.SENT]
    assert AuditEvent.objects.get(verb="sent a mail again").detail["was"] == DigestState.UNCERTAIN
    with pytest.raises(mailing.NotTroubled):
        mailing.send_again(Digest.objects.get(), by=admin)


# --- the word to admins ---------------------------------------------------------------------------


def test_admins_hear_every_week_also_that_nothing_was_new(server, admin, clinician):
    written = [len(digests.build_admin_words(MONDAY + timedelta(days=days))) for days in (0, 0, 6, 7)]
    send_all()

    assert written == [1, 0, 0, 1]
    assert [mail["To"] for mail in server.mails] == [admin.email] * 2
    assert "0 new. Never searched: PubMed, ClinicalTrials.gov" in server.mails[0]["Subject"]
    assert "List-Unsubscribe" not in server.mails[0]
    assert "if it does not come" in server.mails[0].get_body(("plain",)).get_content()


def test_one_beat_writes_and_one_message_sends(server, clinician, admin, settings):
    make_study()
    follow(clinician)
    settings.CELERY_TASK_ALWAYS_EAGER = True
    from config.celery import app

    app.conf.task_always_eager = True
    try:
        tell()
        tell()
    finally:
        app.conf.task_always_eager = False

    assert sorted(mail["To"] for mail in server.mails) == [admin.email, clinician.email]
    assert set(Digest.objects.values_list("state", flat=True)) == {DigestState.SENT}


# --- processes that compete, and that are killed --------------------------------------------------


@pytest.fixture
def committed(transactional_db, server, clinician) -> User:
    """Rows that other connections see."""
    make_notice(make_study("Nanofat in the face"))
    follow(clinician)
    follow(clinician, AlertSubject.STUDY, Study.objects.get())
    return clinician


def together(work: Callable[[], object], n: int = 4) -> list[object]:
    """The same from several threads at once, each with a connection of its own."""
    barrier, answers = threading.Barrier(n), []

    def run() -> None:
        barrier.wait()
        try:
            answers.append(work())
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_of_several_writers_one_writes(committed):
    now = timezone.now()

    written = together(lambda: digests.build(committed.pk, Frequency.DAILY, now))

    assert len([digest for digest in written if digest]) == Digest.objects.count() == 1
    assert SentItem.objects.count() == 2


def test_of_several_senders_one_sends(committed, server):
    digest = digests.build(committed.pk, Frequency.DAILY, timezone.now())

    states = together(lambda: mailing.send(digest.pk, timezone.now()))

    assert sorted(map(str, states)) == ["None", "None", "None", "sent"]
    assert len(server.mails) == 1


def test_of_several_words_to_admins_one_is_kept(committed, admin):
    together(lambda: digests.build_admin_words(MONDAY))

    assert Digest.objects.filter(kind=DigestKind.ADMIN).count() == 1


def in_child(work: Callable[[], object]) -> int:
    """`work` in a process of its own with its own connection; the number of the process."""
    pid = os.fork()
    if pid == 0:
        try:
            del connections["default"]  # the parent's: not ours to use or to close
            work()
        finally:
            os._exit(0)
    return pid


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(400):
        if condition():
            return
        threading.Event().wait(0.025)
    raise AssertionError("it never came to that")


def is_blocked() -> bool:
    """Whether another connection waits for a lock that ours holds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0] > 0


def test_a_writer_killed_before_its_end_leaves_nothing_and_the_next_tells_everything(committed):
    now = timezone.now()
    notice = Notice.objects.get()
    with transaction.atomic():
        other = Digest.objects.create(user=committed, kind=DigestKind.WEEKLY, subject="x", text="x", html="x")
        # The unique row, not committed: whoever writes the same waits for us in the middle of its transaction.
        SentItem.objects.create(
            user=committed, digest=other, object_type="notice", object_id=notice.pk, kind=NewsKind.RETRACTION
        )
        pid = in_child(lambda: digests.build(committed.pk, Frequency.DAILY, now))
        wait_until(is_blocked)
        kill(pid)
        transaction.set_rollback(True)
    assert not Digest.objects.exists()
    assert not SentItem.objects.exists()

    digest = digests.build(committed.pk, Frequency.DAILY, now)

    assert digest.items.count() == 2


@pytest.mark.parametrize(("stage", "n_taken"), [("mail", 0), ("rcpt", 0), ("data", 0), ("text", 1)])
def test_a_sender_killed_at_any_moment_sends_nothing_twice(stage, n_taken, committed, server):
    digest = digests.build(committed.pk, Frequency.DAILY, timezone.now())
    reached, go_on = threading.Event(), threading.Event()

    def hold(now_at: str) -> None:
        if now_at == stage:
            reached.set()
            go_on.wait(10)

    server.at = hold
    pid = in_child(lambda: mailing.send(digest.pk, timezone.now()))
    assert reached.wait(10)
    kill(pid)
    go_on.set()
    wait_until(lambda: Digest.objects.get().state == DigestState.SENDING)
    server.at = lambda stage: None

    # What a killed process held is nobody's until the time of a conversation is over; then it is uncertain.
    soon, later = timezone.now(), timezone.now() + timedelta(hours=1)
    assert [mailing.sweep(soon), mailing.send(digest.pk, soon), mailing.sweep(later)] == [0, None, 1]
    due_again(committed)
    assert digests.build(committed.pk, Frequency.DAILY, later) is None
    assert mailing.send(digest.pk, later) is None
    assert Digest.objects.get().state == DigestState.UNCERTAIN
    assert len(server.mails) == n_taken


def test_a_sender_killed_between_the_servers_yes_and_its_own_word_sends_nothing_twice(committed, server):
    digest = digests.build(committed.pk, Frequency.DAILY, timezone.now())
    reached, held = threading.Event(), threading.Event()
    server.at = lambda stage: (reached.set(), held.wait(10)) if stage == "text" else None
    pid = in_child(lambda: mailing.send(digest.pk, timezone.now()))
    assert reached.wait(10)
    with transaction.atomic():
        Digest.objects.select_for_update().get(pk=digest.pk)  # the sender cannot say that it has sent
        held.set()
        wait_until(is_blocked)
        kill(pid)
        with connection.cursor() as cursor:
            # The database would still carry out the statement that the dead process has waited with.
            cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted")

    mailing.sweep(timezone.now() + timedelta(hours=1))

    assert Digest.objects.get().state == DigestState.UNCERTAIN
    assert mailing.send(digest.pk, timezone.now() + timedelta(hours=1)) is None
    assert len(server.mails) == 1


def test_a_kill_between_writing_and_sending_loses_nothing(committed, server):
    pid = in_child(lambda: (digests.build(committed.pk, Frequency.DAILY, timezone.now()), signal.pause()))
    wait_until(Digest.objects.exists)
    kill(pid)

    assert send_all() == [DigestState.SENT]
    assert len(server.mails) == 1
