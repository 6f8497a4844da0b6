"""Advisory locks: who works on what, known to PostgreSQL and freed by it the moment a process dies."""

from django.db import connection

CATALOGUE = 1  # one writer at a time, so that two runs never create one report twice
_RUN = 2
_CHECK = 3


def take_for_transaction(lock: int) -> None:
    """Wait for the lock; it is freed with the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, 0)", [lock])


def claim_run(run_id: int) -> bool:
    """True if this connection now works on the run; it stays so until `release_run` or the connection's end."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_RUN, run_id])
        return bool(cursor.fetchone()[0])


def release_run(run_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_RUN, run_id])


def claimed_runs() -> set[int]:
    """The runs that some process works on now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            " AND classid = %s::bigint::oid",
            [_RUN],
        )
        return {run_id for (run_id,) in cursor.fetchall()}


def claim_check(check_id: int) -> bool:
    """The same for a check of citations."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_CHECK, check_id])
        return bool(cursor.fetchone()[0])


def release_check(check_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_CHECK, check_id])
