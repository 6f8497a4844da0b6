"""What a person has seen of the new trials, so that it is no longer marked as new for them."""

from django.db import transaction

from studies.models import Newness, Seen, Study, TrialRegistration, User


@transaction.atomic
def see_study(study: Study, *, by: User) -> None:
    """The study, and the registrations that its page shows as its own. Seeing twice is harmless."""
    trials = TrialRegistration.objects.filter(study=study).values_list("pk", flat=True)
    _write(by, studies=[study.pk], registrations=trials)


@transaction.atomic
def see_registration(registration: TrialRegistration, *, by: User) -> None:
    """The registration, and the study of it while that has no report and therefore nothing else to show."""
    unpublished = Study.objects.filter(pk=registration.study_id, n_reports=0).values_list("pk", flat=True)
    _write(by, studies=unpublished, registrations=[registration.pk])


@transaction.atomic
def see_all(new: Newness, *, by: User) -> int:
    """Everything that is marked as new for this person now; how many studies and registrations that was."""
    studies = list(Study.objects.new_trials(new).values_list("pk", flat=True))
    registrations = list(TrialRegistration.objects.new(new).values_list("pk", flat=True))
    _write(by, studies=studies, registrations=registrations)
    return len(studies) + len(registrations)


def _write(by: User, *, studies: object, registrations: object) -> None:
    rows = [Seen(user=by, study_id=pk) for pk in studies]
    rows += [Seen(user=by, registration_id=pk) for pk in registrations]
    # Two tabs may be open on the same page.
    Seen.objects.bulk_create(rows, ignore_conflicts=True)
