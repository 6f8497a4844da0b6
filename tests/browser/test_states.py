"""What has no address of its own is fit for everybody too: refusals, errors, forms sent back, menus that are open."""

from collections.abc import Iterator

import pytest
from django.db import connection
from playwright.sync_api import Page, expect

from studies.models import Search
from tests.browser.looking import COLOUR, DESKTOP, PHONE, SMALL_PHONE, focused, overflow, settle, size, violations
from tests.conftest import PASSWORD

# The console names every answer that is not a success; here they are what is asked for.
REFUSALS = ["status of 4", "status of 500"]


def flaws(page: Page) -> list[str]:
    wrong = []
    for window, scheme, rules in ((DESKTOP, "light", None), (DESKTOP, "dark", COLOUR), (PHONE, "dark", None)):
        page.emulate_media(color_scheme=scheme)
        size(page, window)
        settle(page)
        wrong += [f"{scheme}, {window[0]} px: {what}" for what in violations(page, rules)]
    size(page, SMALL_PHONE)
    return wrong + overflow(page)


@pytest.fixture
def broken_table(site, db) -> Iterator[None]:
    """A page that needs this table fails as it would with a real fault."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE studies_search RENAME TO studies_search_away")
    yield
    site.wait_until_idle()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE studies_search_away RENAME TO studies_search")


def test_a_page_that_is_not_there_offers_a_search(site, visits):
    page = visits(forgive=REFUSALS)

    answer = page.goto("/no-such-page/")

    assert answer.status == 404
    expect(page.get_by_role("search").get_by_role("searchbox")).to_be_visible()
    assert flaws(page) == []


def test_a_page_for_others_says_so(site, clinician, visits):
    page = visits(clinician, forgive=REFUSALS)

    answer = page.goto("/sync/")

    assert answer.status == 403
    assert flaws(page) == []


def test_a_fault_of_ours_is_told_without_anything_of_its_cause(broken_table, admin, visits):
    page = visits(admin, forgive=REFUSALS)

    answer = page.goto("/sync/")

    assert answer.status == 500
    expect(page.get_by_role("heading", level=1)).to_contain_text("went wrong")
    assert "studies_search" not in page.content()
    assert flaws(page) == []


def test_a_closed_invitation_says_what_to_do(site, visits):
    page = visits(forgive=REFUSALS)

    answer = page.goto("/invitation/never-sent/")

    assert answer.status == 410
    assert flaws(page) == []


def test_a_wrong_password_is_told_where_the_focus_is_and_too_many_close_the_door(site, clinician, visits):
    page = visits(forgive=REFUSALS)
    page.goto("/sign-in/")

    for step in range(5):
        page.get_by_label("E-mail address").fill(clinician.email)
        page.get_by_label("Password").fill("not the right one")
        page.get_by_role("button", name="Sign in").click()
        if step == 0:
            expect(page.get_by_role("alert")).to_be_focused()
            assert flaws(page) == []
            size(page, DESKTOP)

    expect(page.get_by_role("heading", level=1, name="Too many tries")).to_be_visible()
    assert flaws(page) == []


def test_a_form_sent_back_links_each_error_to_its_field(site, admin, visits):
    Search.objects.create(name="Taken", query="nanofat")
    page = visits(admin, forgive=REFUSALS)
    page.goto("/sync/searches/new/")
    page.get_by_label("Name").fill("Taken")
    page.get_by_label("Query", exact=True).fill("microfat")
    page.get_by_role("button", name="Save").click()

    page.get_by_role("alert").get_by_role("link").first.click()

    expect(page.get_by_label("Name")).to_be_focused()
    assert flaws(page) == []


def test_the_account_menu_is_fit_for_everybody_when_it_is_open(site, admin, visits):
    page = visits(admin)
    page.goto("/account/")

    page.locator(".menu__summary").click()

    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    assert flaws(page) == []


def test_the_skip_link_leads_past_the_menu_to_the_content(site, visits):
    page = visits()
    page.goto("/")
    page.keyboard.press("Tab")
    assert focused(page)["isSkipLink"]

    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_where_login_is_required_a_visitor_is_led_to_the_door_and_back_to_the_page(site, clinician, visits, settings):
    settings.REQUIRE_LOGIN = True
    page = visits()
    page.goto("/studies/?q=nanofat")

    page.get_by_label("E-mail address").fill(clinician.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    expect(page).to_have_url(f"{site.url}/studies/?q=nanofat")
