"""Every page, in light and dark, wide and narrow: WCAG 2.2 AA, nothing that scrolls sideways, no complaint."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import DESKTOP, PHONE
from tests.studies.test_access import DECISIONS, OURS, address, rows

__all__ = ["rows"]

RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
# No pages: an answer for machines, and pieces that htmx puts into a page.
PIECES = {"healthz", "studies:run_progress", "studies:run_line"}
STRANGERS = {"login", "password_reset", "password_reset_done", "password_reset_confirm", "studies:invitation"}
PAGES = [name for name in OURS if DECISIONS[name].read and name not in PIECES]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible_and_fits_in_light_and_dark_wide_and_narrow(name, rows, admin, open_page):
    page = open_page(address(name, rows), user=None if name in STRANGERS else admin)

    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found = Axe().run(page, options=RULES)
            assert found.violations_count == 0, f"{scheme} {size}: {found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"sideways at {size}"
    page.set_viewport_size({"width": 320, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "sideways at 320 pixels"


@pytest.mark.parametrize("name", PAGES)
def test_the_keyboard_begins_with_a_link_to_the_content_and_always_shows_where_it_is(name, rows, admin, open_page):
    page = open_page(address(name, rows), user=None if name in STRANGERS else admin)

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#main"
    for _ in range(6):
        page.keyboard.press("Tab")
        style = page.evaluate(
            "(e => e === document.body ? '' : getComputedStyle(e).outlineStyle + getComputedStyle(e).boxShadow)"
            "(document.activeElement)"
        )
        assert style != "nonenone", page.evaluate("document.activeElement.outerHTML")


def test_print_leaves_the_navigation_out(rows, open_page):
    page = open_page(address("studies:study", rows))

    page.emulate_media(media="print")

    assert not page.locator(".site-nav").is_visible()
    assert page.get_by_role("heading", level=1).is_visible()
