"""Knocks on the actions' doors. Ids as arguments; running one twice is harmless."""

import logging

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.utils import timezone

from studies.actions import checking, digests, heartbeats, mailing, running, scheduling, worked_example
from studies.models import SearchRun
from studies.queries import alerts
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


@shared_task(**KNOCK)
def tell() -> None:
    """Write the mails that are due, give up those that a killed process held, and knock for each that waits."""
    now = timezone.now()
    for user_id, frequency in alerts.due(now):
        try:
            digests.build(user_id, frequency, now)
        except SoftTimeLimitExceeded:
            raise  # the next beat goes on with whoever is still due
        except Exception:  # one person's trouble is not the others'
            log.exception("no mail was written to person %s", user_id)
    digests.build_admin_words(now)
    mailing.sweep(now)
    for digest_id in alerts.to_send(now):
        send.apply_async([digest_id], **KNOCK)


@shared_task(**KNOCK)
def send(digest_id: int) -> None:
    """Send one mail, if it still waits."""
    mailing.send(digest_id, timezone.now())


@shared_task(**KNOCK)
def check_citations(check_id: int) -> None:
    """Ask the sources about the references of a check."""
    checking.carry_on(check_id)


@shared_task(**KNOCK)
def tend_checks() -> None:
    """Call for checks that nobody works on and for the worked example, and remove what is old."""
    now = timezone.now()
    for check_id in checking.unattended(now):
        check_citations.apply_async([check_id], **KNOCK)
    checking.give_up(now)
    checking.remove_old(now)
    if worked_example.is_due(now):
        tend_example.apply_async(**KNOCK)


@shared_task(**KNOCK)
def tend_example() -> None:
    """Ask the sources about the worked example."""
    worked_example.tend(timezone.now())
