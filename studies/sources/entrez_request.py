"""One request to NCBI: prepared by Bio.Entrez, sent by us, checked, and asked again while that may help."""

import random
import ssl
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from http.client import HTTPException, HTTPResponse, IncompleteRead
from typing import Any, TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urljoin, urlsplit
from urllib.request import Request

from Bio import Entrez as bio

from studies.sources.entrez_answer import Cut, Refusal, TooLarge, Trouble, error_text, is_passing

T = TypeVar("T")

PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)  # seconds before each further try
LONGEST_PAUSE = 60.0  # seconds; a larger Retry-After is cut to this
MAX_BYTES = 200 * 1024 * 1024
_CHUNK = 1 << 16
_HERE = {"localhost", "127.0.0.1", "::1"}
_SLOWEST_ANSWER = 10  # times the timeout: an answer that drips must end too


class SourceError(Exception):
    """NCBI did not give what was asked; says both what was asked and why there is no answer."""

    def __init__(self, asked: str, reason: str) -> None:
        super().__init__(f"NCBI, {asked}: {reason}")
        self.asked = asked
        self.reason = reason


class SourceUnavailable(SourceError):
    """No whole answer though asked again and again: try later."""


class AnswerCut(SourceUnavailable):
    """The answers came cut off or too large: ask for less at a time."""


class SourceRefused(SourceError):
    """NCBI will not answer this however often it is asked: change the question or the settings."""


# Biopython 1.88 retries without a pause, has no timeout, and keeps a spacing of its own that neither threads nor
# processes share. So in this process its functions only prepare requests and hand them back: nothing here reaches
# NCBI but through `Door`, and there is no state that threads could fight over.
if not callable(getattr(bio, "_open", None)):
    raise ImportError("This version of Biopython sends requests in a way that Stratum cannot pace.")
bio.max_tries = 1
bio._open = lambda request: request


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        """Follow nobody: a request carries the key, and only NCBI_BASE_URL may receive it."""


@cache
def _opener(*, is_here: bool) -> urllib.request.OpenerDirector:
    """What opens addresses; a server on this machine is never behind the proxy."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler({} if is_here else None),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(context=ssl.create_default_context()),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _NoRedirect(),
    ):
        opener.add_handler(handler)
    return opener


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where requests go, who asks, how patiently. `limiter` is called before every request and may block."""

    base_url: str
    tool: str
    email: str
    api_key: str
    timeout: float
    limiter: Callable[[], None]
    pauses: Sequence[float] = PAUSES
    max_bytes: int = MAX_BYTES

    def ask(self, utility: str, read: Callable[[bytes], T], *, asked: str, max_cuts: int = 0, **params: Any) -> T:
        """What `read` makes of the answer. Raises SourceUnavailable or SourceRefused.

        `read` raises Trouble or Refusal for a body that is not the answer. With `max_cuts` the AnswerCut comes
        after so many cut answers in a row of tries, for callers who can ask for less.
        """
        request = self._prepare(utility, params)
        n_cuts = 0
        for pause in (*self.pauses, None):
            try:
                return read(self._send(request))
            except Refusal as refusal:
                raise SourceRefused(asked, str(refusal)) from refusal
            except Trouble as trouble:
                n_cuts += isinstance(trouble, Cut)
                if isinstance(trouble, TooLarge) or (max_cuts and n_cuts >= max_cuts):
                    raise AnswerCut(asked, str(trouble)) from trouble
                if pause is None:
                    raise SourceUnavailable(asked, f"{trouble} ({len(self.pauses) + 1} tries)") from trouble
                time.sleep(_jittered(pause, trouble.retry_after))
        raise AssertionError("the last try returns or raises")

    def _prepare(self, utility: str, params: dict[str, Any]) -> Request:
        who = {"tool": self.tool, "email": self.email, "api_key": self.api_key or None}
        prepared = getattr(bio, utility)(**params, **who)
        parts = urlsplit(prepared.full_url)
        address = urljoin(self.base_url.rstrip("/") + "/", parts.path.rsplit("/", 1)[-1])
        data = prepared.data
        # NCBI wants lists of ids posted; Biopython does so only for long ones.
        if data is None and "id" in params:
            data = parts.query.encode("ascii")
        elif data is None:
            address = f"{address}?{parts.query}"
        return Request(address, data=data, headers={"User-Agent": quote(self.tool)})  # noqa: S310 - settings allow http(s) only

    def _send(self, request: Request) -> bytes:
        opener = _opener(is_here=urlsplit(self.base_url).hostname in _HERE)
        self.limiter()  # nothing slow may stand between this and the request
        try:
            with opener.open(request, timeout=self.timeout) as response:
                return self._body(response)
        except HTTPError as error:
            with error:
                raise _from_status(error) from error
        except TimeoutError as error:
            raise Trouble(f"no answer within {self.timeout:g} s") from error
        except IncompleteRead as error:
            raise Cut("the connection closed before the answer ended") from error
        except URLError as error:
            raise Trouble(f"not reached ({error.reason})") from error
        except (HTTPException, OSError) as error:
            raise Trouble(f"the connection broke ({type(error).__name__})") from error

    def _body(self, response: HTTPResponse) -> bytes:
        body = bytearray()
        deadline = time.monotonic() + self.timeout * _SLOWEST_ANSWER
        while chunk := response.read1(_CHUNK):
            body += chunk
            if len(body) > self.max_bytes:
                raise TooLarge(f"the answer is larger than {self.max_bytes} bytes")
            if time.monotonic() > deadline:
                raise TimeoutError
        if response.length:  # read1 says nothing when the connection closes early
            raise Cut("the connection closed before the answer ended")
        return bytes(body)


def _from_status(error: HTTPError) -> Trouble | Refusal:
    try:
        body = error.read(100_000)
    except (HTTPException, OSError):
        body = b""
    message = error_text(body)
    said = f"HTTP {error.code}" + (f", {message}" if message else "")
    if error.code in {408, 429} or error.code >= 500:
        return Trouble(said, seconds_to_wait(error.headers.get("Retry-After", "")))
    # A broken backend has answered 400 too.
    if error.code == 400 and is_passing(message):
        return Trouble(said)
    if error.code < 400:
        said += f", sent on to {urlsplit(error.headers.get('Location', '')).hostname}: see NCBI_BASE_URL"
    return Refusal(said)


def seconds_to_wait(value: str) -> float:
    """Seconds to wait, from seconds or an HTTP date, within bounds; 0 for nonsense."""
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return 0.0
    return min(max(seconds, 0.0), LONGEST_PAUSE) if seconds == seconds else 0.0


def _jittered(pause: float, retry_after: float) -> float:
    # Processes that failed together must not come back together.
    return max(pause * random.uniform(0.75, 1.25), retry_after * random.uniform(1.0, 1.1))  # noqa: S311
