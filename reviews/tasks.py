"""Knocks on the actions' doors. Ids as arguments; running one twice is harmless."""

from celery import shared_task

from reviews.actions import candidates, catalogue
from studies.tasks import KNOCK


@shared_task(**KNOCK)
def tick() -> None:
    """Let what searches and files have found since join the reviews they feed."""
    candidates.feed()
    catalogue.tell_included()
