"""News in a real browser: what was looked at is seen, and a mail's link asks before it ends anything."""

import pytest
from playwright.sync_api import expect

from studies.actions import alerts
from studies.models import Seen, Study, Subscription
from studies.terms import AlertSubject, Frequency, NewsKind, StudyDesign
from tests.factories import make_study

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def study(site) -> Study:
    return make_study("Synthetic trial of nanofat", design=StudyDesign.RANDOMISED)


def test_a_new_trial_that_was_looked_at_is_seen(study, clinician, visits):
    page = visits(clinician)

    page.goto("/studies/")
    expect(page.locator(".study-row .badge--accent")).to_have_text("New")
    page.get_by_role("link", name=study.title).click()
    expect(page.get_by_role("button", name="Mark as seen")).to_be_hidden(timeout=8_000)
    page.goto("/studies/")

    expect(page.locator(".study-row .badge--accent")).to_have_count(0)
    assert Seen.objects.get().study == study


def test_without_script_a_button_says_so(study, clinician, visits):
    page = visits(clinician, script=False)

    page.goto(study.get_absolute_url())
    page.get_by_role("button", name="Mark as seen").click()

    assert page.url.endswith(study.get_absolute_url())
    assert page.get_by_role("button", name="Mark as seen").count() == 0
    assert Seen.objects.get().study == study


def test_a_mails_link_asks_and_one_press_ends_it(study, clinician, visits):
    subscription = alerts.follow(
        by=clinician,
        about=AlertSubject.STUDY,
        subject=study,
        frequency=Frequency.WEEKLY,
        kinds=NewsKind.values,
        max_items=20,
        lookback_days=30,
    )
    page = visits()  # nobody signed in

    page.goto(f"/alerts/stop/{subscription.token}/")
    assert Subscription.objects.get().ended_at is None
    page.get_by_role("button", name="Stop it").click()

    expect(page.get_by_role("heading", name="Stopped")).to_be_visible()
    assert Subscription.objects.get().ended_at
