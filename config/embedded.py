"""The embedded PostgreSQL: where it lives, who uses it, and how it comes and goes."""

import hashlib
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg2
from django.core.exceptions import ImproperlyConfigured

from config import lifeline
from config.cluster import Cluster, Unavailable, last_complaint, make_folder, write_once

ROOT = Path(__file__).resolve().parent.parent
WAITING = (
    "starting up", "shutting down", "not yet accepting", "recovery", "No such file", "Connection refused",
    "closed the connection", "timeout expired",
)  # fmt: skip


def home(checkout: Path = ROOT) -> Path:
    """The folder of everything Stratum keeps: the embedded database, files, keys."""
    if chosen := os.environ.get("STRATUM_HOME"):
        return Path(chosen).expanduser().absolute()
    if os.geteuid() != 0:
        return checkout / ".stratum"
    # Root's server runs as another user, to whom root's own folders are closed.
    mark = hashlib.sha256(os.fsencode(checkout)).hexdigest()[:8]
    return Path("/var/lib/stratum") / f"{checkout.name}-{mark}"


def has_address() -> bool:
    """Whether a database is configured, so that none of ours is needed."""
    return bool(os.environ.get("DATABASE_URL"))


def secret_key(folder: Path) -> str:
    try:
        make_home(folder)
        return write_once(folder / "secret-key", secrets.token_urlsafe(50))
    except OSError as error:
        raise ImproperlyConfigured(unwritable(folder, error)) from None


def make_home(folder: Path) -> None:
    make_folder(folder, 0o711 if os.geteuid() == 0 else 0o700)


def unwritable(folder: Path, error: OSError) -> str:
    return f"STRATUM_HOME ({folder}) cannot be used: {error.strerror or error}."


def private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


class Server:
    """The PostgreSQL of one home; anybody may use it, and it stops when nobody does."""

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        self.home = home
        self.folder = home / "database"
        self.cluster = Cluster(self.folder, durable=durable)
        self.users: int | None = None  # the lock that says we use it
        self.guardian: subprocess.Popen | None = None

    @property
    def address(self) -> str:
        password = (self.folder / "password").read_text()
        return f"postgres://stratum:{quote(password)}@{quote(str(self.cluster.socket()), safe='')}:5432/stratum"

    @property
    def is_guarded(self) -> bool:
        return lifeline.is_held(self.folder / "guardian.lock")

    @property
    def is_migrated(self) -> bool:
        return (self.folder / "migrated").exists()

    def note_migrated(self) -> None:
        (self.folder / "migrated").touch()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else starts, makes or migrates this database meanwhile."""
        lock = lifeline.hold(self.folder / "start.lock")
        try:
            yield
        finally:
            os.close(lock)

    def start(self, first: Callable[[], None] | None = None) -> None:
        """Become a user and see that it answers; `first` is called, alone, if it has never been migrated."""
        try:
            make_home(self.home)
            make_folder(self.folder, 0o711 if os.geteuid() == 0 else 0o700)
            with self.alone():
                if self.users is None:
                    # Waits here while a guardian is stopping the server.
                    self.users = lifeline.hold(self.folder / "users.lock", shared=True)
                self._ensure_running()
                if first and not self.is_migrated:
                    first()
                    self.note_migrated()
        except OSError as error:
            raise Unavailable(unwritable(self.home, error)) from None

    def _ensure_running(self) -> None:
        if not (self.is_guarded and self._answers()):
            self.cluster.make()
            self._spawn()
            if not self._answers():
                raise Unavailable(f"The database in {self.folder} did not start: {self._complaint()}")

    def _spawn(self) -> None:
        user, group = self.cluster.person
        command = self.cluster.command()
        with open(self.cluster.log, "w", opener=private) as log:
            self.guardian = subprocess.Popen(
                [sys.executable, "-m", "config.guardian", str(self.folder), str(user), str(group), *command],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a Ctrl-C meant for us must not reach it
            )

    def _answers(self) -> bool:
        """Wait until it lets us in, through a crash recovery of any length; false once its guardian has ended."""
        began, told, pause = time.monotonic(), False, 0.02
        while True:
            guarded = self.is_guarded or (self.guardian is not None and self.guardian.poll() is None)
            try:
                psycopg2.connect(self.address, connect_timeout=5).close()
                return True
            except psycopg2.OperationalError as error:
                if not any(word in str(error) for word in WAITING):
                    reason = last_complaint(str(error))
                    raise Unavailable(f"The database in {self.folder} refuses us: {reason}") from None
            if not guarded:
                return False
            if time.monotonic() - began > 5 and not told:
                told = True
                print("Waiting for the database, which is recovering from a crash …", file=sys.stderr)  # noqa: T201
            time.sleep(pause)
            pause = min(0.5, pause * 1.3)

    def _complaint(self) -> str:
        return last_complaint(self.cluster.log.read_text(errors="replace"))

    def stop(self) -> None:
        """Be no user any more; if we were the last, wait until the server has stopped."""
        if self.users is None:
            return
        os.close(self.users)
        self.users = None
        users = self.folder / "users.lock"
        # A shared lock that must wait means that the guardian is stopping; one that need not, under an exclusive
        # one that must, means that others use the server.
        while self.is_guarded and (not lifeline.is_held(users) or lifeline.is_held(users, shared=True)):
            time.sleep(0.03)
        if self.guardian is not None and not self.is_guarded:
            self.guardian.wait()


# The server that this process has started or joined, where no database is configured (manage.py sets it).
ours: Server | None = None
