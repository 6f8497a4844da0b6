"""A local NCBI over real HTTP, with faults on demand and a log of what was asked and when."""

import contextlib
import json
import socket
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.ncbi.answers import UTILITIES, Library, error
from tests.ncbi.reply import Params, Reply, as_json
from tests.ncbi.shelf import Shelf

_HTML = b"<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body>Sorry</body></html>\n"
_RATE = {"error": "API rate limit exceeded", "api-key": "192.0.2.7", "count": "4", "limit": "3"}
_BACKEND = "Search Backend failed: Pubmed 2.0 search API: HTTP request returned 502 status."
_KINDS = {"json429", "html", "error", "error400", "final", "badkey", "truncated", "short", "empty"}
_KINDS |= {"slow", "drip", "reset", "hangup", "huge", "redirect"}
_NAMES = {"/tools/idconv/api/v1/articles/": "idconv.fcgi"}
_ROOTS = {"esearch": "eSearchResult", "efetch": "eFetchResult", "elink": "eLinkResult"}


@dataclass
class Fault:
    """What goes wrong with the next `times` requests to a utility ("efetch", or "*" for any).

    kind: 429, json429 (status 200), 500, 502, 503 and other status numbers, html, error (ERROR inside 200), error400
    (a broken backend), final (ERROR that will not pass), badkey, truncated (the end is missing), short (fewer bytes
    than announced), empty, slow (`seconds` before the answer), drip (byte by byte), reset, hangup (no answer at all),
    huge (`n_bytes` long), redirect (to `location`).
    """

    utility: str
    kind: str
    times: int = 1
    retry_after: str | int | None = None
    seconds: float = 5.0
    n_bytes: int = 1_000_000
    location: str = "http://127.0.0.1:9/elsewhere"
    when: Callable[[Params], bool] = lambda params: True

    def __post_init__(self) -> None:
        if self.kind not in _KINDS and not self.kind.isdecimal():
            raise ValueError(f"No fault is called {self.kind!r}.")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it arrived; `at` is the monotonic clock."""

    at: float
    utility: str
    method: str
    params: Params
    headers: dict[str, str]

    def param(self, name: str) -> str:
        return self.params.get(name, [""])[0]

    @property
    def ids(self) -> list[int]:
        return [int(i) for value in self.params.get("id", []) for i in value.split(",")]


@dataclass
class NcbiServer:
    """The server; use it as a context manager. `url` is what NCBI_BASE_URL wants.

    With `enforce_rate` a fourth request within a second (eleventh with a key) gets a 429. `latency` seconds pass
    before each answer.
    """

    articles: Iterable[bytes] = ()
    port: int = 0
    cap: int = 9_999
    enforce_rate: bool = False
    latency: float = 0.0
    faults: list[Fault] = field(default_factory=list)
    requests: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.shelf = Shelf(self.articles)
        self.library = Library(self.shelf, self.cap)
        self._lock = threading.Lock()
        self._recent: deque[float] = deque()
        self._closing = threading.Event()
        self._http = _Http(("127.0.0.1", self.port), _Handler)
        self._http.ncbi = self
        self.port = self._http.server_address[1]
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> "NcbiServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
        self.shelf.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/entrez/eutils/"

    @property
    def idconv_url(self) -> str:
        """What NCBI_IDCONV_URL wants."""
        return f"http://127.0.0.1:{self.port}/tools/idconv/api/v1/articles/"

    def asked(self, utility: str) -> list[Asked]:
        """The log's requests to one utility, such as "efetch"."""
        return [request for request in self.requests if request.utility == utility]

    def serve_for_ever(self) -> None:
        self._http.serve_forever()

    def receive(self, asked: Asked) -> tuple[Fault | None, Reply]:
        """Log one request and decide its answer."""
        with self._lock:
            fault = self._next_fault(asked)
            is_over_rate = self.enforce_rate and self._is_over_rate(asked)
            self.requests.append(asked)
        self._closing.wait(self.latency)
        if is_over_rate:
            return None, _rate_limited(2)
        if fault and (reply := _reply_of(fault, asked.utility)):
            return fault, reply
        return fault, self._answer(asked)

    def sleep(self, seconds: float) -> None:
        self._closing.wait(seconds)

    def _answer(self, asked: Asked) -> Reply:
        answer = UTILITIES.get(asked.utility + (".cgi" if asked.utility == "ecitmatch" else ".fcgi"))
        if not answer:
            return Reply([_HTML.replace(b"502 Bad Gateway", b"404 Not Found")], "text/html", 404)
        try:
            return answer(self.library, asked.params)
        except ValueError as wrong:
            return error(_ROOTS.get(asked.utility, "eResult"), f"Invalid uid or number: {wrong}", 400)

    def _next_fault(self, asked: Asked) -> Fault | None:
        for fault in self.faults:
            if fault.times > 0 and fault.utility in {asked.utility, "*"} and fault.when(asked.params):
                fault.times -= 1
                return fault
        return None

    def _is_over_rate(self, asked: Asked) -> bool:
        while self._recent and asked.at - self._recent[0] >= 1.0:
            self._recent.popleft()
        if len(self._recent) >= (10 if asked.param("api_key") else 3):
            return True
        self._recent.append(asked.at)
        return False


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    ncbi: NcbiServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that gave up: that is part of the tests."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http

    def do_GET(self) -> None:
        self._serve(urlsplit(self.path).query)

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode())

    def log_message(self, *args: object) -> None:
        """The log is `NcbiServer.requests`."""

    def _serve(self, query: str) -> None:
        name = _NAMES.get(path := urlsplit(self.path).path, path.rpartition("/")[2])
        params = parse_qs(query, keep_blank_values=True)
        asked = Asked(time.monotonic(), name.partition(".")[0], self.command, params, dict(self.headers))
        fault, reply = self.server.ncbi.receive(asked)
        if fault and fault.kind in {"reset", "hangup"}:
            self._break_off(is_reset=fault.kind == "reset")
        elif fault and fault.kind in {"slow", "truncated", "short", "drip"}:
            self._misbehave(fault, reply)
        else:
            self._send(reply, sum(map(len, reply.body)), reply.body)

    def _send(self, reply: Reply, n_bytes: int, parts: Iterable[bytes]) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(n_bytes))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        for part in parts:
            self.wfile.write(part)

    def _misbehave(self, fault: Fault, reply: Reply) -> None:
        body = b"".join(reply.body)
        kept = body[: len(body) * 2 // 3]
        if fault.kind == "slow":
            self.server.ncbi.sleep(fault.seconds)
            self._send(reply, len(body), [body])
        elif fault.kind == "truncated":
            self._send(reply, len(kept), [kept])
        elif fault.kind == "short":
            self._send(reply, len(body), [kept])
            self.close_connection = True
        else:
            self._send(reply, len(body), self._dripping(body, fault.seconds))

    def _dripping(self, body: bytes, seconds: float) -> Iterable[bytes]:
        for i in range(len(body)):
            self.server.ncbi.sleep(seconds)
            yield body[i : i + 1]

    def _break_off(self, *, is_reset: bool) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            if is_reset:  # no lingering: the client sees a reset, not an end
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
            else:
                self.connection.shutdown(socket.SHUT_RDWR)


def _rate_limited(retry_after: str | int | None, status: int = 429) -> Reply:
    reply = as_json(_RATE, status)
    if retry_after is not None:
        reply.headers["Retry-After"] = str(retry_after)
    return reply


def _reply_of(fault: Fault, utility: str) -> Reply | None:
    """The whole answer of a fault that has one of its own."""
    root = _ROOTS.get(utility, "eResult")
    replies: dict[str, Callable[[], Reply]] = {
        "429": lambda: _rate_limited(fault.retry_after),
        "json429": lambda: _rate_limited(fault.retry_after, 200),
        "html": lambda: Reply([_HTML], "text/html; charset=UTF-8"),
        "error": lambda: error(root, _BACKEND),
        "error400": lambda: error(root, _BACKEND, 400),
        "final": lambda: error(root, "Invalid db name specified: fleegle", 400),
        "badkey": lambda: Reply([json.dumps({"error": "API key invalid"}).encode()], "application/json", 400),
        "empty": lambda: Reply([b""]),
        "huge": lambda: Reply([b"<PubmedArticleSet>", b" " * fault.n_bytes, b"</PubmedArticleSet>"]),
        "redirect": lambda: Reply([b""], status=301, headers={"Location": fault.location}),
    }
    if fault.kind in replies:
        return replies[fault.kind]()
    return Reply([_HTML], "text/html; charset=UTF-8", int(fault.kind)) if fault.kind.isdigit() else None
