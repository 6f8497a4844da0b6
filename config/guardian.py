"""The process that holds the embedded PostgreSQL and stops it when nobody uses it any more."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

from config import lifeline

LOOK = 0.2  # seconds between two looks at the server and its users
STOP_STEPS = ((signal.SIGINT, 3.0), (signal.SIGQUIT, 0.7), (signal.SIGKILL, 5.0))  # seconds each may take
CLEAN = {"LC_ALL": "C", "PATH": "/usr/bin:/bin", "TZ": "UTC"}  # nothing like PGPORT may reach the server


def main(folder: Path, user: int, group: int, command: list[str]) -> int:
    if not claim(folder / "guardian.lock"):
        return 0
    leave = []
    for sign in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(sign, lambda *_: leave.append(True))
    settle(folder / "data")
    server = start(command, user, group)
    while server.poll() is None:
        # The exclusive lock is ours only when no user is left; kept, it makes a newcomer wait for the end of the stop.
        if leave or lifeline.hold(folder / "users.lock", wait=False) is not None:
            stop(server)
        else:
            time.sleep(LOOK)
    remove_socket_folder(folder)
    return 0 if server.returncode == 0 else 1


def claim(lock: Path) -> bool:
    """Held, never released: the kernel lets go of it when this process ends."""
    for _ in range(20):
        if lifeline.hold(lock, wait=False) is not None:
            return True
        time.sleep(LOOK / 4)  # somebody may be looking whether it is held, which takes a moment
    return False


def start(command: list[str], user: int, group: int) -> subprocess.Popen:
    person = {"user": user, "group": group, "extra_groups": []} if os.geteuid() == 0 else {}
    # Popen changes the user before it calls preexec_fn; the other way round the change would clear the signal.
    return subprocess.Popen(
        command,
        env=CLEAN,
        stdin=subprocess.DEVNULL,
        umask=0o077,
        cwd="/",
        preexec_fn=partial(lifeline.die_with, os.getpid(), signal.SIGINT),
        **person,
    )


def stop(server: subprocess.Popen) -> None:
    for sign, seconds in STOP_STEPS:
        server.send_signal(sign)
        try:
            server.wait(timeout=seconds)
            return
        except subprocess.TimeoutExpired:
            continue


def remove_socket_folder(folder: Path) -> None:
    """The one outside our folder, where there is one; only ever an empty folder."""
    noted = folder / "socket-folder"
    with suppress(OSError):
        Path(noted.read_text()).rmdir()


def settle(data: Path) -> None:
    """See a former server out; a pid file left behind then names nobody, or a stranger with a recycled pid."""
    pid_file = data / "postmaster.pid"
    if not pid_file.exists():
        return
    began = time.monotonic()
    while living := processes_in(data):
        waited = time.monotonic() - began
        sign = signal.SIGINT if waited < 5 else signal.SIGQUIT if waited < 10 else signal.SIGKILL
        for pid in living:
            send(pid, sign)
        time.sleep(LOOK)
    pid_file.unlink(missing_ok=True)


def processes_in(data: Path) -> list[int]:
    """The PostgreSQL processes that work in this data folder (each of them stands in it)."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "comm").read_text().strip() == "postgres" and (process / "cwd").readlink() == data.resolve():
                found.append(int(process.name))
        except OSError:  # it ended while we looked, or is somebody else's
            continue
    return found


def send(pid: int, sign: signal.Signals) -> None:
    try:
        os.kill(pid, sign)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]))
