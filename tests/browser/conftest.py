"""Chromium, one for the session; a fresh context a test; a server that speaks to the test's own database."""

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from studies.models import User
from tests.conftest import signed_in

# Playwright keeps a loop in this thread; Django need not refuse its own database for that.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = ["gpu", "quic", "background-networking", "component-update", "sync"]
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="no Chromium is installed (Debian's package: chromium)"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    arguments = ["--no-first-run", *(f"--disable-{name}" for name in QUIET)]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def site(live_server, settings) -> str:
    # The live server finds static files by their own names.
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    settings.SITE_URL = live_server.url
    return live_server.url


@pytest.fixture
def open_page(browser: Browser, site: str) -> Iterator[Callable[..., Page]]:
    """Opens a page of the site as somebody, in a window of a size, with script or without; complaints fail the test."""
    contexts, complaints = [], []

    def open_page(path: str = "/", *, user: User | None = None, size: dict = DESKTOP, script: bool = True) -> Page:
        context = browser.new_context(base_url=site, viewport=size, java_script_enabled=script, reduced_motion="reduce")
        contexts.append(context)
        if user:
            cookie = signed_in(user).cookies["sessionid"]
            context.add_cookies([{"name": "sessionid", "value": cookie.value, "url": site}])
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    # An answer that refuses a form is an answer, though the browser's console calls it an error.
    assert [text for text in complaints if "422" not in text] == []
