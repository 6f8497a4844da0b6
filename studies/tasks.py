"""Knocks on the actions' doors. Ids as arguments; running one twice is harmless."""

import logging

from celery import shared_task
from django.utils import timezone

from studies.actions import digests, findings, mailing, running, searching
from studies.queries import alerts

log = logging.getLogger(__name__)
# A knock that nobody heard in time is repeated by the sweep: old ones need not pile up.
KNOCK = {"expires": 60}


@shared_task(**KNOCK)
def carry_on(run_id: int) -> None:
    """Work on a run until it ends or is stopped."""
    try:
        running.carry_on(run_id)
    except Exception as error:
        log.exception("run %s ended unexpectedly", run_id)
        running.fail(run_id, f"Unexpected {type(error).__name__}: {error}")


@shared_task(**KNOCK)
def tick() -> None:
    """Start due searches and pick up runs that nobody works on."""
    findings.beat()
    searching.claim_due(timezone.now())
    for run_id in running.unattended():
        carry_on.apply_async([run_id], **KNOCK)


@shared_task(**KNOCK)
def tell() -> None:
    """Write the mails that are due, give up those that a killed process held, and knock for each that waits."""
    now = timezone.now()
    for user_id, frequency in alerts.due(now):
        try:
            digests.build(user_id, frequency, now)
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
