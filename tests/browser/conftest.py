"""The browser, the site it visits, and the worker behind it."""

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings as configured
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command
from django.db import connection, connections
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from studies.models import User
from tests.browser.looking import DESKTOP, Complaints
from tests.browser.serving import Site, Worker

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
Visit = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    where = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if not where:
        pytest.skip("no Chromium found: install the package chromium, or name one in the variable CHROMIUM")
    # Playwright's loop runs in this thread all the time; Django would refuse every query beside it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    # Chromium's sandbox refuses to work for root.
    flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else FLAGS
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=where, args=flags)
            yield browser
            browser.close()
            # Beside the loop Django keeps connections of its own; the test database cannot be dropped under them.
            connections.close_all()
    finally:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="package")
def server() -> Iterator[Site]:
    with Site() as site:
        yield site


@pytest.fixture
def site(server: Site, transactional_db: None, settings) -> Iterator[Site]:
    """The site over tables that this test fills and nobody else sees."""
    settings.SITE_URL = server.url
    yield server
    server.wait_until_idle()


@pytest.fixture(scope="module")
def lasting(django_db_setup, django_db_blocker, static_files, quick_passwords, server: Site) -> Iterator[None]:
    """Tables for a module whose tests only read: what is written here is committed once, and gone after the last.

    Those tests are marked `django_db`: what one of them wrote itself would be seen by nobody else.
    """
    with django_db_blocker.unblock():
        yield
        server.wait_until_idle()
        connection.close()
        call_command("flush", interactive=False, verbosity=0)


@pytest.fixture
def worker(site: Site) -> Iterator[Worker]:
    with Worker() as worker:
        yield worker


@pytest.fixture
def visits(browser: Browser, server: Site) -> Iterator[Callable[..., Page]]:
    """Opens a window of its own: `visits(user, size=PHONE, script=False)`; nothing may be said in its console.

    Who is signed in is given as an account, or as the key of a session that exists.
    """
    contexts: list[BrowserContext] = []
    complaints = Complaints()

    def visit(user: User | str | None = None, *, size=DESKTOP, script=True, dark=False, forgive=()) -> Page:
        context = browser.new_context(
            base_url=server.url,
            viewport={"width": size[0], "height": size[1]},
            java_script_enabled=script,
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            locale="en-GB",
        )
        context.set_default_timeout(10_000)
        contexts.append(context)
        if user:
            key = user if isinstance(user, str) else session(user)
            context.add_cookies([{"name": configured.SESSION_COOKIE_NAME, "value": key, "url": server.url}])
        page = context.new_page()
        complaints.forgiven += tuple(forgive)
        complaints.listen(page)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert complaints.said == []


def session(user: User) -> str:
    """The key of a session in which the user has signed in."""
    store = SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.create()
    return store.session_key
