"""Nobody sees what another said, nor the ranking score, before both have decided: every page and file, every role."""

import re

import pytest
from django.db.models import Q
from django.urls import get_resolver, reverse

from reviews.models import Candidate, ScreeningDecision
from reviews.queries.blinding import visible_to
from reviews.rules.blinding import is_revealed
from reviews.terms import Decision
from studies.models import User
from tests.conftest import signed_in
from tests.reviews.conftest import FULL, TITLE, Cast
from tests.reviews.test_access import TABLE
from tests.studies.test_access import patterns

pytestmark = pytest.mark.django_db

# What only the decision of the first reviewer, its note and the score could bring to a page.
NOTE, SCORE = "a-note-that-nobody-else-may-read", 0.73519
SECRETS = {NOTE, "0.735", "0.73519"}

LISTS = ("records_screened", "dbr_being_screened", "dbr_being_assessed", "dbr_excluded", "database_results")


@pytest.fixture
def half_decided(cast: Cast) -> Cast:
    """One report decided by one reviewer at the first stage, another by one at the second."""
    Candidate.objects.update(rank=SCORE)
    cast.say(cast.first, cast.reports[0], Decision.MAYBE, note=NOTE, seconds=987)
    cast.pass_first(cast.reports[1])
    cast.say(cast.first, cast.reports[1], Decision.EXCLUDE, 2, note=NOTE, seconds=987)
    return cast


def pages(cast: Cast) -> list[str]:
    """Every address of the review that is read, with every list of reports."""
    found = []
    for name, rule in TABLE.items():
        if not rule.read or name in {"pdf", "flow_picture"}:
            continue
        places = {"": [[]], "report": [[one.pk] for one in cast.reports]}
        places["stage report"] = [[stage, one.pk] for stage in (TITLE, FULL) for one in cast.reports]
        places["list"] = [[key] for key in LISTS]
        for arguments in places[rule.where]:
            found.append(reverse(f"reviews:{name}", args=[cast.review.slug, *arguments]))
    lists = ("maybe", "full-text-maybe", "waiting", "full-text-waiting", "full-text-excluded", "conflicts")
    found += [reverse("reviews:reports", args=[cast.review.slug]) + f"?show={name}" for name in lists]
    found += [reverse("reviews:reports_csv", args=[cast.review.slug]) + f"?show={name}" for name in lists]
    studies = [one.report.study for one in cast.reports]
    return [*found, reverse("home"), reverse("reviews:reviews"), *(study.get_absolute_url() for study in studies)]


def test_no_page_and_no_file_tells_anybody_what_another_said_while_blind(half_decided, admin):
    cast, wrong = half_decided, []
    people = {"second": cast.second, "adjudicator": cast.adjudicator, "observer": cast.observer}
    people |= {"lead": cast.lead, "site admin": admin}

    for role, user in people.items():
        client = signed_in(user)
        for address in pages(cast):
            text = client.get(address).content.decode()
            wrong += [f"{role} reads {secret} at {address}" for secret in SECRETS if secret in text]
            if re.search(r"\b987\b", text):  # a number of its own: a form's random token may hold these digits
                wrong.append(f"{role} reads how long it took at {address}")

    assert not wrong


def test_a_list_of_maybes_does_not_give_away_who_is_in_doubt(half_decided):
    cast = half_decided
    address = reverse("reviews:reports", args=[cast.review.slug]) + "?show=maybe"

    own = signed_in(cast.first).get(address).content.decode()
    others = signed_in(cast.second).get(address).content.decode()

    assert str(cast.reports[0]) in own
    assert str(cast.reports[0]) not in others


def test_ones_own_word_is_shown_without_the_score(half_decided):
    cast = half_decided
    client = signed_in(cast.first)

    for address in pages(cast):
        text = client.get(address).content.decode()
        assert "0.735" not in text, address
    assert NOTE in client.get(reverse("reviews:decisions_csv", args=[cast.review.slug])).content.decode()


def test_when_both_have_decided_everybody_in_the_review_sees_both(half_decided):
    cast = half_decided
    cast.say(cast.second, cast.reports[0], Decision.EXCLUDE)

    for user in (cast.second, cast.observer, cast.lead):
        client = signed_in(user)
        page = client.get(reverse("reviews:report", args=[cast.review.slug, cast.reports[0].pk])).content.decode()
        file = client.get(reverse("reviews:decisions_csv", args=[cast.review.slug])).content.decode()
        log = client.get(reverse("reviews:log", args=[cast.review.slug])).content.decode()
        assert NOTE in page
        assert NOTE in file
        assert NOTE in log
        assert "0.735" in page
    assert file.count(NOTE) == 1  # the one at full text is blind still


def test_a_report_sent_back_is_blind_again(half_decided):
    from reviews.actions import screening

    cast = half_decided
    cast.say(cast.second, cast.reports[1], Decision.EXCLUDE, 2)
    address = reverse("reviews:report", args=[cast.review.slug, cast.reports[1].pk])
    assert NOTE in signed_in(cast.second).get(address).content.decode()

    screening.reopen(cast.review, [cast.reports[1].pk], by=cast.lead, stage=FULL, why="Again.")

    assert NOTE not in signed_in(cast.second).get(address).content.decode()


def test_the_condition_on_rows_is_the_rule(half_decided):
    cast = half_decided
    cast.say(cast.second, cast.reports[0], Decision.EXCLUDE)

    for user in (cast.first, cast.second, cast.observer, None):
        shown = set(ScreeningDecision.objects.filter(visible_to(user)).values_list("pk", flat=True))
        ruled = {
            row.pk
            for row in ScreeningDecision.objects.select_related("candidate")
            if row.reviewer == user or is_revealed(row.stage, row.candidate.stage, row.candidate.verdict)
        }
        assert shown == ruled


def test_djangos_admin_does_not_show_decisions(half_decided, admin: User):
    """An admin of the site may be a reviewer here: there must be no second door."""
    names = {name for name, _ in patterns(get_resolver())}

    assert not [name for name in names if name.startswith("admin:reviews_screeningdecision")]
    log = signed_in(admin).get(reverse("admin:studies_auditevent_changelist")).content.decode()
    assert NOTE not in log
    assert isinstance(visible_to(admin), Q)
