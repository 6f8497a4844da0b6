"""The evidence map in a real browser: from a cell to its list, to a study and back; by pointer, keys, finger, eye."""

import io
import re

import pytest
from django.core.management import call_command
from playwright.sync_api import Locator, Page, expect

from tests.browser.looking import DESKTOP, PHONE, overflow, size, violations

LEFT = ("htmx:",)  # a page that is left while a piece of it is on its way
CELL = 'td > a[href*="sources=src-adsc&outcomes=out-wrinkles"]'


@pytest.fixture
def library(site) -> None:
    call_command("load_starter", verbosity=0, stdout=io.StringIO())


def cell(page: Page) -> Locator:
    return page.locator(CELL).first


def number(link: Locator) -> int:
    return int(link.locator("b").inner_text())


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_a_clinician_walks_from_a_cell_to_its_list_to_a_study_and_back(library, visits, script):
    page = visits(script=script, forgive=LEFT)
    page.goto("/map/?evidence=all")
    n, here = number(cell(page)), page.url

    cell(page).click()
    expect(page.locator("#results-title")).to_contain_text(f"{n} stud")
    page.locator(".study-row__title a").first.click()
    expect(page.locator("h1")).to_be_visible()
    page.go_back()
    expect(page.locator("#results-title")).to_contain_text(f"{n} stud")
    page.go_back()

    assert page.url == here
    assert number(cell(page)) == n


def test_a_pointer_or_the_focus_shows_the_studies_and_escape_hides_them(library, visits):
    page = visits(forgive=LEFT)
    page.goto("/map/")
    card = page.locator("#map-card")

    cell(page).hover()
    expect(card.locator(".map-card__study")).to_have_count(number(cell(page)))
    card.hover()  # what is shown stays while somebody reads it
    page.wait_for_timeout(600)
    expect(card).to_be_visible()
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()

    page.mouse.move(1, 1)
    cell(page).focus()
    expect(card).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(page.locator(":focus")).not_to_have_attribute("href", cell(page).get_attribute("href"))
    assert page.evaluate("document.activeElement.matches('[data-map] td > a')")


def test_the_keyboard_alone_leads_into_the_card_of_a_cell_and_back_to_the_cell(library, visits):
    page = visits(forgive=LEFT)
    page.goto("/map/")

    cell(page).focus()
    page.keyboard.press("Space")
    expect(page.locator(".map-card__study a").first).to_be_focused()
    page.keyboard.press("Escape")

    expect(page.locator("#map-card")).to_be_hidden()
    expect(cell(page)).to_be_focused()


def test_a_finger_shows_the_studies_first_and_leads_on_to_the_list(library, browser, server, site):
    context = browser.new_context(
        base_url=server.url, has_touch=True, viewport={"width": PHONE[0], "height": PHONE[1]}, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto("/map/")
    n = number(cell(page))

    cell(page).tap()
    expect(page.locator("#map-card")).to_be_visible()
    assert violations(page) == []
    page.locator(".map-card__acts a").first.tap()

    expect(page.locator("#results-title")).to_contain_text(f"{n} stud")
    context.close()


def test_other_axes_and_filters_change_the_map_and_its_address(library, visits):
    page = visits(forgive=LEFT)
    page.goto("/map/")

    page.get_by_label("Rows", exact=True).select_option("products")
    page.wait_for_url(re.compile("rows=products"))
    page.get_by_label("Only with").select_option("dlv-microneedling")
    page.wait_for_url(re.compile("deliveries=dlv-microneedling"))
    page.get_by_label("Hide rows and columns").check()
    page.wait_for_url(re.compile("hide=1"))

    assert page.locator(".map__corner").inner_text().startswith("Product")
    expect(page.locator(".map-stamp")).to_contain_text("Hidden, for having no study")
    page.locator(".chips a", has_text="Microneedling").click()
    expect(page.locator(".chips a")).to_have_count(0)
    assert "rows=products" in page.url


@pytest.mark.parametrize("address", ["/map/", "/protocols/", "/durability/", "/"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_everybody_can_read_it_on_a_desk_and_on_a_phone(address, dark, library, visits):
    page = visits(dark=dark, forgive=LEFT)

    for window in (DESKTOP, PHONE):
        size(page, window)
        page.goto(address)
        assert violations(page) == []
        assert overflow(page) == []


def test_the_terms_stay_in_sight_while_the_map_scrolls_within_itself(library, visits):
    page = visits(size=PHONE, forgive=LEFT)
    page.goto("/map/")
    region = page.locator("[data-map]")
    region.scroll_into_view_if_needed()

    region.evaluate("region => region.scrollTo(600, 500)")

    row, corner = page.locator(".map tfoot th"), page.locator(".map__corner")
    edges = region.evaluate("region => [region.getBoundingClientRect().left, region.getBoundingClientRect().top]")
    assert abs(row.bounding_box()["x"] - edges[0]) < 2
    assert abs(corner.bounding_box()["y"] - edges[1]) < 2
    region.focus()
    assert page.evaluate("document.activeElement.matches('[data-map]')")


def test_paper_shows_the_whole_map(library, visits):
    page = visits(forgive=LEFT)
    page.goto("/map/")
    size(page, (1045, 740))  # A4 across, less its margins

    page.emulate_media(media="print")

    assert overflow(page) == []
    inside = page.locator("[data-map]").evaluate("region => region.scrollWidth <= region.clientWidth + 1")
    assert inside
    expect(page.locator("#map-form")).to_be_hidden()
