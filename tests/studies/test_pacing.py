"""One limit for all processes: measured from the log of the local NCBI."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pytest
from django.db import connection, transaction
from django.utils import timezone

from studies.actions import pacing
from studies.models.search import RequestSlot

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]
ASK = """
import sys, django
django.setup()
from studies.actions.pacing import ncbi
door = ncbi()
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(sys.argv[1])):
    door.count("synthetic")
"""


def ask_from_four_processes(url: str, *, key: str, n_each: int) -> None:
    """Four processes that begin together and ask as fast as they may."""
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path="/" + connection.settings_dict["NAME"]).geturl()
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": database,
        "NCBI_BASE_URL": url,
        "NCBI_API_KEY": key,
    }
    command = [sys.executable, "-c", ASK, str(n_each)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    askers = [subprocess.Popen(command, cwd=ROOT, env=environment, **pipes) for _ in range(4)]
    for asker in askers:
        assert asker.stdout.readline() == "ready\n"
    for asker in askers:
        asker.stdin.write("go\n")
        asker.stdin.flush()
    for asker in askers:
        asker.communicate(timeout=60)
    assert [asker.returncode for asker in askers] == [0, 0, 0, 0]


@pytest.mark.parametrize(("key", "limit", "n_each"), [("", 3, 2), ("synthetic-key", 10, 6)])
def test_four_processes_share_the_limit(ncbi, key, limit, n_each):
    ask_from_four_processes(ncbi.url, key=key, n_each=n_each)

    times = sorted(request.at for request in ncbi.requests)
    assert len(times) == 4 * n_each
    busiest = max(sum(start <= at < start + 1.0 for at in times) for start in times)
    assert busiest <= limit


def test_a_turn_is_committed_before_the_wait_and_locks_nobody_out(ncbi):
    RequestSlot.objects.create(name=pacing.SLOT, next_free_at=timezone.now() + timedelta(seconds=1.5))
    before = RequestSlot.objects.get().next_free_at

    def wait() -> None:
        pacing.wait_for_turn()
        connection.close()

    sleeper = Thread(target=wait)
    sleeper.start()
    while RequestSlot.objects.get().next_free_at == before:
        pass

    with transaction.atomic():
        slot = RequestSlot.objects.select_for_update(nowait=True).get()
    is_still_waiting = sleeper.is_alive()
    sleeper.join()

    assert is_still_waiting
    assert slot.next_free_at - before == timedelta(seconds=pacing.spacing())


def test_asking_inside_a_transaction_is_refused(ncbi):
    with transaction.atomic(), pytest.raises(pacing.TurnInTransaction):
        pacing.ncbi().count("synthetic")

    assert ncbi.requests == []


def test_a_slot_written_under_a_wrong_clock_holds_nobody_up(ncbi):
    RequestSlot.objects.create(name=pacing.SLOT, next_free_at=timezone.now() + timedelta(days=365))

    pacing.wait_for_turn()

    assert RequestSlot.objects.get().next_free_at < timezone.now() + timedelta(seconds=60)


def test_the_door_is_what_the_settings_say(ncbi, settings):
    settings.NCBI_TOOL, settings.NCBI_API_KEY, settings.NCBI_BATCH = "stratum-test", "synthetic-key", 7
    door = pacing.ncbi()

    answer = door.count("synthetic")

    assert answer.count == len(ncbi.shelf.entries)
    assert door.batch == 7
    assert ncbi.requests[0].param("tool") == "stratum-test"
    assert ncbi.requests[0].param("api_key") == "synthetic-key"
    assert ncbi.requests[0].param("email") == "stratum@example.org"
