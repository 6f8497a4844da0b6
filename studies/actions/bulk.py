"""Many rows in one statement, sent as one JSON text: the ORM's own insert spends more time than PostgreSQL does."""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from django.db import connection, models


def new_ids(model: type[models.Model], n: int) -> list[int]:
    """`n` fresh primary keys, so that rows can refer to each other before they are written."""
    if not n:
        return []
    with connection.cursor() as cursor:
        # One row, and the sequence looked up once: asked row by row, its name costs more than its numbers.
        cursor.execute(
            "WITH own AS MATERIALIZED (SELECT pg_get_serial_sequence(%s, 'id')::regclass AS name)"
            " SELECT array_agg(nextval(own.name)) FROM own, generate_series(1, %s)",
            [model._meta.db_table, n],
        )
        return cursor.fetchone()[0]


@cache
def columns(model: type[models.Model]) -> tuple[models.Field, ...]:
    """What can be written: everything but generated columns."""
    return tuple(field for field in model._meta.concrete_fields if not field.generated)


def row(obj: models.Model) -> dict[str, Any]:
    return {field.column: getattr(obj, field.attname) for field in columns(type(obj))}


def write(model: type[models.Model], rows: Sequence[str], *, replacing: Iterable[str] = ()) -> None:
    """Insert rows, each a JSON object with a value for every column; `replacing` names what to set on known keys."""
    if not rows:
        return
    sets = ", ".join(f"{quoted} = EXCLUDED.{quoted}" for quoted in map(connection.ops.quote_name, replacing))
    conflict = f"ON CONFLICT (id) DO UPDATE SET {sets}" if sets else ""
    _insert(model, [field.column for field in columns(model)], f"[{','.join(rows)}]", {}, conflict)


def insert(model: type[models.Model], rows: Sequence[dict[str, Any]], *, same: Mapping[str, Any]) -> None:
    """Insert rows by the names of their columns, the same names in each; `same` is what all of them share.

    A primary key that is not named is given by the database; every other column has to be.
    """
    if rows:
        _insert(model, [*same, *rows[0]], dump(rows), same, "")


def _insert(model: type[models.Model], names: Iterable[str], rows: str, same: Mapping[str, Any], conflict: str) -> None:
    listed = ", ".join(map(connection.ops.quote_name, names))
    table = connection.ops.quote_name(model._meta.db_table)
    values = f"json_populate_recordset(json_populate_record(NULL::{table}, %s), %s)"
    with connection.cursor() as cursor:
        cursor.execute(
            # Names come from the models, values go as parameters.
            f"INSERT INTO {table} ({listed}) SELECT {listed} FROM {values} {conflict}",  # noqa: S608
            [dump(same), rows],
        )


def dump(values: Any) -> str:
    """JSON with dates and decimals as text."""
    return _encoded(values)


_encoded = json.JSONEncoder(default=str, ensure_ascii=False).encode
