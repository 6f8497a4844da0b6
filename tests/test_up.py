"""`manage.py up` as a clinic runs it: started, used, hurt and stopped as a process of its own."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest

from tests import database
from tests.processes import ROOT, begin, environment, living, manage, new_home, remove_home, wait_until

ADDRESS = re.compile(r"Stratum answers at (http://127\.0\.0\.1:\d+)/")
ADMIN = {"STRATUM_ADMIN_PASSWORD": "a-long-enough-word"}


class Up:
    """A running `manage.py up` and its log."""

    def __init__(self, home: Path, *options: str, **settings: str) -> None:
        self.home = home
        self.process = begin(home, "up", "--port", "0", *options, **settings)
        wait_until(lambda: self.process.poll() is not None or ADDRESS.search(self.log), "up answers")
        assert self.process.poll() is None, self.log
        self.address = ADDRESS.search(self.log)[1]

    @property
    def log(self) -> str:
        return (self.home / "log").read_text()

    def get(self, path: str) -> int:
        """The status of the answer."""
        try:
            return urllib.request.urlopen(self.address + path, timeout=10).status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def child(self, program: str) -> psutil.Process:
        children = psutil.Process(self.process.pid).children()
        return next(child for child in children if program in " ".join(child.cmdline()))

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(sign)
        return self.process.wait(timeout=300)


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    home = new_home()
    yield home
    remove_home(home)


@pytest.fixture(scope="module")
def up(home: Path) -> Iterator[Up]:
    up = Up(home)
    yield up
    if up.process.poll() is None:
        up.process.kill()
        up.process.wait()


@pytest.fixture
def other_home() -> Iterator[Path]:
    home = new_home()
    yield home
    remove_home(home)


@pytest.fixture
def other_database() -> Iterator[str]:
    """The address of an empty database that somebody has configured, on the suite's server."""
    run_on_server("CREATE DATABASE configured")
    yield database.server.address.removesuffix("/stratum") + "/configured"
    run_on_server("DROP DATABASE configured WITH (FORCE)")


def run_on_server(statement: str) -> None:
    connection = psycopg2.connect(database.server.address)
    connection.autocommit = True
    connection.cursor().execute(statement)
    connection.close()


def assert_refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    complaint = done.stderr.strip()
    assert done.returncode == 1, done.stderr
    assert len(complaint.splitlines()) == 1, complaint
    assert all(word in complaint for word in words), complaint


# --- Running: these share one `up`, in this order ---------------------------------------------------
def test_up_answers_over_http_and_shows_the_admin_password_once(up: Up) -> None:
    assert up.get("/healthz") == 200
    assert len(re.findall(r"^up     \| Admin account: admin@localhost, password \S{12,}", up.log, re.M)) == 1
    wait_until(lambda: "ready" in up.log, "the worker")
    assert {line.split("|")[0].strip() for line in up.log.splitlines()} <= {"up", "web", "worker", "ncbi", "beat", "db"}


def test_a_second_up_on_the_same_home_is_refused(up: Up) -> None:
    assert_refused(manage(up.home, "up", "--port", "0"), "Another `manage.py up`", str(up.home))


def test_a_command_beside_up_leaves_its_database_running(up: Up) -> None:
    counted = manage(up.home, "shell", "-v0", "-c", "from studies.models import User; print(User.objects.count())")

    assert counted.stdout.split() == ["1"]
    assert up.get("/healthz") == 200


def test_a_killed_web_server_is_restarted_and_that_is_said(up: Up) -> None:
    up.child("gunicorn").kill()

    wait_until(lambda: "web ended (killed by SIGKILL); it starts again in 1 s" in up.log, "the restart is said")
    wait_until(lambda: up.get("/healthz") == 200, "the new web server answers")


def test_a_killed_guardian_of_the_database_is_replaced(up: Up) -> None:
    up.child("config.guardian").kill()

    wait_until(lambda: "the database has ended; it starts again" in up.log, "the restart is said")
    answers = set()
    wait_until(lambda: answers.add(status := up.get("/healthz")) or status == 200, "the database answers again")
    assert answers <= {503, 200}
    assert up.child("config.guardian").is_running()
    assert "web    | Traceback" not in up.log


def test_sigterm_stops_everything_in_order_and_leaves_no_process(up: Up) -> None:
    code = up.stop()

    assert code == 0
    assert living(up.home) == []
    assert up.log.rstrip().endswith("up     | stopped")


# --- A home that has been used ---------------------------------------------------------------------
@pytest.mark.slow
def test_a_killed_up_leaves_no_process_either(home: Path) -> None:
    up = Up(home)
    second_log = up.log

    up.process.kill()
    up.process.wait()

    wait_until(lambda: not living(home), "everything ends with `up`")
    assert "Admin account" not in second_log


