"""Following by mail: what is agreed to, by whom it is changed, and that one click ends it."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from studies.actions import alerts, digests
from studies.models import AuditEvent, Digest, Subscription, TrialEvent, TrialRegistration, User
from studies.terms import AlertSubject, DigestKind, DigestState, Frequency, NewsKind, TrialEventKind, TrialStatus
from tests.factories import make_notice, make_study
from tests.studies.test_pages import n_queries, text_of

pytestmark = pytest.mark.django_db

ANSWERS = {"frequency": "weekly", "kinds": ["retraction", "study"], "max_items": "20", "lookback_days": "30"}


@pytest.fixture
def study():
    return make_study("Nanofat in the face.")


@pytest.fixture
def subscription(clinician, study) -> Subscription:
    return alerts.follow(
        by=clinician,
        about=AlertSubject.STUDY,
        subject=study,
        frequency=Frequency.DAILY,
        kinds=NewsKind.values,
        max_items=20,
        lookback_days=30,
    )


# --- begin ----------------------------------------------------------------------------------------


def test_a_study_is_followed_for_a_purpose_that_is_kept_and_logged(clinician_client, clinician, study):
    answer = clinician_client.post(reverse("studies:alert_begin_of", args=["study", study.pk]), ANSWERS, follow=True)

    made = Subscription.objects.get()
    assert answer.redirect_chain[-1][0] == reverse("studies:alerts")
    assert (made.user, made.study, made.frequency, made.kinds) == (clinician, study, "weekly", ["retraction", "study"])
    assert made.purpose == (
        f"On {made.consent_at:%-d %B %Y} you asked to be told once a week, when there is news, about the study "
        "“Nanofat in the face” (retractions and removals; new studies)."
    )
    assert made.purpose in text_of(answer).replace("&quot;", '"')
    assert AuditEvent.objects.filter(verb="subscribed", actor_id=clinician.pk, object_id=made.pk).exists()


def test_a_trial_a_saved_search_and_everything_are_followed(clinician_client, clinician):
    trial = TrialRegistration.objects.create(number="NCT90000001", title="Synthetic trial")
    search = clinician.saved_searches.create(name="Nanofat", query_string="?q=nanofat")
    for address in (f"registration/{trial.pk}/", f"saved-search/{search.pk}/", "everything/", "trials/"):
        assert clinician_client.get(f"/alerts/new/{address}").status_code == 200
        assert clinician_client.post(f"/alerts/new/{address}", ANSWERS).status_code == 302

    assert sorted(Subscription.objects.values_list("about", flat=True)) == sorted(
        ["everything", "registration", "saved-search", "trials"]
    )


def test_a_filter_of_the_trials_is_followed_and_tells_of_the_trials_that_it_finds(clinician_client, clinician):
    answer = clinician_client.post("/alerts/new/trials/?status=recruiting&nonsense=1&sort=newest", ANSWERS)
    subscription = Subscription.objects.get()
    past = timezone.now() - timedelta(days=9)
    Subscription.objects.update(consent_at=past, next_due_at=past, kinds=NewsKind.values)
    values = {"source": "registry", "found_at": timezone.now(), "study": make_study()}
    for number, status in (("NCT90000001", TrialStatus.RECRUITING), ("NCT90000002", TrialStatus.COMPLETED)):
        found = TrialRegistration.objects.create(number=number, title=number, status=status, **values)
        TrialEvent.objects.create(registration=found, kind=TrialEventKind.RESULTS_POSTED)

    digest = digests.build(clinician.pk, Frequency.WEEKLY, timezone.now())

    assert answer.status_code == 302
    assert subscription.trials_query == "?status=recruiting"
    assert "about trials with “status: recruiting” (" in subscription.purpose
    assert "NCT90000001" in digest.text
    assert "NCT90000002" not in digest.text


def test_somebody_elses_search_and_what_is_not_there_cannot_be_followed(clinician_client, reviewer, study):
    theirs = reviewer.saved_searches.create(name="Nanofat", query_string="?q=nanofat")

    for address in (f"saved-search/{theirs.pk}/", "study/999999/", "study/", f"everything/{study.pk}/", "nonsense/"):
        assert clinician_client.post(f"/alerts/new/{address}", ANSWERS).status_code == 404, address


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"kinds": []}, "Choose at least one kind of news."),
        ({"kinds": ["nonsense"]}, "is not one of the available choices"),
        ({"frequency": "hourly"}, "is not one of the available choices"),
        ({"frequency": "immediate", "kinds": ["study"]}, "At once goes only what is grave"),
        ({"max_items": "101"}, "less than or equal to 100"),
        ({"lookback_days": "31"}, "less than or equal to 30"),
        ({"lookback_days": "0"}, "greater than or equal to 1"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(wrong, said, clinician_client, study):
    answer = clinician_client.post(reverse("studies:alert_begin_of", args=["study", study.pk]), ANSWERS | wrong)

    assert answer.status_code == 422
    assert said in text_of(answer)
    assert not Subscription.objects.exists()


def test_the_same_is_followed_once_as_often(clinician_client, study):
    address = reverse("studies:alert_begin_of", args=["study", study.pk])
    clinician_client.post(address, ANSWERS)

    again = clinician_client.post(address, ANSWERS)
    oftener = clinician_client.post(address, ANSWERS | {"frequency": "immediate"})

    assert (again.status_code, oftener.status_code) == (422, 302)
    assert "You follow this already" in text_of(again)


def test_the_database_bounds_time_and_size_and_knows_one_subject(subscription, clinician, study):
    for values in ({"max_items": 101}, {"lookback_days": 31}, {"trials_query": ""}, {"study": None}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Subscription.objects.filter(pk=subscription.pk).update(**values)
    with pytest.raises(IntegrityError), transaction.atomic():
        Subscription.objects.create(user=clinician, about="study", study=study, frequency="daily", purpose="-")


def test_a_site_without_a_mail_server_says_so(clinician_client, admin_client, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"

    assert "This site sends no mail" in text_of(clinician_client.get("/alerts/"))
    assert "STRATUM_MAIL_URL" in text_of(admin_client.get("/alerts/"))


# --- change and end -------------------------------------------------------------------------------


def test_a_subscription_is_changed_by_its_owner(clinician_client, subscription):
    answer = clinician_client.post(reverse("studies:alert_edit", args=[subscription.pk]), ANSWERS | {"max_items": "5"})

    subscription.refresh_from_db()
    assert answer.status_code == 302
    assert (subscription.frequency, subscription.max_items) == ("weekly", 5)
    assert "once a week" in subscription.purpose
    assert subscription.next_due_at.weekday() == 0
    assert AuditEvent.objects.get(verb="changed subscription").detail["before"]["frequency"] == "daily"


def test_nobody_else_sees_changes_or_ends_it(reviewer_client, admin_client, subscription):
    for client in (reviewer_client, admin_client):
        assert client.get(reverse("studies:alert_edit", args=[subscription.pk])).status_code == 404
        assert client.post(reverse("studies:alert_end", args=[subscription.pk])).status_code == 404
        assert "Nanofat" not in text_of(client.get(reverse("studies:alerts")))


def test_ended_it_leaves_the_list_and_may_be_asked_for_again(clinician_client, subscription, study):
    clinician_client.post(reverse("studies:alert_end", args=[subscription.pk]))

    subscription.refresh_from_db()
    assert subscription.ended_at
    assert "You follow nothing yet" in text_of(clinician_client.get(reverse("studies:alerts")))
    assert clinician_client.get(reverse("studies:alert_edit", args=[subscription.pk])).status_code == 404
    again = clinician_client.post(reverse("studies:alert_begin_of", args=["study", study.pk]), ANSWERS)
    assert again.status_code == 302


def test_the_account_says_how_much_is_followed(clinician_client, subscription):
    assert "You follow 1 thing by mail." in text_of(clinician_client.get(reverse("studies:account")))


def test_the_list_asks_as_often_for_many_as_for_few(clinician_client, clinician):
    def follow_more() -> None:
        for _ in range(4):
            values = {"kinds": NewsKind.values, "max_items": 20, "lookback_days": 30, "frequency": Frequency.DAILY}
            alerts.follow(by=clinician, about=AlertSubject.STUDY, subject=make_study(), **values)

    follow_more()
    few = n_queries(clinician_client, "/alerts/")
    follow_more()

    assert n_queries(clinician_client, "/alerts/") == few


# --- the link in a mail ---------------------------------------------------------------------------


def stop(token: str) -> str:
    return reverse("studies:stop", args=[token])


def test_to_look_at_the_link_ends_nothing(visitor, subscription):
    page = visitor.get(stop(subscription.token))

    subscription.refresh_from_db()
    assert subscription.ended_at is None
    assert "Nothing has changed yet" in text_of(page)
    assert "no-cache" in page["Cache-Control"]


def test_one_press_ends_it_without_signing_in_and_twice_is_harmless(visitor, subscription, settings):
    settings.REQUIRE_LOGIN = True

    answers = [visitor.post(stop(subscription.token)) for _ in range(2)]

    subscription.refresh_from_db()
    assert subscription.ended_at
    assert [answer.status_code for answer in answers] == [200, 200]
    assert all("Stopped" in text_of(answer) for answer in answers)
    assert AuditEvent.objects.get(verb="ended subscription").actor == "link in a mail to Clara"


def test_a_mailbox_ends_it_by_its_own_post_without_our_cookie(subscription):
    """RFC 8058: no cookies, no session, a body of its own."""
    mailbox = Client(enforce_csrf_checks=True)

    answer = mailbox.post(
        stop(subscription.token), "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded"
    )

    subscription.refresh_from_db()
    assert answer.status_code == 200
    assert subscription.ended_at


def test_the_link_of_a_mail_ends_all_that_had_a_part_in_it_and_nothing_else(visitor, subscription, clinician, study):
    make_notice(study)
    past = timezone.now() - timedelta(days=9)
    other = alerts.follow(
        by=clinician,
        about=AlertSubject.EVERYTHING,
        subject=None,
        frequency=Frequency.WEEKLY,
        kinds=NewsKind.values,
        max_items=20,
        lookback_days=30,
    )
    Subscription.objects.update(consent_at=past, next_due_at=past)
    digest = digests.build(clinician.pk, Frequency.DAILY, timezone.now())

    visitor.post(stop(digest.token))

    assert list(Subscription.objects.filter(ended_at=None)) == [other]


@pytest.mark.parametrize("token", ["x", "0" * 43, "x" * 500, "%00", "²"])
def test_a_link_of_nobody_leads_nowhere(token, visitor, subscription):
    assert visitor.get(f"/alerts/stop/{token}/").status_code == 404
    assert visitor.post(f"/alerts/stop/{token}/").status_code == 404


def test_links_are_not_to_be_guessed(subscription):
    tokens = {Subscription._meta.get_field("token").default() for _ in range(100)}

    assert len(tokens) == 100
    assert all(len(token) == 43 for token in tokens)


# --- what admins see ------------------------------------------------------------------------------


def test_admins_see_what_is_uncertain_first_and_send_it_again(admin_client, admin: User):
    values = {"user": admin, "kind": DigestKind.WEEKLY, "text": "-", "html": "-"}
    Digest.objects.create(subject="Arrived", state=DigestState.SENT, **values)
    lost = Digest.objects.create(
        subject="Perhaps", state=DigestState.UNCERTAIN, failure="It broke off.", built_at=timezone.now(), **values
    )

    page = text_of(admin_client.get(reverse("studies:mails")))
    again = admin_client.post(reverse("studies:mail_again", args=[lost.pk]), follow=True)
    twice = admin_client.post(reverse("studies:mail_again", args=[lost.pk]), follow=True)

    assert page.index("Perhaps") < page.index("Arrived")
    assert "It broke off." in page
    assert "is sent again" in text_of(again)
    assert "waits to be sent" in text_of(twice)
    assert Digest.objects.get(pk=lost.pk).state == DigestState.BUILT
