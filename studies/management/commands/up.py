"""`manage.py up`: everything Stratum needs, started, watched over and stopped as one."""

import http.client
import os
import secrets
import signal
import socket
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection, connections
from kombu.exceptions import KombuError

from config import embedded, environment, lifeline, schema
from config.celery import app
from config.supervisor import Child, Supervisor
from studies.rules import queues

WILDCARDS = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104 - where we find ourselves then
PYTHON = [sys.executable, "-u", "-m"]
CELERY = [*PYTHON, "celery", "--app", "config.celery", "--quiet"]


class Stopped(BaseException):
    """Somebody asked us to end."""


class Command(BaseCommand):
    help = "Start the database if none is configured, the web server, the worker and the scheduler; stop with Ctrl-C."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
        parser.add_argument("--port", type=int, default=8000, help="port to listen on (default: %(default)s)")
        parser.add_argument(
            "--reset", action="store_true", help="empty an embedded database that another version has made"
        )

    def handle(self, *, host: str, port: int, reset: bool, **options: object) -> None:
        for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(sign, ask_to_stop)
        sys.stdout.reconfigure(errors="replace")
        os.umask(0o077)  # uploads and queued tasks are nobody else's business
        try:
            check_admin_password()
            check_broker()
            with claim(), listen(host, port) as listener:
                self.prepare(reset=reset)
                self.serve(listener, host)
        except Stopped:
            self.say("up", "stopped")
        except OSError as error:
            raise CommandError(embedded.unwritable(settings.HOME, error)) from None
        except DatabaseError as error:
            raise CommandError(f"The database failed: {first_line(error)}") from None

    # --- Preparing -------------------------------------------------------------------------------
    def prepare(self, *, reset: bool) -> None:
        self.say("up", f"Stratum keeps its files in {settings.HOME}")
        connect()
        migrate(reset=reset)
        call_command("collectstatic", interactive=False, verbosity=0)
        said = StringIO()
        call_command("load_starter", stdout=said)
        for line in said.getvalue().splitlines():
            self.say("up", line)
        self.ensure_admin()
        for folder in ("queue", "queue-control", "uploads"):
            (settings.HOME / folder).mkdir(exist_ok=True)
        # No child inherits a connection, and none stays idle in this process.
        connections.close_all()

    def ensure_admin(self) -> None:
        users = get_user_model().objects
        if users.filter(is_superuser=True).exists():
            return
        given = environment.secret("STRATUM_ADMIN_PASSWORD")
        password = given or secrets.token_urlsafe(12)
        users.create_admin(settings.ADMIN_EMAIL, password)
        told = "the password is STRATUM_ADMIN_PASSWORD" if given else f"password {password} (shown only this once)"
        self.say("up", f"Admin account: {settings.ADMIN_EMAIL}, {told}")

    # --- Serving ---------------------------------------------------------------------------------
    def serve(self, listener: socket.socket, host: str) -> None:
        here, port = WILDCARDS.get(host, host), listener.getsockname()[1]
        address = self.tell_children(host, here, port)
        supervisor = Supervisor(children(listener), self.say, embedded.ours)
        told = False
        try:
            supervisor.start()
            while True:
                supervisor.look()
                if not told and answers(here, port):
                    told = True
                    self.say("up", f"Stratum answers at {address}/ (stop it with Ctrl-C)")
        finally:
            for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(sign, signal.SIG_IGN)
            supervisor.stop()
            if embedded.ours:
                embedded.ours.stop()

    def tell_children(self, host: str, here: str, port: int) -> str:
        """Put the address into the environment, unless one is configured, and return it."""
        name = f"[{here}]" if ":" in here else here
        address = f"http://{name}:{port}"
        os.environ.setdefault("STRATUM_URL", address)
        os.environ.setdefault("STRATUM_HOSTS", ",".join(dict.fromkeys([*settings.ALLOWED_HOSTS, name])))
        os.environ.pop("GUNICORN_CMD_ARGS", None)
        if here != host:
            self.say("up", f"It listens on every address and answers to STRATUM_HOSTS: {os.environ['STRATUM_HOSTS']}")
        return address

    def say(self, who: str, line: str) -> None:
        try:
            self.stdout.write(f"{who:<6} | {line}")
            self.stdout.flush()
        except OSError:
            # Nobody reads the log any more (its pipe is closed): no reason to stop serving.
            return


