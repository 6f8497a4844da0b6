"""One request to NCBI: prepared by Bio.Entrez, sent by us."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, urljoin, urlsplit
from urllib.request import Request

from Bio import Entrez as bio

from studies.sources.web import Line

T = TypeVar("T")

# Biopython 1.88 retries without a pause, has no timeout, and keeps a spacing of its own that neither threads nor
# processes share. So in this process its functions only prepare requests and hand them back: nothing here reaches
# NCBI but through `Door`, and there is no state that threads could fight over.
if not callable(getattr(bio, "_open", None)):
    raise ImportError("This version of Biopython sends requests in a way that Stratum cannot pace.")
bio.max_tries = 1
bio._open = lambda request: request


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where requests go, who asks, and the line they are sent over."""

    base_url: str
    tool: str
    email: str
    api_key: str
    line: Line

    def ask(self, utility: str, read: Callable[[bytes], T], *, asked: str, max_cuts: int = 0, **params: Any) -> T:
        """What `read` makes of the utility's answer; see `Line.ask`."""
        return self.line.ask(self._prepare(utility, params), read, asked=asked, max_cuts=max_cuts)

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
