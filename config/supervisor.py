"""Runs the processes of `manage.py up` side by side: one log, restarts, an orderly end."""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from config import lifeline
from config.embedded import ROOT, Server, Unavailable

TICK = 0.25  # seconds
LONGEST_PAUSE = 30.0  # seconds before a restart
STEADY = 60.0  # seconds after which a process no longer counts as failing


@dataclass
class Child:
    """One process of ours, in a session of its own, so that a Ctrl-C reaches only us."""

    name: str
    command: list[str]
    grace: float  # seconds it may take to end when asked
    descriptors: tuple[int, ...] = ()
    process: subprocess.Popen | None = None
    began: float = 0.0
    due: float = 0.0
    failures: int = 0
    rest: bytes = b""

    def start(self) -> None:
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            self.command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=self.descriptors,
            start_new_session=True,
            preexec_fn=partial(lifeline.die_with, os.getpid()),
        )
        os.set_blocking(self.process.stdout.fileno(), False)

    def read(self) -> list[str]:
        """The whole lines it has written since the last look."""
        try:
            while block := os.read(self.process.stdout.fileno(), 65536):
                self.rest += block
        except BlockingIOError:
            pass
        *lines, self.rest = self.rest.split(b"\n")
        return [line.decode(errors="replace").rstrip() for line in lines]

    def end_group(self) -> None:
        """Whatever it has started goes with it."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def plan_restart(self) -> float:
        """Seconds to wait, more after each failure in a row."""
        now = time.monotonic()
        self.failures = 1 if now - self.began > STEADY else self.failures + 1
        pause = min(LONGEST_PAUSE, 2.0 ** (self.failures - 1))
        self.due = now + pause
        return pause


class Supervisor:
    """Keeps the children and, where it is ours, the database going until it is stopped."""

    def __init__(self, children: list[Child], say: Callable[[str, str], None], database: Server | None) -> None:
        self.children = children
        self.say = say
        self.database = database
        self.database_due = 0.0
        self.database_pause = 1.0
        self.selector = selectors.DefaultSelector()
        if database:
            self.log = database.cluster.log.open(errors="replace")
            self.log.seek(0, os.SEEK_END)  # it has started well, and what it said until then is no news

    def start(self) -> None:
        for child in self.children:
            self._start(child)

    def look(self) -> None:
        """Pass on what was written and restart what has ended; takes a quarter of a second."""
        self._pass_on(TICK)
        for child in self.children:
            if child.process is None and time.monotonic() >= child.due:
                self._start(child)
            elif child.process is not None and child.process.poll() is not None:
                self._restart_later(child)
        if self.database:
            self._look_at_database()

    def stop(self) -> None:
        """End the children in their order, each within its grace."""
        for child in self.children:
            if child.process is not None:
                self._stop(child)

    def _start(self, child: Child) -> None:
        child.start()
        self.selector.register(child.process.stdout, selectors.EVENT_READ, child)

    def _pass_on(self, seconds: float) -> None:
        for key, _ in self.selector.select(seconds):
            for line in filter(None, key.data.read()):
                self.say(key.data.name, line)
        # A child that has ended leaves its pipe readable for ever; do not spin on it.
        if any(child.process is not None and child.process.poll() is not None for child in self.children):
            time.sleep(0.02)

    def _forget(self, child: Child) -> None:
        """Read its last words and leave nothing of it behind."""
        child.end_group()
        for line in [*child.read(), child.rest.decode(errors="replace").rstrip()]:
            if line:
                self.say(child.name, line)
        child.rest = b""
        self.selector.unregister(child.process.stdout)
        child.process.stdout.close()
        child.process = None

    def _restart_later(self, child: Child) -> None:
        how = ending(child.process.returncode)
        self._forget(child)
        self.say("up", f"{child.name} ended ({how}); it starts again in {child.plan_restart():g} s")

    def _stop(self, child: Child) -> None:
        child.process.terminate()
        deadline = time.monotonic() + child.grace
        while child.process.poll() is None and time.monotonic() < deadline:
            self._pass_on(0.05)
        child.end_group()
        child.process.wait()
        self._forget(child)

    def _look_at_database(self) -> None:
        for line in self.log.read().splitlines():
            # Our own knocking at a server that is not ready yet.
            if "the database system is" not in line:
                self.say("db", line)
        if self.database.is_guarded or time.monotonic() < self.database_due:
            return
        self.say("up", "the database has ended; it starts again")
        try:
            self.database.start()
            self.database_pause = 1.0
        except Unavailable as error:
            self.database_due = time.monotonic() + self.database_pause
            self.say("up", f"{error} Next attempt in {self.database_pause:g} s")
            self.database_pause = min(LONGEST_PAUSE, self.database_pause * 2)
        self.log = self.database.cluster.log.open(errors="replace")


def ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    return f"killed by {signal.Signals(-code).name}"
