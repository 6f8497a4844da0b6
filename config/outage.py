"""What it looks like when the database is away, and one line in the log for it instead of a traceback."""

import logging

from django.db import InterfaceError, OperationalError

RETRY_AFTER = 5  # seconds; the embedded server is back in fewer
# PostgreSQL's codes for a lost connection, no free one, a stop, a crash and a start. A refused connection has none.
_AWAY = ("08", "53300", "57P01", "57P02", "57P03")


def is_outage(error: BaseException | None) -> bool:
    """A deadlock or a statement that took too long is the same kind of exception, but no outage."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    code = getattr(error.__cause__, "pgcode", None)
    return code is None or code.startswith(_AWAY)


class OneLine(logging.Filter):
    """Every request fails alike while the database is away: where in the code it was noticed says nothing."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if is_outage(error):
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            record.msg, record.args = f"{record.getMessage()} (the database does not answer: {reason})", ()
            record.exc_info = record.exc_text = None
        return True
