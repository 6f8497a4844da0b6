"""Every page of the site: WCAG 2.2 AA in both colour schemes, width, keyboard, console, print, size."""

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.urls import NoReverseMatch, reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from playwright.sync_api import Page

from reviews.actions import duplicates, flow, protocol, team
from reviews.models import PairProposal
from tests.browser import library
from tests.browser.conftest import session
from tests.browser.looking import (
    COLOUR,
    DESKTOP,
    LAYOUT,
    PHONE,
    SMALL_PHONE,
    focused,
    overflow,
    settle,
    size,
    violations,
)
from tests.reviews.conftest import make_cast
from tests.reviews.test_access import FILES, TABLE
from tests.studies.test_access import ADMIN_PAGES, DECISIONS, admin_address

pytestmark = pytest.mark.django_db
MOST_BYTES = 300_000
# Read, but not as a page of its own; each with its reason.
NO_PAGES = {
    "healthz": "one word for machines",
    "studies:study-short": "leads to the study's full address",
    "studies:run_progress": "a part of the run's page",
    "studies:run_line": "a part of the Sync page",
    "studies:map_cell": "a part of the map",
    "studies:news_feed": "a feed",
    "studies:studies_feed": "a feed",
    "studies:export": "a file",
    "studies:trials_export": "a file",
    "studies:trials_feed": "a feed",
    "studies:study_export": "a file",
    "studies:study_log_csv": "a file",
    "studies:tag_terms": "a part of the tagging page",
    "studies:check_progress": "a part of the check's page",
    "studies:check_csv": "a file",
}
STRANGERS_PAGES = {"login", "password_reset", "password_reset_done", "password_reset_confirm", "studies:invitation"}
STRANGERS_PAGES |= {"reviews:invitation"}
# Pages of a review, seen by its lead; the others are files.
IN_REVIEWS = sorted(name for name, rule in TABLE.items() if rule.read and name not in FILES)
# The API answers programs.
OURS = sorted(n for n, d in DECISIONS.items() if d.read and n not in NO_PAGES and not n.startswith("api:"))
# Django's admin refuses to add or delete what the catalogue keeps: those answer 403, which is looked at once.
DJANGO_ADMIN = [
    name
    for name in ADMIN_PAGES
    if not name.endswith("_delete") and not name.endswith("_add") and name not in {"admin:autocomplete", "admin:jsi18n"}
]
STEPS = 25  # presses of Tab on a page
# Most rules look at the markup, which is the same in every window: the others look again.
VIEWS = (
    (DESKTOP, "light", None),
    (DESKTOP, "dark", COLOUR),
    (PHONE, "light", COLOUR),
    (PHONE, "dark", LAYOUT),
)


@pytest.fixture(scope="module")
def rows(lasting) -> dict[str, object]:
    rows = library.fill()
    return rows | reviewed() | {"session": session(rows["admin"])}


def reviewed() -> dict[str, object]:
    """A review with a conflict at full text, a report half decided, an invitation, and words to highlight."""
    cast = make_cast(4)
    conflict = cast.pass_first(cast.reports[0])
    cast.say(cast.first, conflict, "exclude", 0, note="No cells were given.")
    cast.say(cast.second, conflict, "exclude", 1)
    cast.say(cast.first, cast.reports[1], "maybe")
    protocol.change_review(cast.review, by=cast.lead, is_living=True, living_justification="It changes every month.")
    _, secret = team.invite(cast.review, by=cast.lead, email="guest.of.a.review@example.org", role="reviewer")
    duplicates.merge(cast.reports[2], cast.reports[3], by=cast.lead)
    pair = {"first": cast.reports[1], "second": cast.reports[2], "kind": "duplicate"}
    PairProposal.objects.create(review=cast.review, why=["titles alike to 97%", "3 years apart"], **pair)
    flow.freeze(cast.review, by=cast.lead, label="First submission")
    arguments = {"": [], "report": [conflict.pk], "stage report": ["title-abstract", cast.reports[1].pk]}
    arguments["list"] = ["records_screened"]
    return {"review": cast.review, "lead": session(cast.lead), "arguments": arguments, "review secret": secret}


