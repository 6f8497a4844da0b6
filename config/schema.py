"""Brings the tables up to date, and finds out when they belong to another version."""

from django.apps import apps
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.exceptions import InconsistentMigrationHistory, NodeNotFoundError

# PostgreSQL's codes for a table, column, constraint or schema that is there already, or is missing.
OUT_OF_STEP = {"42P07", "42701", "42710", "42P01", "42703", "42704"}


class OtherSchema(Exception):
    """The tables are those of another, older or newer, version."""


def bring_up_to_date() -> None:
    """Apply the migrations and compare the tables with the models."""
    try:
        call_command("migrate", interactive=False, verbosity=0)
    except (InconsistentMigrationHistory, NodeNotFoundError) as error:
        raise OtherSchema("its migrations are others") from error
    except DatabaseError as error:
        if getattr(error.__cause__, "pgcode", None) in OUT_OF_STEP:
            raise OtherSchema("its tables do not fit its migrations") from error
        raise
    if tables := differences():
        raise OtherSchema(f"the columns of {tables[0]} differ")


def differences() -> list[str]:
    """The tables whose columns are not the models'. Until the first release migrations are rewritten in place,
    so that their history alone cannot tell an old schema."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, array_agg(column_name::text) FROM information_schema.columns"
            " WHERE table_schema = current_schema() GROUP BY 1"
        )
        found = {table: set(columns) for table, columns in cursor.fetchall()}
    models = [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]
    return [
        model._meta.db_table
        for model in models
        if not model._meta.proxy
        and found.get(model._meta.db_table) != {field.column for field in model._meta.local_concrete_fields}
    ]


def empty() -> None:
    """Drop every table and everything in them."""
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
