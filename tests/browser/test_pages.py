"""Every page of the site: WCAG 2.2 AA in both colour schemes, width, keyboard, console, print, size."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.core.management import call_command
from django.db import connection
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from playwright.sync_api import Page

from tests.browser import library
from tests.browser.looking import CONTRAST, DESKTOP, PHONE, SMALL_PHONE, focused, overflow, size, violations
from tests.studies.test_access import ADMIN_PAGES, DECISIONS

MOST_BYTES = 300_000
# Read, but not as a page of its own; each with its reason.
NO_PAGES = {
    "healthz": "one word for machines",
    "studies:study-short": "leads to the study's full address",
    "studies:run_progress": "a part of the run's page",
    "studies:run_line": "a part of the Sync page",
    "studies:map_cell": "a part of the map",
}
STRANGERS_PAGES = {"login", "password_reset", "password_reset_done", "password_reset_confirm", "studies:invitation"}
OURS = sorted(name for name, decision in DECISIONS.items() if decision.read and name not in NO_PAGES)
# Django's admin refuses to add or delete what the catalogue keeps: those answer 403, which is looked at once.
DJANGO_ADMIN = [
    name
    for name in ADMIN_PAGES
    if not name.endswith("_delete") and not name.endswith("_add") and name not in {"admin:autocomplete", "admin:jsi18n"}
]
STEPS = 40  # presses of Tab on a page


@dataclass(frozen=True)
class Example:
    """One address of a page, and which word names it in a failed test."""

    address: str
    is_for_strangers: bool = False


@pytest.fixture(scope="module")
def rows(django_db_setup, django_db_blocker, static_files, quick_passwords, server) -> Iterator[dict[str, object]]:
    """The catalogue, filled once: these tests only look."""
    with django_db_blocker.unblock():
        yield library.fill()
        server.wait_until_idle()
        connection.close()
        call_command("flush", interactive=False, verbosity=0)


def examples(name: str, rows: dict[str, object]) -> list[Example]:
    """The addresses that show what the page called `name` can look like; KeyError for a page nobody thought of."""
    plain = {"home", "studies:account", "studies:people", "studies:sync", "studies:search_new", "studies:import"}
    plain |= {"studies:runs", "login", "password_reset", "password_reset_done"}
    plain |= {"studies:protocols", "studies:durability"}
    if name in plain:
        addresses = [reverse(name)]
    elif name == "studies:studies":
        everything = "?q=skin&design=rct&notice=none&everything=1&people=1&year_from=2005&sort=people&nonsense=1"
        addresses = [reverse(name) + query for query in ("", everything, "?q=nowheretobefound", "?q=the")]
    elif name == "studies:map":
        queries = ("", "?rows=products&columns=deliveries&evidence=all&people=20&hide=1", "?rows=nonsense&q=nowheretobefound")
        addresses = [reverse(name) + query for query in queries]
    elif name == "studies:study":
        addresses = [study.get_absolute_url() for study in [rows["study"], *rows["studies"]]]
    elif name == "studies:run":
        addresses = [run.get_absolute_url() for run in rows["runs"]]
    elif name == "studies:search_edit":
        addresses = [reverse(name, args=[rows["search"].pk])]
    elif name == "studies:invitation":
        addresses = [reverse(name, args=[rows["invitation secret"]])]
    elif name == "password_reset_confirm":
        person = rows["person"]
        token = default_token_generator.make_token(person)
        addresses = [
            reverse(name, args=[urlsafe_base64_encode(force_bytes(person.pk)), token]),
            reverse(name, args=["MQ", "no-such-token"]),
        ]
    else:
        raise KeyError(f"{name} is a page without an example: add one here, or say in NO_PAGES why it is none.")
    return [Example(address, name in STRANGERS_PAGES) for address in addresses]


def look(page: Page, address: str) -> list[str]:
    """Everything that is wrong with a page at this address, on a desk and on a phone, by day and by night."""
    answer = page.goto(address)
    wrong = [f"{len(answer.body()):,} bytes"] if len(answer.body()) > MOST_BYTES else []
    for window, scheme, rules in (
        (DESKTOP, "light", None),
        (DESKTOP, "dark", CONTRAST),
        (PHONE, "dark", None),
        (PHONE, "light", CONTRAST),
    ):
        page.emulate_media(color_scheme=scheme)
        size(page, window)
        wrong += [f"{scheme}, {window[0]} px: {what}" for what in violations(page, rules)]
    wrong += too_wide(page)
    size(page, DESKTOP)
    return [f"{address}: {what}" for what in wrong + unseen_focus(page) + in_print(page)]


def too_wide(page: Page) -> list[str]:
    wrong = []
    for window in (PHONE, SMALL_PHONE):
        size(page, window)
        wrong += [f"scrolls sideways at {window[0]} px: {what}" for what in overflow(page)]
    return wrong


def unseen_focus(page: Page) -> list[str]:
    """The keys' way through a page: the skip link first, then one element after the other, each seen and ringed."""
    page.evaluate("document.activeElement.blur()")
    wrong, seen = [], set()
    for step in range(STEPS):
        page.keyboard.press("Tab")
        here = focused(page)
        if not here["place"]:
            break
        if step == 0 and not here["isSkipLink"]:
            wrong.append(f"the first Tab goes to {here['place']}, not to the skip link")
        if here["place"] not in seen and not (here["isSeen"] and (here["ring"] or here["shadow"])):
            wrong.append(f"focus cannot be seen on {here['place']}")
        seen.add(here["place"])
    return wrong


def in_print(page: Page) -> list[str]:
    page.emulate_media(media="print")
    shown = page.locator(".site-nav, .site-header__account, .skip-link, #nav-sidebar, .button").locator("visible=true")
    wrong = [f"printed: {element.inner_text()!r}" for element in shown.all()[:3]]
    page.emulate_media(media="screen")
    return wrong


@pytest.mark.parametrize("name", OURS)
def test_a_page_is_fit_for_everybody(name, rows, visits):
    wrong = []
    for example in examples(name, rows):
        page = visits(None if example.is_for_strangers else rows["admin"])
        wrong += look(page, example.address)

    assert wrong == []
