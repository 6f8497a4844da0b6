"""Knocks on the actions' doors. Ids as arguments; running one twice is harmless."""

from celery import shared_task

from reviews.actions import candidates, catalogue, comparing, ranking
from reviews.models import Review
from studies.tasks import KNOCK


@shared_task(**KNOCK)
def tick() -> None:
    """Let what searches and files have found since join the reviews they feed."""
    candidates.feed()
    catalogue.tell_included()


@shared_task(**KNOCK)
def compare() -> None:
    """Look for duplicates among the reports that joined."""
    comparing.look_everywhere()


@shared_task(**KNOCK)
def rank(review: int) -> None:
    ranking.retrain(Review.objects.get(pk=review))


@shared_task(**KNOCK)
def rank_due() -> None:
    """Learn anew where people have decided since."""
    ranking.retrain_due()
