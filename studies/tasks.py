"""Knocks on the actions' doors. Ids as arguments; running one twice is harmless."""

import logging

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.utils import timezone

from studies.actions import heartbeats, running, scheduling
from studies.models import SearchRun
from studies.rules.queues import queue_of

log = logging.getLogger(__name__)
# A knock that nobody heard in time is repeated by the sweep: old ones need not pile up.
KNOCK = {"expires": 120}


@shared_task(**KNOCK)
def carry_on(run_id: int) -> None:
    """Work on a run until it ends or is stopped, or until the time of one task is over: then the next goes on."""
    try:
        running.carry_on(run_id)
    except SoftTimeLimitExceeded:
        call_worker(SearchRun.objects.get(pk=run_id))
    except Exception as error:
        log.exception("run %s ended unexpectedly", run_id)
        running.fail(run_id, f"Unexpected {type(error).__name__}: {error}")


@shared_task(**KNOCK)
def tick() -> None:
    """Start what is due, try again what failed, and call a worker for every run that nobody works on."""
    now = timezone.now()
    scheduling.release_waiting(now)
    scheduling.claim_due(now)
    scheduling.claim_retries(now)
    for run in running.claim_unattended(now):
        _send(run)


@shared_task(**KNOCK)
def tidy() -> None:
    """Forget who is long gone."""
    heartbeats.forget(timezone.now())


def call_worker(run: SearchRun) -> None:
    """Ask for a worker for the run, in the queue of its kind."""
    running.note_knock(run.pk, timezone.now())
    _send(run)


def _send(run: SearchRun) -> None:
    carry_on.apply_async([run.pk], queue=queue_of(run.kind), **KNOCK)
