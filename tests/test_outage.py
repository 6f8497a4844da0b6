"""What counts as an absent database, and how much the log says of it."""

import logging
import sys

import psycopg2
import pytest
from django.db import IntegrityError, InterfaceError, OperationalError

from config.outage import OneLine, is_outage


class Deadlock(psycopg2.OperationalError):
    pgcode = "40P01"


class Stopped(psycopg2.OperationalError):
    pgcode = "57P01"


def caused_by(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (caused_by(OperationalError("connection refused"), psycopg2.OperationalError("connection refused")), True),
        (caused_by(OperationalError("terminating connection"), Stopped()), True),
        (caused_by(InterfaceError("connection already closed"), psycopg2.InterfaceError()), True),
        (caused_by(OperationalError("deadlock detected"), Deadlock()), False),
        (IntegrityError("twice the same"), False),
        (KeyError("a fault of ours"), False),
        (None, False),
    ],
)
def test_only_a_lost_or_refused_connection_is_an_outage(error, is_one):
    assert is_outage(error) is is_one


@pytest.mark.parametrize(("error", "n_lines"), [(OperationalError("refused\nis it running?"), 1), (KeyError("x"), 5)])
def test_an_outage_takes_one_line_of_the_log_and_a_fault_of_ours_its_traceback(error, n_lines):
    try:
        raise error
    except type(error):
        record = logging.LogRecord("django.request", logging.ERROR, "", 0, "%s: %s", ("No", "/map/"), sys.exc_info())

    assert OneLine().filter(record)

    text = logging.Formatter().format(record)
    assert len(text.splitlines()) == n_lines
    assert text.startswith("No: /map/")
