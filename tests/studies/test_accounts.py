"""Accounts: signing in, invitations, forgotten passwords, roles."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from studies.actions import accounts
from studies.models import AuditEvent, Invitation, User
from studies.terms import SiteRole
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
NEW_PASSWORD = "fibroblast and keratinocyte"
NAME = {"first_name": "Nora", "last_name": "Neu"}


def sign_in(client: Client, email: str, password: str = PASSWORD, **extra):
    return client.post(reverse("login"), {"username": email, "password": password, **extra})


def invite(admin: User, email: str = "nora@example.org", role: str = SiteRole.REVIEWER) -> tuple[Invitation, str]:
    invitation, secret = accounts.invite(by=admin, email=email, role=role)
    return invitation, reverse("studies:invitation", args=[secret])


def accept(client: Client, address: str, password: str = NEW_PASSWORD, **names):
    return client.post(address, {**NAME, **names, "password1": password, "password2": password})


def verbs() -> list[str]:
    return list(AuditEvent.objects.order_by("pk").values_list("verb", flat=True))


# --- Signing in and out ---------------------------------------------------------------------------


def test_a_person_signs_in_by_e_mail_in_any_case_and_comes_back_to_the_page_asked_for(visitor, clinician):
    answer = sign_in(visitor, " Clinician@Example.ORG ", next=reverse("studies:account"))

    assert answer.status_code == 302
    assert answer.url == reverse("studies:account")
    assert visitor.get(reverse("studies:account")).status_code == 200


def test_signing_in_never_leads_to_another_site(visitor, clinician):
    answer = sign_in(visitor, clinician.email, next="https://elsewhere.example/")

    assert answer.url == reverse("home")


@pytest.mark.parametrize("email", ["clinician@example.org", "nobody@example.org"])
def test_a_wrong_password_and_an_unknown_address_get_the_same_422(visitor, clinician, email):
    answer = sign_in(visitor, email, "not the password")

    assert answer.status_code == 422
    assert "do not fit together" in answer.content.decode()
    assert 'class="error-summary"' in answer.content.decode()


def test_a_closed_account_cannot_sign_in(visitor, admin, clinician):
    accounts.deactivate(clinician, by=admin)

    answer = sign_in(visitor, clinician.email)

    assert answer.status_code == 422


def test_closing_an_account_ends_its_sessions(clinician_client, admin, clinician):
    accounts.deactivate(clinician, by=admin)

    answer = clinician_client.get(reverse("studies:account"))

    assert answer.status_code == 302
    assert answer.url.startswith(reverse("login"))


def test_signing_out_needs_a_post(clinician_client):
    by_get = clinician_client.get(reverse("logout"))
    still_in = clinician_client.get(reverse("studies:account"))
    by_post = clinician_client.post(reverse("logout"))

    assert by_get.status_code == 405
    assert still_in.status_code == 200
    assert by_post.status_code == 302
    assert clinician_client.get(reverse("studies:account")).status_code == 302


def test_sign_in_is_throttled_for_the_address_and_answers_429_even_to_the_right_password(visitor, clinician, settings):
    for _ in range(settings.AXES_FAILURE_LIMIT):
        last = sign_in(visitor, clinician.email, "not the password")

    right = sign_in(visitor, clinician.email.upper())

    assert last.status_code == 429
    assert right.status_code == 429
    assert "closed for 15 minutes" in right.content.decode()


def test_throttling_one_address_leaves_the_others_open(visitor, clinician, reviewer, settings):
    for _ in range(settings.AXES_FAILURE_LIMIT):
        sign_in(visitor, clinician.email, "not the password")

    assert sign_in(visitor, reviewer.email).status_code == 302


def test_behind_a_proxy_failures_are_counted_by_the_address_that_the_proxy_saw(visitor, clinician, settings):
    settings.BEHIND_PROXY = True
    login, form = reverse("login"), {"username": clinician.email, "password": "not the password"}
    for n in range(settings.AXES_FAILURE_LIMIT):
        # What a client writes in front of the list is its own invention.
        visitor.post(login, form, headers={"X-Forwarded-For": f"198.51.100.{n}, 203.0.113.5"})

    same = visitor.post(login, {**form, "password": PASSWORD}, headers={"X-Forwarded-For": "203.0.113.5"})
    other = visitor.post(login, {**form, "password": PASSWORD}, headers={"X-Forwarded-For": "203.0.113.6"})

    assert same.status_code == 429
    assert other.status_code == 302


# --- Invitations ----------------------------------------------------------------------------------


def test_an_admin_invites_by_mail_and_the_link_opens_an_account_that_is_signed_in(admin_client, visitor):
    answer = admin_client.post(reverse("studies:invite"), {"email": "Nora@Example.org", "role": "reviewer"})
    link = re.search(r"http\S+(/invitation/\S+/)", mail.outbox[0].body)[1]
    page = visitor.get(link)
    opened = accept(visitor, link)

    assert answer.status_code == 302
    assert mail.outbox[0].to == ["nora@example.org"]
    assert page.status_code == 200
    # The link is told to no other site; "no-referrer" would make browsers send `Origin: null` with the form.
    assert page["Referrer-Policy"] == "same-origin"
    assert opened.status_code == 302
    user = User.objects.get(email="nora@example.org")
    assert (user.role, user.get_full_name(), user.check_password(NEW_PASSWORD)) == ("reviewer", "Nora Neu", True)
    assert visitor.get(reverse("studies:account")).status_code == 200
    assert verbs() == ["invited", "accepted invitation"]


def test_only_a_digest_of_the_secret_is_stored(admin):
    invitation, secret = accounts.invite(by=admin, email="nora@example.org", role=SiteRole.REVIEWER)

    stored = " ".join(str(value) for value in Invitation.objects.filter(pk=invitation.pk).values_list()[0])
    logged = " ".join(str(event.detail) for event in AuditEvent.objects.all())

    assert len(secret) >= 40
    assert secret not in stored + logged
    assert invitation.secret_digest == accounts.digest(secret)


def test_without_a_mail_server_the_link_is_shown_once(admin_client, visitor, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"

    answer = admin_client.post(reverse("studies:invite"), {"email": "nora@example.org", "role": "reviewer"})
    link = re.search(r"http\S+(/invitation/[\w-]+/)", answer.content.decode())[1]
    later = admin_client.get(reverse("studies:people")).content.decode()

    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert visitor.get(link).status_code == 200
    assert "/invitation/" not in later


def test_a_mail_server_that_refuses_leaves_the_admin_with_the_link(admin_client, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1  # nothing listens there

    answer = admin_client.post(reverse("studies:invite"), {"email": "nora@example.org", "role": "reviewer"})

    assert answer.status_code == 200
    assert "did not take the message" in answer.content.decode()
    assert "/invitation/" in answer.content.decode()


def test_an_invitation_expires(visitor, admin):
    invitation, link = invite(admin)
    Invitation.objects.filter(pk=invitation.pk).update(expires_at=timezone.now() - timedelta(seconds=1))

    answer = accept(visitor, link)

    assert visitor.get(link).status_code == 410
    assert answer.status_code == 410
    assert not User.objects.filter(email=invitation.email).exists()


def test_the_term_of_an_invitation_is_the_setting(admin, settings):
    settings.INVITATION_DAYS = 3

    invitation, _ = invite(admin)

    left = invitation.expires_at - timezone.now()
    assert timedelta(days=2, hours=23) < left <= timedelta(days=3)


def test_an_invitation_works_once(visitor, admin):
    _, link = invite(admin)
    accept(visitor, link)

    again = accept(Client(), link, password="another password entirely")

    assert again.status_code == 410
    assert User.objects.get(email="nora@example.org").check_password(NEW_PASSWORD)


def test_an_invitation_taken_back_no_longer_works(visitor, admin, admin_client):
    invitation, link = invite(admin)

    admin_client.post(reverse("studies:invitation_take_back", args=[invitation.pk]))

    assert visitor.get(link).status_code == 410
    assert verbs() == ["invited", "took back invitation"]


def test_sending_an_invitation_again_makes_a_new_link_and_kills_the_old(visitor, admin, admin_client):
    invitation, old = invite(admin)

    admin_client.post(reverse("studies:invitation_resend", args=[invitation.pk]))
    new = re.search(r"http\S+(/invitation/\S+/)", mail.outbox[0].body)[1]

    assert visitor.get(old).status_code == 410
    assert visitor.get(new).status_code == 200
    assert verbs() == ["invited", "resent invitation"]


def test_an_invited_admin_becomes_an_admin_of_django_too(visitor, admin):
    _, link = invite(admin, role=SiteRole.ADMIN)

    accept(visitor, link)

    user = User.objects.get(email="nora@example.org")
    assert user.is_admin
    assert user.is_staff
    assert user.is_superuser


@pytest.mark.parametrize("password", ["short", "password123", "nora@example.org"])
def test_a_poor_password_is_refused_with_a_reason(visitor, admin, password):
    _, link = invite(admin)

    answer = accept(visitor, link, password=password)

    assert answer.status_code == 422
    assert 'href="#id_password1"' in answer.content.decode()
    assert not User.objects.filter(email="nora@example.org").exists()


@pytest.mark.parametrize("email", ["clinician@example.org", "not an address", "", "twice@example.org"])
def test_inviting_a_member_an_invited_person_or_nonsense_is_refused(admin_client, admin, clinician, email):
    accounts.invite(by=admin, email="twice@example.org", role=SiteRole.CLINICIAN)

    answer = admin_client.post(reverse("studies:invite"), {"email": email, "role": "clinician"})

    assert answer.status_code == 422
    assert 'href="#id_email"' in answer.content.decode()
    assert Invitation.objects.count() == 1


# --- Forgotten passwords --------------------------------------------------------------------------


def test_a_forgotten_password_is_set_anew_by_mail(visitor, clinician):
    visitor.post(reverse("password_reset"), {"email": "Clinician@example.org"})
    link = re.search(r"http\S+(/reset/\S+/)", mail.outbox[0].body)[1]
    page = visitor.get(link, follow=True)
    form = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    answer = visitor.post(page.redirect_chain[-1][0], form)

    clinician.refresh_from_db()
    assert answer.status_code == 302
    assert clinician.check_password(NEW_PASSWORD)
    assert visitor.get(reverse("studies:account")).status_code == 200
    assert verbs() == ["changed password"]


def test_a_reset_link_works_once(visitor, clinician):
    visitor.post(reverse("password_reset"), {"email": clinician.email})
    link = re.search(r"http\S+(/reset/\S+/)", mail.outbox[0].body)[1]
    page = visitor.get(link, follow=True)
    visitor.post(page.redirect_chain[-1][0], {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD})

    again = Client().get(link, follow=True)

    assert "no longer works" in again.content.decode()


def test_asking_for_a_reset_answers_the_same_for_known_and_unknown_addresses(visitor, clinician):
    known = visitor.post(reverse("password_reset"), {"email": clinician.email}, follow=True)
    unknown = visitor.post(reverse("password_reset"), {"email": "nobody@example.org"}, follow=True)

    assert known.redirect_chain == unknown.redirect_chain
    assert known.content == unknown.content
    assert len(mail.outbox) == 1


def test_the_link_in_a_reset_mail_is_of_the_configured_site_whatever_host_was_asked(visitor, clinician, settings):
    settings.ALLOWED_HOSTS = ["*"]

    visitor.post(reverse("password_reset"), {"email": clinician.email}, headers={"Host": "elsewhere.example"})

    assert "elsewhere.example" not in mail.outbox[0].body
    assert settings.SITE_URL + "/reset/" in mail.outbox[0].body


def test_an_admin_hands_over_a_reset_link_to_somebody_whom_no_mail_reaches(admin_client, visitor, clinician):
    answer = admin_client.post(reverse("studies:person_reset_link", args=[clinician.pk]))
    link = re.search(r"http\S+(/reset/[\w/-]+/)", answer.content.decode())[1]

    page = visitor.get(link, follow=True)

    assert "Set a new password" in page.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert verbs() == ["made a reset link"]


# --- One's own account ----------------------------------------------------------------------------


def test_a_person_changes_their_own_name(clinician_client, clinician):
    answer = clinician_client.post(reverse("studies:account"), {**NAME, "change_name": "1"})

    clinician.refresh_from_db()
    assert answer.status_code == 302
    assert str(clinician) == "Nora Neu"
    assert AuditEvent.objects.get().detail == {"before": "Clara"}


def test_a_person_changes_their_own_password_and_stays_signed_in_here_only(clinician_client, clinician):
    elsewhere = Client()
    sign_in(elsewhere, clinician.email)
    form = {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}

    answer = clinician_client.post(reverse("studies:account"), {**form, "change_password": "1"})

    assert answer.status_code == 302
    assert clinician_client.get(reverse("studies:account")).status_code == 200
    assert elsewhere.get(reverse("studies:account")).status_code == 302
    assert verbs() == ["changed password"]


def test_changing_the_password_asks_for_the_one_in_use(clinician_client, clinician):
    form = {"old_password": "wrong", "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}

    answer = clinician_client.post(reverse("studies:account"), {**form, "change_password": "1"})

    clinician.refresh_from_db()
    assert answer.status_code == 422
    assert clinician.check_password(PASSWORD)


# --- People and their roles -----------------------------------------------------------------------


def test_an_admin_changes_a_role_and_the_log_keeps_both(admin_client, clinician):
    answer = admin_client.post(reverse("studies:person_role", args=[clinician.pk]), {"role": "admin"})

    clinician.refresh_from_db()
    assert answer.status_code == 302
    assert clinician.is_admin
    assert clinician.is_superuser
    assert AuditEvent.objects.get().detail == {"before": "clinician", "after": "admin"}


def test_losing_the_role_of_admin_loses_djangos_admin_too(admin_client, admin):
    other = User.objects.create_admin("other@example.org", PASSWORD)

    admin_client.post(reverse("studies:person_role", args=[other.pk]), {"role": "clinician"})

    other.refresh_from_db()
    assert not other.is_staff
    assert not other.is_superuser


@pytest.mark.parametrize(("name", "form"), [("person_role", {"role": "visitor"}), ("person_deactivate", {})])
def test_the_last_admin_stays(admin_client, admin, name, form):
    answer = admin_client.post(reverse(f"studies:{name}", args=[admin.pk]), form)

    admin.refresh_from_db()
    assert answer.status_code == 422
    assert "last admin" in answer.content.decode()
    assert admin.is_admin
    assert admin.is_active
    assert not AuditEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_admins_who_demote_each_other_in_the_same_second_leave_one():
    one = User.objects.create_admin("one@example.org", PASSWORD)
    other = User.objects.create_admin("other@example.org", PASSWORD)
    together = threading.Barrier(2)

    def demote(user: User, by: User) -> str:
        together.wait()
        try:
            accounts.change_role(user, by=by, role=SiteRole.CLINICIAN)
            return "done"
        except accounts.LastAdmin:
            return "refused"
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(demote, [one, other], [other, one]))

    assert sorted(outcomes) == ["done", "refused"]
    assert User.objects.filter(role=SiteRole.ADMIN).count() == 1


def test_an_account_is_closed_and_opened_again(admin_client, clinician):
    admin_client.post(reverse("studies:person_deactivate", args=[clinician.pk]))
    closed = User.objects.get(pk=clinician.pk).is_active
    admin_client.post(reverse("studies:person_reactivate", args=[clinician.pk]))

    assert closed is False
    assert User.objects.get(pk=clinician.pk).is_active
    assert verbs() == ["deactivated", "reactivated"]


def test_a_role_that_does_not_exist_is_refused(admin_client, clinician):
    answer = admin_client.post(reverse("studies:person_role", args=[clinician.pk]), {"role": "emperor"})

    clinician.refresh_from_db()
    assert answer.status_code == 422
    assert clinician.role == SiteRole.CLINICIAN


def test_the_people_page_asks_the_database_no_more_for_twenty_people_than_for_two(
    admin_client, admin, django_assert_max_num_queries
):
    for n in range(20):
        User.objects.create_user(f"person{n}@example.org", None)
        accounts.invite(by=admin, email=f"guest{n}@example.org", role=SiteRole.CLINICIAN)

    with django_assert_max_num_queries(5):
        answer = admin_client.get(reverse("studies:people"))

    assert answer.content.decode().count("guest") >= 20
