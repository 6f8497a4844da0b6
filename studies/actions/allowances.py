"""How much one asker may ask for within a span of time, counted by PostgreSQL for all processes together."""

import math
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone
from django.utils.crypto import salted_hmac

from studies.models import Allowance

# Refused requests are not counted: whoever waits is served.
_SPEND = """
    INSERT INTO {table} AS a (key, began_at, n_used) VALUES (%(key)s, %(now)s, %(n)s)
    ON CONFLICT (key) DO UPDATE SET
        began_at = CASE WHEN a.began_at <= %(start)s THEN %(now)s ELSE a.began_at END,
        n_used = %(n)s + CASE WHEN a.began_at <= %(start)s THEN 0 ELSE a.n_used END
    WHERE a.began_at <= %(start)s OR a.n_used + %(n)s <= %(most)s
    RETURNING id
"""


class Exhausted(Exception):
    """The asker has used what is allowed; `seconds` until there is more."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Try again in {max(math.ceil(seconds / 60), 1)} min.")
        self.seconds = seconds


def spend(what: str, who: str, n: int, *, most: int, span: timedelta) -> None:
    """Count `n` for the asker. Raises Exhausted, and counts nothing, where that would be more than `most` a span."""
    now = timezone.now()
    key = f"{what} {salted_hmac('studies.allowance', who, algorithm='sha256').hexdigest()[:40]}"
    if n > most or not _counted(key, n, most, now, now - span):
        began = Allowance.objects.filter(key=key).values_list("began_at", flat=True).first() or now
        raise Exhausted(max(int((began + span - now).total_seconds()), 1))


def _counted(key: str, n: int, most: int, now: datetime, start: datetime) -> bool:
    table = connection.ops.quote_name(Allowance._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(_SPEND.format(table=table), {"key": key, "now": now, "n": n, "most": most, "start": start})
        return cursor.fetchone() is not None


def forget(before: datetime) -> None:
    """Drop what counts no more."""
    Allowance.objects.filter(began_at__lt=before).delete()
