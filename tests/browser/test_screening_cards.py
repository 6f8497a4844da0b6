"""The screening card when the network, the server or a colleague gets in the way: no decision is lost unseen."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from reviews.actions import stages
from reviews.models import ScreeningDecision
from reviews.terms import Decision, ScreeningMode
from tests.reviews.conftest import TITLE, Cast, make_cast

HERE = "[data-card-here] [data-card]"


@pytest.fixture
def cast(site) -> Cast:
    return make_cast(4)


def opened(page: Page, cast: Cast) -> str:
    """The first card, with the next one at hand; answers the number of the candidate."""
    page.goto(f"/reviews/{cast.review.slug}/screening/")
    page.get_by_role("button", name="Screen by title and abstract").click()
    page.locator("[data-card-ahead] > *").wait_for(state="attached")
    return page.locator(HERE).get_attribute("data-card")


def shows(page: Page, number: str) -> None:
    expect(page.locator(f"[data-card-here] [data-card='{number}']")).to_have_count(1)


def said() -> list[tuple[str, str]]:
    return [(str(pk), word) for pk, word in ScreeningDecision.objects.values_list("candidate", "decision")]


class Gate:
    """Stops a page's decisions until `open` says what becomes of them."""

    def __init__(self, page: Page) -> None:
        self.stopped: list[Route] = []
        self.page = page
        page.route(re.compile(rf"/{TITLE}/\d+/$"), self._stop)

    def _stop(self, route: Route) -> None:
        if route.request.method == "POST":
            self.stopped.append(route)
        else:
            route.continue_()

    def wait(self) -> Route:
        for _ in range(100):
            if self.stopped:
                return self.stopped.pop(0)
            self.page.wait_for_timeout(50)
        raise AssertionError("no decision is on its way")

    def close(self) -> None:
        self.page.unroute_all()


@pytest.mark.parametrize(("fault", "words"), [("network", "could not be reached"), ("500", "error (500)")])
def test_a_decision_that_is_not_kept_brings_its_card_back_and_spares_the_next(cast, visits, fault, words):
    page = visits(cast.first, forgive=("Failed to load resource",))
    first = opened(page, cast)
    page.locator(f"{HERE} textarea").fill("A note on the first.")
    gate = Gate(page)
    page.locator(HERE).get_by_role("button", name="Exclude").click()
    expect(page.locator(f"[data-card-here] [data-card='{first}']")).to_have_count(0)
    second = page.locator(HERE).get_attribute("data-card")
    page.locator(f"{HERE} textarea").fill("A note on the second.")

    route = gate.wait()
    route.abort() if fault == "network" else route.fulfill(status=500, body="")

    shows(page, first)
    expect(page.locator(f"{HERE} [data-trouble]")).to_contain_text(words)
    expect(page.locator(f"{HERE} textarea")).to_have_value("A note on the first.")
    assert said() == []

    gate.close()
    page.locator(HERE).get_by_role("button", name="Exclude").click()
    shows(page, second)
    expect(page.locator(f"{HERE} textarea")).to_have_value("A note on the second.")
    page.wait_for_load_state("networkidle")
    assert said() == [(first, Decision.EXCLUDE)]
    assert ScreeningDecision.objects.get().note == "A note on the first."


def test_a_refusal_is_told_beside_the_next_card_and_the_next_can_be_decided(cast, visits):
    page = visits(cast.first, forgive=("Failed to load resource",))
    first = opened(page, cast)
    stages.change_stage(cast.stage(), by=cast.lead, mode=ScreeningMode.SINGLE, pilot_size=50)
    cast.say(cast.second, next(one for one in cast.reports if str(one.pk) == first), Decision.INCLUDE)

    page.locator(HERE).get_by_role("button", name="Exclude").click()
    expect(page.locator("[data-cards-notice]")).to_contain_text("all the decisions it needs")

    expect(page.locator("[data-cards-notice] a")).to_have_count(1)
    second = page.locator(HERE).get_attribute("data-card")
    assert second != first
    page.locator(HERE).get_by_role("button", name="Exclude").click()
    expect(page.locator(f"[data-card-here] [data-card='{second}']")).to_have_count(0)
    expect(page.locator("[data-cards-notice]")).to_be_hidden()
    page.wait_for_load_state("networkidle")
    assert said() == [(first, Decision.INCLUDE), (second, Decision.EXCLUDE)]


def test_undo_waits_for_the_decision_under_way(cast, visits):
    page = visits(cast.first)
    first = opened(page, cast)
    gate = Gate(page)
    page.keyboard.press("e")
    route = gate.wait()
    page.keyboard.press("u")
    page.wait_for_timeout(300)
    assert said() == []

    route.continue_()

    shows(page, first)
    page.wait_for_load_state("networkidle")
    assert said() == [(first, Decision.EXCLUDE), (first, Decision.WITHDRAWN)]


def test_a_decision_outlives_the_page_it_was_made_on(cast, visits):
    page = visits(cast.first)
    first = opened(page, cast)
    page.evaluate(
        "() => { const plain = window.fetch; window.asked = [];"
        " window.fetch = (where, how) => { window.asked.push(how.keepalive); return plain(where, how); }; }"
    )

    page.keyboard.press("i")
    page.wait_for_load_state("networkidle")

    assert page.evaluate("window.asked") == [True]
    assert said() == [(first, Decision.INCLUDE)]
