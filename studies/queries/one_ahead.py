"""Reading the next batch while the last one is being worded: the database and this process work at the same time."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connections

B = TypeVar("B")
R = TypeVar("R")


def one_ahead(batches: Sequence[B], read: Callable[[B], R]) -> Iterator[R]:
    """`read` of each batch, in order, on a connection of its own; a single batch is read where the caller stands."""
    if len(batches) < 2:
        yield from map(read, batches)
        return
    with ThreadPoolExecutor(1) as other:
        try:
            coming = other.submit(read, batches[0])
            for batch in batches[1:]:
                ready = coming.result()
                coming = other.submit(read, batch)
                yield ready
            yield coming.result()
        finally:
            other.submit(connections.close_all)  # those of its thread, not of the caller's
