"""The story of surveillance, seen at every place and told in one mail; then the same story with ten kills in it."""

import json
import os
import re
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from pathlib import Path
from random import Random

import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.db.models import F
from django.test import Client
from django.urls import reverse
from lxml import etree

from config.celery import app
from studies import tasks
from studies.actions import citations, pacing
from studies.models import Digest, SearchRun, Study, User
from studies.terms import DigestState, RunState, SiteRole
from tests import mailbox
from tests.conftest import signed_in
from tests.ncbi.icite import ICiteServer
from tests.ncbi.registry import RegistryServer
from tests.ncbi.server import NcbiServer
from tests.story import (
    A_WEEK,
    ALERT_READER,
    ALL_TOLD,
    CELLS,
    DAILY_READER,
    GRAVE,
    HANDS,
    LAXITY,
    LINES,
    ONE,
    RESULTS,
    SCARS,
    STORY,
    THREE,
    TITLES,
    TODAY,
    TOLD,
    TWO,
    WRINKLES,
    World,
    bare,
    beat,
    begin,
    days_pass,
    make_due,
    people_follow,
    remembered,
    tag,
)
from tests.studies.test_pages import text_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture(scope="module")
def post_office() -> Iterator[tuple[mailbox.Server, int]]:
    with mailbox.running() as running:
        yield running


