"""Real Celery workers as processes of their own, on the suite's database."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

from config.supervisor import Child
from studies.management.commands import up
from tests.processes import ROOT


def as_up_starts_them() -> list[Child]:
    for folder in ("queue", "queue-control"):
        (settings.HOME / folder).mkdir(exist_ok=True)
    return up.workers()


@contextmanager
def worker(child: Child, **environment: str) -> Iterator[subprocess.Popen]:
    """The worker in a session of its own; whatever is left of it in the end is killed."""
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path="/" + connection.settings_dict["NAME"]).geturl()
    process = subprocess.Popen(
        child.command,
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": database, "NCBI_API_KEY": "a-synthetic-key", "NCBI_BATCH": "5"} | environment,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        kill(process)


def kill(process: subprocess.Popen) -> None:
    """kill -9 the worker and its pool."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
