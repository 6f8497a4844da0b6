"""The signs of life of Celery's processes: each writes its own row, whatever its pool is busy with."""

import logging
import socket
from threading import Event, Thread
from typing import Any

from celery.signals import after_task_publish, beat_init, worker_ready, worker_shutdown
from django.db import DatabaseError, connections

EVERY = 20.0  # seconds
log = logging.getLogger(__name__)
_stopped = Event()


@worker_ready.connect
def begin(sender: Any, **_: Any) -> None:
    """A worker whose pool is at work for an hour is alive all the same: a thread of the main process says so."""
    queues = sorted(sender.app.amqp.queues.consume_from)
    _stopped.clear()
    Thread(target=_live, args=(sender.hostname, queues), name="heart", daemon=True).start()


@worker_shutdown.connect
def end(sender: Any, **_: Any) -> None:
    from studies.actions import heartbeats

    _stopped.set()
    _write(lambda: heartbeats.leave(sender.hostname))


@beat_init.connect
def begin_beat(**_: Any) -> None:
    """The scheduler lives as long as it sends: its row is written by what it publishes."""
    after_task_publish.connect(_beat_has_sent, weak=False)


def _beat_has_sent(**_: Any) -> None:
    from studies.actions import heartbeats
    from studies.terms import ProcessKind

    _write(lambda: heartbeats.beat(f"beat@{socket.gethostname()}", ProcessKind.BEAT))


def _live(name: str, queues: list[str]) -> None:
    from studies.actions import heartbeats
    from studies.terms import ProcessKind

    while not _stopped.is_set():
        _write(lambda: heartbeats.beat(name, ProcessKind.WORKER, queues))
        _stopped.wait(EVERY)


def _write(verb: Any) -> None:
    try:
        verb()
    except DatabaseError as error:
        log.warning("no sign of life could be written: %s", str(error).strip().partition("\n")[0])
    finally:
        # Children of the pool are forked at any time: they must not inherit an open connection.
        connections.close_all()
