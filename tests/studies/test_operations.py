"""Workers, queues and brokers as they are at work: busy, killed, taken up again."""

import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import psutil
import pytest
from django.utils import timezone

from config.celery import app
from studies import tasks
from studies.actions import heartbeats, importing, searching
from studies.models import AuditEvent, Finding, Heartbeat, Report, RequestCount, SearchRun
from studies.queries import processes as queries
from studies.rules.queues import DEFAULT, NCBI, queue_of
from studies.terms import FindingResult, ProcessKind, RunKind, RunState
from tests.ncbi.server import NcbiServer
from tests.ncbi.synthetic import corpus
from tests.processes import wait_until
from tests.workers import as_up_starts_them, kill, worker

pytestmark = pytest.mark.django_db(transaction=True)
N = 40
NBIB = b"PMID- 900000001\nTI  - A synthetic record about nanofat\nDP  - 2024 Mar\nPT  - Journal Article\n"


@pytest.fixture
def pubmed() -> Iterator[NcbiServer]:
    with NcbiServer(corpus(N), latency=0.3) as server:
        yield server


def a_run(name: str) -> SearchRun:
    search = searching.create_search(by="test", name=name, query="synthetic[tiab]")
    return searching.request_run(search, by="test")


def now_of(run: SearchRun) -> SearchRun:
    return SearchRun.objects.get(pk=run.pk)


def assert_nothing_lost_or_doubled(run: SearchRun) -> None:
    run = now_of(run)
    assert (run.state, run.n_found, run.n_done) == (RunState.FINISHED, N, N)
    assert Report.objects.filter(pmid__lt=900_000_000).count() == N
    created = Finding.objects.filter(result=FindingResult.CREATED, report__pmid__lt=900_000_000)
    assert created.count() == created.values("report").distinct().count() == N
    assert AuditEvent.objects.filter(verb="imported").count() == Report.objects.count()


@pytest.mark.slow
def test_on_the_filesystem_a_full_ncbi_queue_starves_nobody_and_kill_9_loses_nothing(pubmed):
    default, ncbi = as_up_starts_them()
    with worker(default, NCBI_BASE_URL=pubmed.url) as first, worker(ncbi, NCBI_BASE_URL=pubmed.url) as second:
        wait_until(lambda: Heartbeat.objects.count() == 2, "both workers show themselves")
        seen = {beat.name.partition("@")[0]: beat.queues for beat in Heartbeat.objects.all()}
        slow = [a_run(name) for name in ("One", "Two", "Three")]
        tasks.tick.apply(throw=True)
        wait_until(lambda: sum(now_of(run).n_done >= 5 for run in slow) == 2, "two hands are full, one run waits")

        file = importing.request_import("one.nbib", BytesIO(NBIB), by=None)
        tasks.call_worker(file)
        wait_until(lambda: now_of(file).state == RunState.FINISHED, "the file is read meanwhile")
        still_waiting = queries.processes(timezone.now()).queues[0]

        kill(second)  # with what its two hands held, and no message is left of it
        first.terminate()
        assert first.wait(timeout=30) == 0

    assert seen == {"default": [DEFAULT], "ncbi": [NCBI]}
    assert (still_waiting.name, still_waiting.n_waiting, still_waiting.n_running) == ("ncbi", 1, 2)
    assert [beat.name.partition("@")[0] for beat in Heartbeat.objects.all()] == ["ncbi"], "one took its leave"
    assert sum(now_of(run).state == RunState.RUNNING for run in slow) == 2
    pubmed.latency = 0
    for message in (Path(app.conf.broker_transport_options["data_folder_in"])).iterdir():
        message.unlink()  # even the call of the third is lost
    # What two workers that start at once can leave of the file in which both would listen for orders.
    (Path(app.conf.broker_transport_options["control_folder"]) / "celery.pidbox.exchange").write_text(
        '[["", "", "a"]]]'
    )
    SearchRun.objects.update(knocked_at=timezone.now() - timedelta(minutes=5))

    with worker(ncbi, NCBI_BASE_URL=pubmed.url):
        tasks.tick.apply(throw=True)
        wait_until(lambda: all(now_of(run).state == RunState.FINISHED for run in slow), "the sweep has found them")

    for run in slow:
        assert_nothing_lost_or_doubled(run)


