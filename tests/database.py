"""A pytest plugin: the suite's own PostgreSQL and home, in a temporary folder, before Django reads its settings."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from config.embedded import Server

# What a developer has configured must neither be touched nor change what the tests see.
CONFIGURED = ("DATABASE_URL", "CELERY_BROKER_URL", "REQUIRE_LOGIN")
for name in [name for name in os.environ if name in CONFIGURED or name.startswith(("STRATUM_", "NCBI_", "PG"))]:
    del os.environ[name]

# Root's server is another user, who may not be able to enter root's own temporary folder.
HOME = Path(tempfile.mkdtemp(prefix="stratum-tests-", dir="/tmp" if os.geteuid() == 0 else None))  # noqa: S108
if os.geteuid() == 0:
    HOME.chmod(0o711)
os.environ["STRATUM_HOME"] = str(HOME)
server = Server(HOME, durable=False)


def remove() -> None:
    server.stop()
    shutil.rmtree(HOME, ignore_errors=True)


atexit.register(remove)
server.start()
os.environ["DATABASE_URL"] = server.address


def pytest_unconfigure() -> None:
    remove()
