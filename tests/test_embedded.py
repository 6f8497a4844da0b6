"""The embedded PostgreSQL: who may reach it, when it runs, what it survives."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg2
import pytest

from config import embedded
from config.embedded import Server
from tests import database
from tests.processes import begin, living, manage, new_home, remove_home, wait_until

COUNT = "from studies.models import User; print(User.objects.count())"
ADD = "from studies.models import User; User.objects.create_user('a@example.org')"
WAIT = "import time; print('ready', flush=True); time.sleep(600)"


@pytest.fixture(scope="module")
def used_home() -> Iterator[Path]:
    """A home whose database exists."""
    home = new_home()
    assert manage(home, "shell", "-v0", "-c", ADD).returncode == 0
    yield home
    remove_home(home)


@pytest.fixture
def server() -> Iterator[Server]:
    home = new_home()
    server = Server(home, durable=False)
    yield server
    server.stop()
    remove_home(home)


def ask(address: str, question: str) -> object:
    connection = psycopg2.connect(address)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(question)
            return cursor.fetchone()[0]
    finally:
        connection.close()


def tell(address: str, statement: str) -> None:
    connection = psycopg2.connect(address)
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


def postmaster(server: Server) -> int:
    return int((server.cluster.data / "postmaster.pid").read_text().splitlines()[0])


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("SHOW listen_addresses", ""),
        ("SHOW jit", "off"),
        ("SHOW server_encoding", "UTF8"),
        ("SELECT datlocprovider::text || datlocale FROM pg_database WHERE datname = 'stratum'", "bC.UTF-8"),
        ("SELECT rolsuper FROM pg_roles WHERE rolname = current_user", False),
    ],
)
def test_the_server_is_set_up_for_us_alone(question: str, answer: object) -> None:
    assert ask(database.server.address, question) == answer


def test_the_server_asks_for_its_password() -> None:
    password = (database.server.folder / "password").read_text()

    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(database.server.address.replace(password, "wrong"))


def test_secrets_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    embedded.secret_key(tmp_path)

    for secret in (tmp_path / "secret-key", database.server.folder / "password"):
        assert secret.stat().st_mode & 0o777 == 0o600


def test_processes_that_come_at_once_agree_on_one_secret_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _: embedded.secret_key(tmp_path), range(64)))

    assert len(keys) == 1
    assert len(keys.pop()) >= 50


def test_two_checkouts_of_one_name_have_two_homes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STRATUM_HOME")

    assert embedded.home(Path("/srv/a/stratum")) != embedded.home(Path("/srv/b/stratum"))


def test_a_command_alone_uses_a_migrated_database_and_leaves_nothing_running(used_home: Path) -> None:
    counted = manage(used_home, "shell", "-v0", "-c", COUNT)

    assert counted.stdout.split() == ["1"]
    assert living(used_home) == []


def test_a_command_beside_another_leaves_the_server_to_it(used_home: Path) -> None:
    other = begin(used_home, "shell", "-v0", "-c", WAIT)
    wait_until(lambda: "ready" in (used_home / "log").read_text(), "the first command")

    counted = manage(used_home, "shell", "-v0", "-c", COUNT)

    assert counted.stdout.split() == ["1"]
    assert Server(used_home).is_guarded
    other.kill()
    other.wait()
    wait_until(lambda: not living(used_home), "the server of a killed user stops")


def test_a_killed_guardian_takes_the_server_along(server: Server) -> None:
    server.start()
    tell(server.address, "CREATE TABLE kept AS SELECT 7 AS number")

    os.kill(server.guardian.pid, signal.SIGKILL)
    server.guardian.wait()
    wait_until(lambda: not living(server.home), "the server ends with its guardian")
    server.start()

    assert ask(server.address, "SELECT number FROM kept") == 7


def test_a_killed_server_comes_back_with_what_was_committed(server: Server) -> None:
    server.start()
    tell(server.address, "CREATE TABLE kept AS SELECT 7 AS number")

    os.kill(postmaster(server), signal.SIGKILL)
    server.guardian.wait()
    server.start()

    assert ask(server.address, "SELECT number FROM kept") == 7


def test_a_pid_file_that_names_a_stranger_is_no_obstacle(server: Server) -> None:
    server.start()
    server.stop()
    # As after a power cut: the pid of the file belongs to another process of the same user by now.
    stale = server.cluster.data / "postmaster.pid"
    stale.write_text(f"{os.getpid()}\n{server.cluster.data}\n1700000000\n5432\n\n\n")

    server.start()

    assert ask(server.address, "SELECT 1") == 1


def test_an_interrupted_first_start_is_begun_anew(server: Server) -> None:
    half_made = server.folder / "data-new"
    half_made.mkdir(parents=True)
    server.folder.chmod(0o711)
    (half_made / "PG_VERSION").write_text("18\n")

    server.start()

    assert ask(server.address, "SELECT 1") == 1


def test_a_home_with_a_long_path_has_its_socket_elsewhere(server: Server) -> None:
    deep = server.home / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    far = Server(deep, durable=False)

    far.start()
    answer, socket = ask(far.address, "SELECT 1"), far.cluster.socket()
    far.stop()

    assert answer == 1
    assert len(str(socket)) < 60
    assert not socket.exists()


def test_a_lost_password_is_replaced(server: Server) -> None:
    server.start()
    server.stop()
    (server.folder / "password").unlink()

    server.start()

    assert ask(server.address, "SELECT 1") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as another user")
def test_roots_server_runs_as_another_user_and_changes_nothing_outside_its_folder(server: Server) -> None:
    closed = server.home / "closed"
    closed.mkdir(mode=0o700)

    with pytest.raises(embedded.Unavailable, match=f"may not enter {closed}"):
        Server(closed / "home").start()

    assert closed.stat().st_mode & 0o777 == 0o700
    assert {process.uids().real for process in living(database.HOME) if "postgres" in process.name()} - {0}