@pytest.fixture(scope="module")
def redis() -> Iterator[str]:
    """The address of a Redis server of our own."""
    program = shutil.which("redis-server")
    if not program:
        pytest.skip("redis-server is not installed (Debian: apt-get install redis-server)")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = tempfile.mkdtemp()
    settings = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder]
    server = subprocess.Popen([program, *settings], stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, "Redis answers")
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder)


@pytest.mark.slow
def test_on_redis_a_message_outlives_the_hand_that_held_it(pubmed, redis):
    run = a_run("One")
    _, ncbi = as_up_starts_them()
    with worker(ncbi, NCBI_BASE_URL=pubmed.url, CELERY_BROKER_URL=redis) as process:
        with app.connection_for_write(url=redis) as broker:
            broker.transport_options = {}
            tasks.carry_on.apply_async([run.pk], queue=queue_of(run.kind), connection=broker)
        wait_until(lambda: now_of(run).n_done >= 5, "it has begun")
        hands = psutil.Process(process.pid).children()

        for hand in hands:
            hand.kill()
        pubmed.latency = 0
        wait_until(lambda: now_of(run).state == RunState.FINISHED, "another hand goes on, without any sweep")

    assert now_of(run).n_attempts >= 2 and now_of(run).knocked_at is None
    assert_nothing_lost_or_doubled(run)


# --- Routing and limits of tasks ------------------------------------------------------------------
def test_what_asks_the_outside_and_what_does_not_wait_in_queues_of_their_own():
    assert {kind for kind in RunKind if queue_of(kind) == DEFAULT} == {RunKind.FILE}
    assert app.amqp.router.route({}, "studies.tasks.carry_on")["queue"].name == NCBI
    assert app.amqp.router.route({}, "studies.tasks.tick")["queue"].name == DEFAULT


def test_a_task_ends_before_any_broker_gives_its_message_to_another():
    conf = app.conf
    assert conf.task_acks_late and conf.task_reject_on_worker_lost
    assert conf.task_soft_time_limit < conf.task_time_limit < 30 * 60, "RabbitMQ waits half an hour, Redis one"


# --- What Sync says about them --------------------------------------------------------------------
def test_processes_are_alive_or_silent_by_the_rows_they_write():
    now = timezone.now()
    heartbeats.beat("ncbi@one", ProcessKind.WORKER, [NCBI])
    heartbeats.beat("default@one", ProcessKind.WORKER, [DEFAULT])
    heartbeats.beat("beat@one", ProcessKind.BEAT)
    assert queries.processes(now).warning == ""

    Heartbeat.objects.filter(name="beat@one").update(at=now - timedelta(hours=1))
    assert "No scheduler seen since" in queries.processes(now).warning

    Heartbeat.objects.filter(name="ncbi@one").update(at=now - timedelta(hours=1))
    assert "serves the queue “ncbi”" in queries.processes(now).warning


def test_requests_are_counted_by_the_hour_and_forgotten_after_two_days():
    now = timezone.now().replace(second=0, microsecond=0)
    for minutes, n in ((0, 7), (30, 90), (70, 500), (3000, 9)):
        RequestCount.objects.create(name="ncbi", minute=now - timedelta(minutes=minutes), n=n)
    Heartbeat.objects.create(name="gone", at=now - timedelta(days=2))

    (ncbi,) = queries.requests_last_hour(now)
    heartbeats.forget(now)

    assert (ncbi.name, ncbi.n, ncbi.busiest) == ("NCBI", 97, 90)
    assert RequestCount.objects.count() == 3
    assert not Heartbeat.objects.exists()