def examples(name: str, rows: dict[str, object]) -> list[str]:
    """The addresses that show what the page called `name` can look like; KeyError for one that names an unknown row."""
    if name == "studies:studies":
        everything = "?q=skin&design=rct&notice=none&everything=1&people=1&year_from=2005&sort=people&nonsense=1"
        addresses = [reverse(name) + query for query in ("", everything, "?q=nowheretobefound", "?q=the")]
    elif name == "studies:study":
        addresses = [study.get_absolute_url() for study in [rows["study"], *rows["studies"]]]
    elif name == "studies:notices":
        addresses = [reverse(name, args=[pk]) for pk in (rows["notice"].report.study_id, rows["study"].pk)]
    elif name == "studies:candidates":
        addresses = [reverse(name), reverse(name) + "?way=citing", reverse(name) + "?page=99"]
    elif name == "studies:run":
        addresses = [run.get_absolute_url() for run in rows["runs"]]
    elif name in ("studies:study_references", "studies:study_log"):
        addresses = [reverse(name, args=[rows["study"].pk])]
    elif name == "studies:check_result":
        where = rows["check"].get_absolute_url()
        addresses = [where, f"{where}?verdict=mismatch", f"{where}?verdict=match&all=1"]
    elif name == "studies:tag_batch":
        addresses = [reverse(name, args=[rows["batch"].pk])]
    elif name == "studies:search_edit":
        addresses = [reverse(name, args=[rows["search"].pk])]
    elif name == "studies:alert_begin":
        addresses = [reverse(name, args=["everything"])]
    elif name == "studies:alert_begin_of":
        addresses = [reverse(name, args=["study", rows["study"].pk])]
    elif name == "studies:alert_edit":
        addresses = [reverse(name, args=[rows["subscription"].pk])]
    elif name == "studies:stop":
        addresses = [reverse(name, args=[rows["subscription"].token])]
    elif name == "reviews:invitation":
        addresses = [reverse(name, args=[rows["review secret"]])]
    elif name == "studies:trials":
        addresses = [
            reverse(name) + query for query in ("", "?stopped=1&phase=PHASE2&nonsense=1", "?q=nowheretobefound")
        ]
    elif name == "studies:trial":
        numbers = ("NCT00000001", "NCT00000002", "NCT00000003", rows["registration"].number)
        addresses = [reverse(name, args=[number]) for number in numbers]
    elif name == "studies:trial_edit":
        addresses = [reverse(name, args=[rows["registration"].number])]
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
        try:
            addresses = [reverse(name)]
        except NoReverseMatch:
            why = f"{name} is a page without an example: add one here, or say in NO_PAGES why it is none."
            raise KeyError(why) from None
    return addresses


def look(page: Page, address: str, *, is_first: bool, views=VIEWS) -> list[str]:
    """Everything that is wrong with a page at this address, on a desk and on a phone, by day and by night.

    The keys' way and the print are those of the page, whatever it shows: seen at its first address.
    """
    answer = page.goto(address)
    wrong = [f"{len(answer.body()):,} bytes"] if len(answer.body()) > MOST_BYTES else []
    for window, scheme, rules in views:
        page.emulate_media(color_scheme=scheme)
        size(page, window)
        settle(page)
        wrong += [f"{scheme}, {window[0]} px: {what}" for what in violations(page, rules)]
    wrong += too_wide(page)
    size(page, DESKTOP)
    if is_first:
        wrong += unseen_focus(page) + in_print(page)
    return [f"{address}: {what}" for what in wrong]


def too_wide(page: Page) -> list[str]:
    wrong = []
    for window in (PHONE, SMALL_PHONE):
        size(page, window)
        wrong += [f"scrolls sideways at {window[0]} px: {what}" for what in overflow(page)]
    return wrong


def unseen_focus(page: Page) -> list[str]:
    """The keys' way through a page: the skip link first, then one element after the other, each seen and ringed."""
    # From the top, wherever the page itself put the focus.
    page.evaluate("document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex')")
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
    page = visits(None if name in STRANGERS_PAGES else rows["session"])

    for number, address in enumerate(examples(name, rows)):
        wrong += look(page, address, is_first=number == 0, views=VIEWS if number == 0 else VIEWS[::3])

    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", IN_REVIEWS)
def test_a_page_of_a_review_is_fit_for_everybody(name, rows, visits):
    page = visits(rows["lead"])
    address = reverse(f"reviews:{name}", args=[rows["review"].slug, *rows["arguments"][TABLE[name].where]])

    wrong = look(page, address, is_first=True)

    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", DJANGO_ADMIN)
def test_a_page_of_djangos_admin_is_fit_for_everybody(name, rows, visits):
    page = visits(rows["session"])

    wrong = look(page, admin_address(name, rows), is_first=False, views=VIEWS[::3])

    assert not wrong, "\n".join(wrong)


def test_every_page_of_the_site_has_an_example(rows):
    addresses = {name: examples(name, rows) for name in OURS}

    assert all(addresses.values())
