"""What the tests of `manage.py` share: a home of their own, a command run in it, the processes found in it."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 150  # seconds for what must happen; only a failure waits that long


def new_home() -> Path:
    """A folder that the server's user may enter, whoever runs the tests."""
    home = Path(tempfile.mkdtemp(prefix="stratum-home-", dir="/tmp" if os.geteuid() == 0 else None))  # noqa: S108
    if os.geteuid() == 0:
        home.chmod(0o711)
    return home


def remove_home(home: Path) -> None:
    for process in living(home):
        process.kill()
    shutil.rmtree(home, ignore_errors=True)


def environment(home: Path, **settings: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "STRATUM_HOME"}}
    return kept | {"STRATUM_HOME": str(home), "PYTHONUNBUFFERED": "1"} | settings


def manage(home: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(home, **settings),
        capture_output=True,
        text=True,
        timeout=300,
    )


def begin(home: Path, *arguments: str, **settings: str) -> subprocess.Popen[str]:
    """Start a command that goes on; its output is in the file `log` of the home."""
    with (home / "log").open("w") as log:
        return subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=environment(home, **settings),
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
        )


def living(home: Path) -> list[psutil.Process]:
    """Every process that works for this home: it names it, stands in it, or was told of it."""
    found = []
    for process in psutil.process_iter():
        try:
            signs = [*process.cmdline(), process.cwd(), process.environ().get("STRATUM_HOME", "")]
            if any(str(home) in sign for sign in signs) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def wait_until(holds: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.1)
