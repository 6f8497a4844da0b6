"""What a review decides and the catalogue has to know: included studies are checked again every week (promise 2)."""

from reviews.models import Candidate
from reviews.terms import Stage, Verdict
from studies.actions import watching


def tell_included() -> int:
    """Say which studies are included anywhere, whatever has been grouped or decided since; answers how many changed."""
    included = Candidate.objects.filter(stage=Stage.FULL_TEXT, verdict=Verdict.INCLUDED, duplicate_of=None)
    return watching.check_weekly(included.values("report__study"))
