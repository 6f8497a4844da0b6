"""Which queue a kind of run waits in: one that asks an outside service never stands before one that does not."""

from studies.terms import RunKind

NCBI, DEFAULT = "ncbi", "default"
QUEUES = (NCBI, DEFAULT)
_INSIDE = frozenset({RunKind.FILE})


def queue_of(kind: str) -> str:
    return DEFAULT if kind in _INSIDE else NCBI
