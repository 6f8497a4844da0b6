"""From an invitation to an account: the admin's page, the mail, the link, the password."""

import re

import pytest
from django.core import mail
from playwright.sync_api import expect

from studies.models import User
from studies.terms import SiteRole
from tests.browser.looking import DESKTOP, PHONE

PHRASE = "a dermal papilla of 1895"


@pytest.mark.parametrize(
    ("window", "script"), [(DESKTOP, True), (PHONE, False)], ids=["desktop", "phone-without-script"]
)
def test_an_invited_person_opens_the_link_sets_a_password_and_is_signed_in(site, admin, visits, window, script):
    page = visits(admin, size=window, script=script)
    page.goto("/people/")
    page.get_by_label("E-mail address").fill("Guest@Example.org")
    page.locator("#id_role").select_option(SiteRole.REVIEWER)
    page.get_by_role("button", name="Invite", exact=True).click()
    expect(page.get_by_text("on its way to guest@example.org")).to_be_visible()
    link = re.search(r"http\S+/invitation/\S+", mail.outbox[0].body)[0]

    guest = visits(size=window, script=script)
    guest.goto(link)
    guest.get_by_label("Given name").fill("Greta")
    guest.get_by_label("Password", exact=True).fill(PHRASE)
    guest.get_by_label("Password, once more").fill(PHRASE)
    guest.get_by_role("button", name="Open the account").click()

    expect(guest.get_by_text("Welcome, Greta")).to_be_visible()
    user = User.objects.get(email="guest@example.org")
    assert (user.role, user.check_password(PHRASE)) == (SiteRole.REVIEWER, True)


def test_somebody_who_forgot_the_password_sets_a_new_one_by_mail(site, clinician, visits):
    page = visits()
    page.goto("/sign-in/")
    page.get_by_role("link", name="I forgot my password").click()
    page.get_by_label("E-mail address").fill(clinician.email)
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("heading", level=1, name="Look into your mail")).to_be_visible()

    page.goto(re.search(r"/reset/\S+", mail.outbox[0].body)[0])
    page.get_by_label("New password", exact=True).fill(PHRASE)
    page.get_by_label("New password, once more").fill(PHRASE)
    page.get_by_role("button", name="Set the password and sign in").click()

    expect(page.get_by_text("you are signed in")).to_be_visible()
    page.get_by_text(clinician.first_name, exact=True).click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_the_account_menu_closes_on_escape_and_gives_the_focus_back(site, clinician, visits):
    page = visits(clinician, size=PHONE)
    page.goto("/")
    page.locator(".menu__summary").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()

    page.keyboard.press("Escape")

    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    expect(page.locator(".menu__summary")).to_be_focused()
