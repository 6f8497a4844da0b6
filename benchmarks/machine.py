"""A PostgreSQL of the benchmark's own, and a line that says on what machine and day it ran."""

import datetime
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.embedded import Server

ROOT = Path(__file__).resolve().parents[1]


def described() -> str:
    processor = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    return f"{datetime.date.today()}, {os.cpu_count()} cores of {processor}, Python {platform.python_version()}"


@contextmanager
def temporary_database() -> Iterator[dict[str, str]]:
    """A new, migrated, durable PostgreSQL; what has to be in the environment to use it."""
    home = Path(tempfile.mkdtemp(prefix="stratum-benchmark-", dir="/tmp" if os.geteuid() == 0 else None))
    home.chmod(0o711 if os.geteuid() == 0 else 0o700)
    server = Server(home)
    server.start()
    environment = {"DATABASE_URL": server.address, "STRATUM_HOME": str(home)}
    try:
        migrate = [sys.executable, "manage.py", "migrate", "-v", "0"]
        subprocess.run(migrate, cwd=ROOT, env=os.environ | environment, check=True)
        yield environment
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)
