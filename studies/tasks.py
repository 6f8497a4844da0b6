"""Knocks on the actions' doors. Ids as arguments; running one twice is harmless."""

import logging

from celery import shared_task
from django.utils import timezone

from studies.actions import checking, findings, running, searching

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
def check_citations(check_id: int) -> None:
    """Ask the sources about the references of a check."""
    checking.carry_on(check_id)


@shared_task(**KNOCK)
def tend_checks() -> None:
    """Call for checks that nobody works on, ask about the worked example, and remove what is old."""
    now = timezone.now()
    for check_id in checking.unattended(now):
        check_citations.apply_async([check_id], **KNOCK)
    checking.remove_old(now)
    checking.tend_example(now)
