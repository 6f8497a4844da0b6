"""One limit of requests to each source for all processes together, kept by PostgreSQL."""

import time
from collections.abc import Callable

from django.conf import settings
from django.db import connection, transaction

from studies.models.search import RequestCount, RequestSlot
from studies.sources.clinicaltrials import ClinicalTrials, door
from studies.sources.entrez import Entrez
from studies.sources.id_converter import SERVICE as ID_CONVERTER
from studies.sources.id_converter import IdConverter
from studies.sources.web import Line

SLOT = "ncbi"
CTGOV_SLOT, CTGOV_SECONDS = "ctgov", 1.1  # its documentation names no limit; others report about 50 a minute
PER_SECOND, PER_SECOND_WITH_KEY = 3, 10
# Requests leave when we say and arrive when the network says: some room keeps four from meeting in one second.
MARGIN = 1.1
# A busy machine may wake us long after our instant, among the requests of others: then we queue again, a few times.
LATE = 0.08  # seconds; less than what MARGIN leaves of each second
TURNS = 5
# A slot further away than this was written under a wrong clock: no queue of ours is that long.
FURTHEST = 600  # seconds

_TAKE = """
    INSERT INTO {table} AS slot (name, next_free_at)
    VALUES (%(name)s, clock_timestamp() + %(spacing)s * interval '1 second')
    ON CONFLICT (name) DO UPDATE SET next_free_at = %(spacing)s * interval '1 second' + CASE
        WHEN slot.next_free_at BETWEEN clock_timestamp() AND clock_timestamp() + %(furthest)s * interval '1 second'
        THEN slot.next_free_at ELSE clock_timestamp() END
    RETURNING extract(epoch FROM next_free_at - clock_timestamp())::float8 - %(spacing)s
"""


_COUNT = """
    INSERT INTO {table} AS count (name, minute, n) VALUES (%s, date_trunc('minute', clock_timestamp()), 1)
    ON CONFLICT (name, minute) DO UPDATE SET n = count.n + 1
"""


class TurnInTransaction(RuntimeError):
    """A turn was asked for inside a transaction: the lock would be held while everyone sleeps."""


def ncbi(*, somebody_waits: bool = False) -> Entrez:
    """The door to NCBI as the settings describe it, under the shared limit.

    A person waiting at a page hears within half a minute that there is no answer; a run may be patient.
    """
    patience = {"timeout": min(10, settings.NCBI_TIMEOUT), "pauses": (0.5, 1.5)} if somebody_waits else {}
    return Entrez(
        settings.NCBI_BASE_URL,
        settings.NCBI_TOOL,
        settings.NCBI_EMAIL,
        settings.NCBI_API_KEY,
        limiter=wait_for_turn,
        batch=settings.NCBI_BATCH,
        **({"timeout": settings.NCBI_TIMEOUT} | patience),
    )


def id_converter(*, somebody_waits: bool = False) -> IdConverter:
    """The door to PMC's ID converter, which is NCBI's and shares its limit."""
    patience = {"timeout": min(10, settings.NCBI_TIMEOUT), "pauses": (0.5, 1.5)} if somebody_waits else {}
    line = Line(
        service=ID_CONVERTER,
        limiter=wait_for_turn,
        see="NCBI_IDCONV_URL",
        max_bytes=5_000_000,
        **({"timeout": settings.NCBI_TIMEOUT} | patience),
    )
    return IdConverter(base_url=settings.NCBI_IDCONV_URL, tool=settings.NCBI_TOOL, email=settings.NCBI_EMAIL, line=line)


def clinicaltrials(*, somebody_waits: bool = False) -> ClinicalTrials:
    """The door to ClinicalTrials.gov as the settings describe it, at most one request a second."""
    patience = {"pauses": (0.5, 1.5)} if somebody_waits else {}
    return door(
        base_url=settings.CTGOV_BASE_URL,
        user_agent=settings.CTGOV_USER_AGENT,
        timeout=min(10, settings.CTGOV_TIMEOUT) if somebody_waits else settings.CTGOV_TIMEOUT,
        limiter=limiter(CTGOV_SLOT, CTGOV_SECONDS),
        **patience,
    )


def limiter(name: str, seconds: float) -> Callable[[], None]:
    """What waits for a turn with the source of this name: the starts of two requests are `seconds` apart."""
    return lambda: _wait(name, seconds)


def wait_for_turn(slot: str = SLOT, seconds: float | None = None) -> None:
    """Wait for a turn with NCBI, or with another source. Raises TurnInTransaction inside a transaction."""
    _wait(slot, spacing() if seconds is None else seconds)


def _wait(name: str, seconds: float) -> None:
    """Take the next free instant, commit, then sleep until it."""
    if connection.in_atomic_block or not transaction.get_autocommit():
        raise TurnInTransaction("Ask a source outside a transaction: the wait would hold its locks.")
    _count(name)
    for _ in range(TURNS):
        instant = _take_turn(name, seconds) + time.monotonic()
        time.sleep(max(0.0, instant - time.monotonic()))
        if time.monotonic() - instant < LATE:
            return


def per_second() -> int:
    """How many requests a second NCBI takes from all of us together."""
    return PER_SECOND_WITH_KEY if settings.NCBI_API_KEY else PER_SECOND


def spacing() -> float:
    """Seconds between the starts of two requests to NCBI."""
    return MARGIN / per_second()


def _take_turn(name: str, seconds: float) -> float:
    """Seconds from now to the instant that is ours.

    One statement, committed at once: its lock on the row queues the processes, and only the database's clock counts.
    """
    table = connection.ops.quote_name(RequestSlot._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(_TAKE.format(table=table), {"name": name, "spacing": seconds, "furthest": FURTHEST})
        return cursor.fetchone()[0]


def _count(name: str) -> None:
    table = connection.ops.quote_name(RequestCount._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(_COUNT.format(table=table), [name])
