"""What every test may ask for: the cast, each with a client that is signed in."""

import pytest
from django.conf import settings as configured
from django.core.management import call_command
from django.db.backends.postgresql.operations import DatabaseOperations
from django.test import Client

import config.celery  # noqa: F401 - tells shared tasks which app they belong to
from studies.models import User
from studies.terms import SiteRole

pytest_plugins = ["tests.ncbi.fixtures"]
PASSWORD = "stratum corneum 1863"
_NEVER_CHANGED = {"django_content_type", "auth_permission"}


@pytest.fixture(scope="session", autouse=True)
def static_files() -> None:
    """Pages name their files by their digest, as in service: a file that does not exist fails the page."""
    call_command("collectstatic", interactive=False, verbosity=0)
    # Every test client loads the middleware anew: it should not list all files each time.
    configured.WHITENOISE_AUTOREFRESH = True


@pytest.fixture(scope="session", autouse=True)
def quick_flush() -> None:
    """To truncate 65 tables takes half a second, empty or not: those that hold something are emptied, no others."""
    truncate = DatabaseOperations.sql_flush

    def empty(self, style, tables, *, reset_sequences=False, allow_cascade=False):
        if reset_sequences:
            return truncate(self, style, tables, reset_sequences=True, allow_cascade=allow_cascade)
        names = [self.quote_name(name) for name in sorted(set(tables) - _NEVER_CHANGED)]
        with self.connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(f"(SELECT '{name}' FROM {name} LIMIT 1)" for name in names))  # noqa: S608
            held = [name for (name,) in cursor.fetchall()]
        # Rows that nobody may delete are no exception; foreign keys are looked at when all are gone.
        return [
            "SET CONSTRAINTS ALL DEFERRED",
            *(f"ALTER TABLE {name} DISABLE TRIGGER USER" for name in held),
            *(f"DELETE FROM {name}" for name in held),  # noqa: S608
            "SET CONSTRAINTS ALL IMMEDIATE",
            *(f"ALTER TABLE {name} ENABLE TRIGGER USER" for name in held),
        ]

    DatabaseOperations.sql_flush = empty


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> None:
    """Slow hashing protects real passwords; the cast's are in this file."""
    configured.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session", autouse=True)
def unhurried_api() -> None:
    """Tests ask faster than any program may."""
    configured.API_A_MINUTE = configured.API_TOKEN_A_MINUTE = 1_000_000


@pytest.fixture
def visitor() -> Client:
    """Somebody who has not signed in."""
    return Client()


@pytest.fixture
def clinician(db) -> User:
    return User.objects.create_user("clinician@example.org", PASSWORD, role=SiteRole.CLINICIAN, first_name="Clara")


@pytest.fixture
def reviewer(db) -> User:
    return User.objects.create_user("reviewer@example.org", PASSWORD, role=SiteRole.REVIEWER, first_name="Rufus")


@pytest.fixture
def admin(db) -> User:
    return User.objects.create_admin("admin@example.org", PASSWORD, first_name="Ada")


@pytest.fixture
def clinician_client(clinician: User) -> Client:
    return signed_in(clinician)


@pytest.fixture
def reviewer_client(reviewer: User) -> Client:
    return signed_in(reviewer)


@pytest.fixture
def admin_client(admin: User) -> Client:
    return signed_in(admin)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client