@pytest.fixture
def world(post_office, settings, monkeypatch) -> Iterator[World]:
    """The sources before the story begins; every process of this test is quick to ask them."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", post_office[1], 5
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.NCBI_EMAIL, settings.NCBI_API_KEY, settings.NCBI_BATCH = "stratum@example.org", "a-synthetic-key", 2
    monkeypatch.setattr(pacing, "CTGOV_SECONDS", 0.01)
    monkeypatch.setattr(citations, "SPACING", 0.02)
    monkeypatch.setattr(citations, "BATCH", 2)
    app.conf.task_always_eager = True
    with NcbiServer() as pubmed, ICiteServer() as icite, RegistryServer() as registry:
        settings.NCBI_BASE_URL, settings.ICITE_BASE_URL, settings.CTGOV_BASE_URL = pubmed.url, icite.url, registry.url
        yield World(pubmed, icite, registry, post_office[0])
    app.conf.task_always_eager = False


# --- The story straight ---------------------------------------------------------------------------
def on(address: str) -> str:
    answer = Client().get(address)
    assert answer.status_code == 200, address
    return unescape(text_of(answer))


def on_study(pmid: int) -> str:
    return on(Study.objects.get(reports__pmid=pmid).get_absolute_url())


def on_trials_study(number: str) -> str:
    return on(Study.objects.get(registrations__number=number).get_absolute_url())


def on_news() -> Counter[str]:
    """What every page of the news says has happened, and to what."""
    page = etree.HTML(Client().get("/news/").content)
    return Counter(
        " ".join(f"{item.findtext('.//p/span')}: {''.join(item.find('h3').itertext())}".split())
        for item in page.iterfind(".//article")
    )


def in_feed() -> Counter[str]:
    feed = etree.fromstring(Client().get("/news/feed.atom").content)
    ids = [entry.findtext("{*}id") for entry in feed.iterfind("{*}entry")]
    assert len(ids) == len(set(ids))
    return Counter(entry.findtext("{*}title") for entry in feed.iterfind("{*}entry"))


def in_mails(world: World, reader: str) -> Counter[str]:
    """What all mails that the server took tell this reader; the lines of a piece are joined."""
    texts = [mail.get_body(("plain",)).get_content() for mail in world.post.mails if mail["To"] == reader]
    pieces = [" ".join(piece.split()) for text in texts for piece in re.split(r"^\* ", text, flags=re.M)[1:]]
    heads = [head for head in ALL_TOLD if any(piece.startswith(f"{head} ") for piece in pieces)]
    told = Counter({head: sum(piece.startswith(f"{head} ") for piece in pieces) for head in heads})
    assert told.total() == len(pieces), "nothing else is told"
    return told


def in_cell(source: str) -> str:
    return on(f"/map/cell/?sources={source}&outcomes=out-wrinkles")


def listed(query: str) -> set[str]:
    """The numbers of the trials that a filter of the Trials page finds."""
    return set(
        re.findall(r'<th scope="row"><a href="/trials/([^/"]+)/"', Client().get(f"/trials/{query}").content.decode())
    )


def see_new_records() -> None:
    assert TITLES[LINES] in on_study(LINES) and TITLES[HANDS] in on_study(HANDS)
    assert listed("?new=1") == {ONE, TWO, THREE} and CELLS[THREE] in on("/trials/")
    page = on("/map/")
    assert "5 stand in no cell because they lack a tag" in page and "3 new trials of the last 30 days" in page
    assert "1 more study has an open suggestion for this cell" in in_cell("src-nanofat")

    tag({"reports__pmid": LINES}, "src-nanofat")

    assert TITLES[LINES] in in_cell("src-nanofat")


def see_the_change() -> None:
    page = on_study(WRINKLES)
    assert f"Title corrected Before {TITLES[WRINKLES]}. Now {TITLES[WRINKLES]}: a corrected title." in page
    assert f"{TITLES[WRINKLES]}: a corrected title." in in_cell("src-adsc")


def see_the_retraction() -> None:
    page = on_study(LAXITY)
    assert "Retraction Synth J Skin. 2026 According to PubMed" in page
    assert "Records checked again: Records again updated a report" in page, "no search had asked for it"
    assert f"Retracted {TITLES[LAXITY]}" in in_cell("src-svf")
    page = on("/map/")
    assert "1 notice retracted, replaced or under a concern" in page
    assert "Stromal vascular fraction (cells) 1 1 other 1 notice" in page
    assert f"Retracted {TITLES[LAXITY]}" in on("/studies/?q=laxity")
    assert f"Retraction first seen {TODAY:%-d %B %Y} {TITLES[LAXITY]}" in on("/")


def see_the_status() -> None:
    for page in (on(f"/trials/{ONE}/"), on_trials_study(ONE)):
        assert "Completed" in page and "Status changed from “Recruiting” to “Completed”" in page
    assert "Reason given: No participants were found" in on(f"/trials/{TWO}/")
    assert (listed("?status=completed"), listed("?stopped=1")) == ({ONE}, {TWO})
    assert CELLS[ONE] in in_cell("src-adsc")
    assert "Adipose-derived stem/stromal cell 2 1 other 1 reg." in on("/map/"), "the registered trial is counted apart"


def see_the_results() -> None:
    for page in (on(f"/trials/{ONE}/"), on_trials_study(ONE)):
        assert f"Results posted on {TODAY:%-d %B %Y}" in page
    assert listed("?results=1") == {ONE}


def see_the_publication() -> None:
    assert f"{ONE} ClinicalTrials.gov {CELLS[ONE]} Completed" in on_study(RESULTS)
    for page in (on_study(RESULTS), on(f"/trials/{ONE}/"), on_trials_study(ONE)):
        assert f"Publication linked: PMID {RESULTS}: {TITLES[RESULTS]}" in page
    assert listed("?published=1") == {ONE}

    tag({"reports__pmid": RESULTS}, "src-adsc")

    assert TITLES[RESULTS] in in_cell("src-adsc")
    page = on("/map/")
    assert "Adipose-derived stem/stromal cell 3 2 other 1 reg. 1 new" in page and "1 new trial of the last 30" in page


SEEN = dict(
    zip(
        STORY,
        (see_new_records, see_the_change, see_the_retraction, see_the_status, see_the_results, see_the_publication),
        strict=True,
    )
)


def test_what_happens_outside_is_seen_at_every_place_and_told_in_one_mail_once(world):
    begin(world)
    beat()
    people_follow()
    for step in STORY:
        days_pass(A_WEEK)
        step(world)
        beat()
        once = remembered()
        make_due()
        beat()
        assert remembered() == once, f"{step.__name__}: a second look changes nothing"
        for told in (on_news(), in_feed(), in_mails(world, DAILY_READER)):
            assert {head: told[head] for head in TOLD[step]} == dict.fromkeys(TOLD[step], 1), step.__name__
        SEEN[step]()

    assert in_mails(world, DAILY_READER) == Counter(ALL_TOLD)
    assert in_mails(world, ALERT_READER) == Counter(GRAVE)
    assert len(world.post.mails) == len(STORY) + len(GRAVE), "one mail a day, and one for each grave thing"
    known = [f"New study: {TITLES[WRINKLES]}: a corrected title.", f"New study: {TITLES[SCARS]}."]
    known += [f"New trial: {CELLS[ONE]}", f"New trial: {CELLS[TWO]}"]
    withdrawn = f"New study: {TITLES[LAXITY]}."
    assert on_news() == Counter([*ALL_TOLD, *known, withdrawn])
    assert in_feed() == Counter([*ALL_TOLD, *known, f"[Retracted] {withdrawn}"])
    assert not SearchRun.objects.exclude(state=RunState.FINISHED).exists()


# --- The story with ten kills ---------------------------------------------------------------------
N_KILLS, SEED = 10, 2
A_WHILE = timedelta(minutes=20)  # until a killed worker is missed, and a conversation with the mail server given up


@dataclass(frozen=True)
class Moment:
    """The `n`th statement, request to a source, or line to the mail server of one beat; both sides of a statement."""

    kind: str
    n: int


def beat_in_child(kill_at: Moment | None = None) -> Counter[str] | None:
    """A beat in a process of its own: how many moments it had; None if it was killed at one."""
    n_before = n_connections()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "moments"
        pid = os.fork()
        if pid == 0:
            _be_child(path, kill_at)
        _, status = os.waitpid(pid, 0)
        wait_until(lambda: n_connections() <= n_before, "the connections of a dead process are closed")
        if os.WIFSIGNALED(status):
            assert os.WTERMSIG(status) == signal.SIGKILL
            return None
        assert status == 0, "the beat ended with an error, which stands above"
        return Counter(json.loads(path.read_text()))


def _be_child(path: Path, kill_at: Moment | None) -> None:
    """Never returns."""
    moments: Counter[str] = Counter()

    def reach(kind: str) -> None:
        moments[kind] += 1
        if kill_at == Moment(kind, moments[kind]):
            os.kill(os.getpid(), signal.SIGKILL)

    def execute(run: Callable, *args: object) -> object:
        reach("statement")
        answer = run(*args)
        reach("statement")
        return answer

    try:
        del connections["default"]  # the parent's: not ours to use or to close
        connection.execute_wrappers.append(execute)
        sent = {"http.client.send": "request", "smtplib.send": "mail"}
        sys.addaudithook(lambda event, args: reach(sent[event]) if event in sent else None)
        beat()
        path.write_text(json.dumps(moments))
        os._exit(0)
    except Exception:  # noqa: BLE001 - it must not go on as a second pytest
        traceback.print_exc()
    finally:
        os._exit(1)


def a_while_passes() -> None:
    """Until the dead process is missed."""
    SearchRun.objects.update(knocked_at=F("knocked_at") - A_WHILE)
    Digest.objects.filter(state=DigestState.SENDING).update(claimed_at=F("claimed_at") - A_WHILE)


def n_connections() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return cursor.fetchone()[0]


def tell_story(world: World, beat_through: Callable[[int], None]) -> dict[str, list]:
    """The whole story in an empty database; `beat_through` gets the number of the step."""
    call_command("flush", verbosity=0, interactive=False, reset_sequences=True)
    begin(world)
    beat_through(0)
    people_follow()
    for number, step in enumerate(STORY, 1):
        days_pass(A_WEEK)
        step(world)
        beat_through(number)
    return remembered(with_runs=True)


def planned_kills(moments: list[Counter[str]], random: Random) -> list[list[Moment]]:
    """For each step where to kill: every step once, some a second time while it is made good."""
    kills = [[a_moment(counted, random)] for counted in moments]
    for number in random.sample(range(len(moments)), N_KILLS - len(moments)):
        kills[number].append(Moment("statement", random.randint(1, 20)))
    return kills


def a_moment(counted: Counter[str], random: Random) -> Moment:
    kind = random.choice(sorted(counted))
    # No two beats have quite as many statements: the last few may not be reached.
    return Moment(kind, random.randint(1, counted[kind] - counted[kind] // 20))


def test_ten_kills_change_nothing_of_the_outcome(world):
    moments: list[Counter[str]] = []
    straight = tell_story(world, lambda number: moments.append(beat_in_child()))
    mails = sorted_mails(world)
    assert Digest.objects.filter(state=DigestState.SENT).count() == len(mails) == len(STORY) + len(GRAVE)
    kills = planned_kills(moments, Random(SEED))

    def beat_through(number: int) -> None:
        for moment in kills[number]:
            assert beat_in_child(moment) is None, f"step {number} was not killed at {moment}"
            a_while_passes()
        beat_in_child()

    outcome = tell_story(world, beat_through)

    assert outcome == straight, kills
    n_mails, before = len(world.post.mails), remembered()
    make_due()
    beat()
    assert (len(world.post.mails), remembered()) == (n_mails, before), "nothing is made up for twice"
    # A mail whose process died while it spoke to the server may have arrived: it is never sent again by itself, and
    # whoever knows that it has not arrived completes what was told.
    assert set(Digest.objects.values_list("state", flat=True)) <= {DigestState.SENT, DigestState.UNCERTAIN}
    assert all(n_taken(world, digest) == 1 for digest in Digest.objects.filter(state=DigestState.SENT))
    for digest in Digest.objects.filter(state=DigestState.UNCERTAIN):
        if not n_taken(world, digest):
            send_again(digest)
    assert sorted_mails(world) == mails, kills


def n_taken(world: World, digest: Digest) -> int:
    """How often the mail server took this mail."""
    return sum(mail["Message-ID"].strip().startswith(f"<digest-{digest.pk}.") for mail in world.post.mails)


def send_again(digest: Digest) -> None:
    """An admin sees on the page of mails what is uncertain, and decides."""
    admin = signed_in(User.objects.filter(role=SiteRole.ADMIN).first() or User.objects.create_admin("a@example.org"))
    assert "ended before it could say whether it had" in text_of(admin.get(reverse("studies:mails")))
    assert admin.post(reverse("studies:mail_again", args=[digest.pk])).status_code == 302
    tasks.send(digest.pk)


def sorted_mails(world: World) -> list[tuple[str, str, str]]:
    texts = [(mail["To"], mail["Subject"], mail.get_body(("plain",)).get_content()) for mail in world.post.mails]
    return sorted((to, subject, bare(text)) for to, subject, text in texts)


def wait_until(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.02)
