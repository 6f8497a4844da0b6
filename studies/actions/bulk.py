"""Many rows in one statement, sent as one JSON text: the ORM's own insert spends more time than PostgreSQL does."""

import json
from collections.abc import Iterable, Sequence
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


def columns(model: type[models.Model]) -> list[models.Field]:
    """What can be written: everything but generated columns."""
    return [field for field in model._meta.concrete_fields if not field.generated]


def row(obj: models.Model) -> dict[str, Any]:
    return {field.column: getattr(obj, field.attname) for field in columns(type(obj))}


def write(model: type[models.Model], rows: Sequence[str], *, replacing: Iterable[str] = ()) -> None:
    """Insert rows, each a JSON object with a value for every column; `replacing` names what to set on known keys."""
    if not rows:
        return
    quote = connection.ops.quote_name
    names = ", ".join(quote(field.column) for field in columns(model))
    table = quote(model._meta.db_table)
    sets = ", ".join(f"{quote(name)} = EXCLUDED.{quote(name)}" for name in replacing)
    conflict = f"ON CONFLICT (id) DO UPDATE SET {sets}" if sets else ""
    with connection.cursor() as cursor:
        cursor.execute(
            # Names come from the models, values go as a parameter.
            f"INSERT INTO {table} ({names}) SELECT {names} FROM json_populate_recordset(NULL::{table}, %s) {conflict}",  # noqa: S608
            [f"[{','.join(rows)}]"],
        )


def dump(values: dict[str, Any]) -> str:
    """JSON with dates and decimals as text."""
    return json.dumps(values, default=str, ensure_ascii=False)