def ask_to_stop(sign: int, frame: object) -> None:
    raise Stopped


@contextmanager
def claim() -> Iterator[None]:
    """This home is served by one `up` at a time."""
    embedded.make_home(settings.HOME)
    lock = lifeline.hold(settings.HOME / "up.lock", wait=False)
    if lock is None:
        raise CommandError(f"Another `manage.py up` is running on {settings.HOME}.")
    try:
        yield
    finally:
        os.close(lock)


def check_admin_password() -> None:
    if given := environment.secret("STRATUM_ADMIN_PASSWORD"):
        try:
            validate_password(given)
        except ValidationError as error:
            raise CommandError(f"STRATUM_ADMIN_PASSWORD is refused. {' '.join(error.messages)}") from None


def check_broker() -> None:
    """A worker that cannot reach its broker would only fail and be restarted for ever."""
    try:
        with app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=1, timeout=10)
    except (KombuError, OSError, LookupError) as error:
        raise CommandError(f"CELERY_BROKER_URL cannot be used: {error.args[0] if error.args else error}") from None
    except (ImportError, AttributeError) as error:
        raise CommandError(f"CELERY_BROKER_URL needs a package that is not installed ({error}).") from None
    except ValueError:
        # What the parser says may hold a part of the password.
        raise CommandError("CELERY_BROKER_URL is not an address.") from None


def listen(host: str, port: int) -> socket.socket:
    """The socket is opened here, so that the port stays ours while the web server is restarted."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=512)
    except (OSError, OverflowError) as error:
        reason = str(getattr(error, "strerror", None) or error).partition(" (while")[0].rstrip(".")
        raise CommandError(f"Cannot listen on {host} port {port}: {reason}.") from None


def connect() -> None:
    os.environ.setdefault("PGCONNECT_TIMEOUT", "10")
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        raise CommandError(f"The database in DATABASE_URL cannot be reached: {first_line(error)}") from None


def migrate(*, reset: bool) -> None:
    if reset and not embedded.ours:
        raise CommandError("--reset empties only the embedded database, and DATABASE_URL names another.")
    try:
        if not embedded.ours:
            schema.bring_up_to_date()
            return
        with embedded.ours.alone():
            try:
                schema.bring_up_to_date()
            except schema.OtherSchema:
                if not reset:
                    raise
                schema.empty()
                schema.bring_up_to_date()
            embedded.ours.note_migrated()
    except schema.OtherSchema as error:
        cure = "`manage.py up --reset` empties it" if embedded.ours else "point DATABASE_URL at an empty database"
        raise CommandError(f"The database was made by another pre-release of Stratum ({error}); {cure}.") from None


def children(listener: socket.socket) -> list[Child]:
    """In the order in which they are stopped."""
    gunicorn = [*PYTHON, "gunicorn", "--config", "python:config.gunicorn", "--bind", f"fd://{listener.fileno()}"]
    beat = [*CELERY, "beat", level(), "--pidfile=", f"--schedule={settings.HOME / 'beat-schedule'}"]
    return [
        Child("web", gunicorn, grace=2.5, descriptors=(listener.fileno(),)),
        Child("beat", beat, grace=1.0),
        *workers(),
    ]


def workers() -> list[Child]:
    """Two: runs that wait for NCBI may fill theirs, and ticks and imports still find hands."""
    worker = [*CELERY, "worker", level(), "--concurrency=2", "--without-gossip", "--without-mingle"]
    default, ncbi = (["--queues", queue, "--hostname", f"{queue}@%h"] for queue in (queues.DEFAULT, queues.NCBI))
    return [Child("worker", [*worker, *default], grace=2.5), Child("ncbi", [*worker, *ncbi], grace=2.5)]


def level() -> str:
    return f"--loglevel={settings.LOG_LEVEL}"


def answers(host: str, port: int) -> bool:
    """Whether anything at all comes back over HTTP."""
    request = http.client.HTTPConnection(host, port, timeout=1)
    try:
        request.request("GET", "/healthz")
        request.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        request.close()
    return True


def first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
