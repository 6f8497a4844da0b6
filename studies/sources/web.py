"""One request to a web service: sent, bounded, checked, and asked again while that may help."""

import html
import json
import random
import re
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
from urllib.parse import urlsplit
from urllib.request import Request

T = TypeVar("T")

PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)  # seconds before each further try
LONGEST_PAUSE = 60.0  # seconds; a larger Retry-After is cut to this
MAX_BYTES = 200 * 1024 * 1024
_CHUNK = 1 << 16
_HERE = {"localhost", "127.0.0.1", "::1"}
_SLOWEST_ANSWER = 10  # times the timeout: an answer that drips must end too
_ERROR = re.compile(rb"<ERROR>([^<]*)</ERROR>")
_TITLE = re.compile(rb"<title>([^<]*)</title>", re.I)


class SourceError(Exception):
    """A service did not give what was asked; says both what was asked and why there is no answer."""

    def __init__(self, asked: str, reason: str, service: str = "NCBI") -> None:
        super().__init__(f"{service}, {asked}: {reason}")
        self.asked = asked
        self.reason = reason
        self.service = service


class SourceUnavailable(SourceError):
    """No whole answer though asked again and again: try later."""


class AnswerCut(SourceUnavailable):
    """The answers came cut off or too large: ask for less at a time."""


class SourceRefused(SourceError):
    """The service will not answer this however often it is asked: change the question or the settings.

    `status` is HTTP's, 0 where the refusal was in the body; `location` is where a redirect pointed.
    """

    def __init__(self, asked: str, reason: str, service: str = "NCBI", *, status: int = 0, location: str = "") -> None:
        super().__init__(asked, reason, service)
        self.status = status
        self.location = location


class Trouble(Exception):
    """An answer that may be better next time; `retry_after` in seconds, where the server named it."""

    def __init__(self, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Cut(Trouble):
    """The answer ends before its end."""


class TooLarge(Cut):
    """The answer is larger than we are ready to hold."""


class Refusal(Exception):
    """An answer that will be the same next time; `status` and `location` as of SourceRefused."""

    def __init__(self, reason: str, status: int = 0, location: str = "") -> None:
        super().__init__(reason)
        self.status = status
        self.location = location


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        """Follow nobody: a request may carry a key, and only the address of the settings may receive it."""


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
class Line:
    """A line to one service. `limiter` is called before every request and may block; `see` names the setting of its
    address; `is_passing` tells of an error text under status 400 whether it may pass.
    """

    service: str
    timeout: float
    limiter: Callable[[], None]
    see: str
    pauses: Sequence[float] = PAUSES
    max_bytes: int = MAX_BYTES
    is_passing: Callable[[str], bool] = lambda message: False

    def ask(self, request: Request, read: Callable[[bytes], T], *, asked: str, max_cuts: int = 0) -> T:
        """What `read` makes of the answer. Raises SourceUnavailable or SourceRefused.

        `read` raises Trouble or Refusal for a body that is not the answer. With `max_cuts` the AnswerCut comes
        after so many cut answers in a row of tries, for callers who can ask for less.
        """
        n_cuts = 0
        for pause in (*self.pauses, None):
            try:
                return read(self._send(request))
            except Refusal as refusal:
                raise SourceRefused(
                    asked, str(refusal), self.service, status=refusal.status, location=refusal.location
                ) from refusal
            except Trouble as trouble:
                n_cuts += isinstance(trouble, Cut)
                if isinstance(trouble, TooLarge) or (max_cuts and n_cuts >= max_cuts):
                    raise AnswerCut(asked, str(trouble), self.service) from trouble
                if pause is None:
                    said = f"{trouble} ({len(self.pauses) + 1} tries)"
                    raise SourceUnavailable(asked, said, self.service) from trouble
                time.sleep(_jittered(pause, trouble.retry_after))
        raise AssertionError("the last try returns or raises")

    def _send(self, request: Request) -> bytes:
        opener = _opener(is_here=urlsplit(request.full_url).hostname in _HERE)
        self.limiter()  # nothing slow may stand between this and the request
        try:
            with opener.open(request, timeout=self.timeout) as response:
                return self._body(response)
        except HTTPError as error:
            with error:
                raise self._from_status(error) from error
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

    def _from_status(self, error: HTTPError) -> Trouble | Refusal:
        try:
            body = error.read(100_000)
        except (HTTPException, OSError):
            body = b""
        is_plain = error.headers.get_content_type() == "text/plain"
        message = error_text(body) or (" ".join(body[:300].decode("utf-8", "replace").split()) if is_plain else "")
        said = f"HTTP {error.code}" + (f", {message}" if message else "")
        if error.code in {408, 429} or error.code >= 500:
            return Trouble(said, seconds_to_wait(error.headers.get("Retry-After", "")))
        # A broken backend has answered 400 too.
        if error.code == 400 and self.is_passing(message):
            return Trouble(said)
        location = error.headers.get("Location", "")
        if error.code < 400:
            said += f", sent on to {urlsplit(location).hostname}: see {self.see}"
        return Refusal(said, error.code, location)


def error_text(body: bytes) -> str:
    """A service's own words in an error body, at most 300 characters; empty when there are none."""
    if body.lstrip()[:1] == b"{":
        try:
            answer = json.loads(body, strict=False)
        except ValueError:
            return ""
        return str(answer.get("error") or answer.get("ERROR") or "")[:300]
    for pattern in (_ERROR, _TITLE):
        for found in pattern.findall(body[:100_000]):
            text = re.sub(r"<[^>]*>", " ", html.unescape(found.decode("utf-8", "replace")))
            if text := " ".join(text.split()):
                return text[:300]
    return ""


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
