"""The app over real HTTP inside the test's process, with the middleware serving static files as in service."""

import threading
import time
from types import TracebackType
from typing import Any

from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.db import connections


class Site:
    """The app on a free port of the loopback; each request has a database connection of its own.

    Django's own live server finds static files by their plain names, while pages name them by their digest.
    """

    def __init__(self) -> None:
        self._n_busy = 0
        self._is_idle = threading.Condition()
        self._http = ThreadedWSGIServer(("127.0.0.1", 0), _Handler)
        self._http.daemon_threads = True
        self._http.block_on_close = False
        self._http.set_app(self._counted(WSGIHandler()))
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> "Site":
        self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, where: TracebackType | None) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def wait_until_idle(self) -> None:
        """Emptying the tables and a request still under way would wait for each other."""
        with self._is_idle:
            assert self._is_idle.wait_for(lambda: not self._n_busy, timeout=20), "a request does not end"

    def _counted(self, app: WSGIHandler) -> Any:
        def answer(environ: dict[str, Any], start_response: Any) -> list[bytes]:
            with self._is_idle:
                self._n_busy += 1
            try:
                response = app(environ, start_response)
                try:
                    return list(response)
                finally:
                    response.close()
            finally:
                connections.close_all()
                with self._is_idle:
                    self._n_busy -= 1
                    self._is_idle.notify_all()

        return answer


class _Handler(WSGIRequestHandler):
    def log_message(self, *args: object) -> None:
        """A test that fails says more than an access log."""


class Worker:
    """Does what the sweep does, in a thread: takes up the runs that wait, and carries each to its end.

    While `gate` is shut it stops after each step of a run, so that a page can be looked at in the middle of one.
    """

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.trouble: BaseException | None = None
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> "Worker":
        self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, where: TracebackType | None) -> None:
        self._is_over.set()
        self.gate.set()
        self._thread.join(20)
        assert not self._thread.is_alive(), "the worker does not end"
        if self.trouble and error is None:
            raise self.trouble

    def _work(self) -> None:
        from studies.actions import heartbeats, running
        from studies.terms import ProcessKind

        try:
            while not self._is_over.is_set():
                heartbeats.beat("worker", ProcessKind.WORKER)
                for run_id in running.unattended():
                    running.carry_on(run_id, on_progress=lambda run: self.gate.wait(20))
                time.sleep(0.05)
        except BaseException as error:  # noqa: BLE001 - told in the test's own thread
            self.trouble = error
        finally:
            connections.close_all()