@pytest.mark.slow
def test_tables_of_another_version_are_named_and_reset_on_demand(home: Path) -> None:
    change = "from django.db import connection as c; c.cursor().execute('ALTER TABLE studies_user ADD former int')"
    assert manage(home, "shell", "-v0", "-c", change).returncode == 0

    refused = manage(home, "up", "--port", "0")
    reset = Up(home, "--reset")

    assert_refused(refused, "another pre-release", "studies_user", "--reset")
    assert "Admin account" in reset.log
    assert reset.stop(signal.SIGINT) == 0
    assert living(home) == []


# --- What is configured is used ----------------------------------------------------------------------
@pytest.mark.slow
def test_with_a_database_and_a_broker_configured_nothing_is_embedded(other_home: Path, other_database: str) -> None:
    up = Up(other_home, DATABASE_URL=other_database, CELERY_BROKER_URL="memory://", **ADMIN)

    wait_until(lambda: "Connected to memory://" in up.log, "the worker uses the configured broker")
    assert up.get("/healthz") == 200
    assert not (other_home / "database").exists()
    assert ADMIN["STRATUM_ADMIN_PASSWORD"] not in up.log
    assert up.stop() == 0
    assert living(other_home) == []


# --- What cannot work is refused in one line --------------------------------------------------------------
def test_a_busy_port_is_refused(other_home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]

        assert_refused(manage(other_home, "up", "--port", str(port)), f"port {port}", "in use")

    assert living(other_home) == []


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("STRATUM_DEBUG", "perhaps"),
        ("STRATUM_SECRET_KEY", "short"),
        ("STRATUM_ADMIN_EMAIL", "nobody"),
        ("STRATUM_URL", "ftp://example.org"),
        ("NCBI_TIMEOUT", "soon"),
        ("DATABASE_URL", "mysql://user@localhost/x"),
    ],
)
def test_nonsense_in_a_setting_is_refused_by_its_name(other_home: Path, setting: str, value: str) -> None:
    assert_refused(manage(other_home, "up", "--port", "0", **{setting: value}), setting)

    assert not (other_home / "database").exists()


def test_an_unreachable_database_is_refused_without_its_password(other_home: Path) -> None:
    done = manage(other_home, "up", "--port", "0", DATABASE_URL="postgres://user:hidden@127.0.0.1:9/x")

    assert_refused(done, "DATABASE_URL", "Connection refused")
    assert "hidden" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("nowhere://host", "No such transport"),
        ("amqp://user:hidden@127.0.0.1:9//", "Connection refused"),
        ("amqp://user:hidden@localhost:hidden//", "not an address"),
    ],
)
def test_a_broker_that_cannot_be_used_is_refused(
    other_home: Path, other_database: str, address: str, reason: str
) -> None:
    done = manage(other_home, "up", "--port", "0", CELERY_BROKER_URL=address, DATABASE_URL=other_database)

    assert_refused(done, "CELERY_BROKER_URL", reason)
    assert "hidden" not in done.stdout + done.stderr


def test_a_weak_admin_password_is_refused_before_anything_is_prepared(other_home: Path, other_database: str) -> None:
    done = manage(other_home, "up", "--port", "0", STRATUM_ADMIN_PASSWORD="short", DATABASE_URL=other_database)

    assert_refused(done, "STRATUM_ADMIN_PASSWORD", "10 characters")


def test_a_home_that_cannot_be_a_folder_is_refused(other_home: Path) -> None:
    (other_home / "file").touch()

    assert_refused(manage(other_home / "file" / "home", "up", "--port", "0"), "STRATUM_HOME", "Not a directory")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_home_is_refused(other_home: Path) -> None:
    other_home.chmod(0o500)

    assert_refused(manage(other_home, "up", "--port", "0"), "STRATUM_HOME", "Permission denied")


@pytest.mark.parametrize(
    ("options", "words"), [("ro", ["STRATUM_HOME", "Read-only"]), ("size=40m", ["MB of space left", "needs"])]
)
def test_a_read_only_or_full_disk_is_refused(other_home: Path, options: str, words: list[str]) -> None:
    # A disk of its own in a mount namespace of its own: nothing to clean up, whatever happens.
    on_disk = ["unshare", "--mount", "sh", "-c", f'mount -t tmpfs -o {options} none "$0" && exec "$@"', str(other_home)]
    if subprocess.run([*on_disk, "true"], capture_output=True).returncode:
        pytest.skip("only root, and not in every container, may mount a disk")
    up = [sys.executable, "manage.py", "up", "--port", "0"]
    variables = environment(other_home / "home")

    done = subprocess.run([*on_disk, *up], cwd=ROOT, env=variables, capture_output=True, text=True, timeout=300)

    assert_refused(done, *words)


def test_help_and_version_need_no_database(other_home: Path) -> None:
    for question in ("--version", "help", "check"):
        assert manage(other_home, question).returncode == 0

    assert not (other_home / "database").exists()
