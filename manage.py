#!/usr/bin/env python3
"""Runs Stratum's commands, each with a database to talk to."""

import os
import sys
from importlib import import_module

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command, execute_from_command_line

from config import embedded, environment

# These need no database, or (`migrate`, `up`) bring it up to date themselves.
WITHOUT = {"help", "version", "makemigrations", "collectstatic", "findstatic", "diffsettings", "makemessages"}
WITHOUT |= {"simulate_ranking"}
UNMIGRATED = {"migrate", "up", "showmigrations", "sqlmigrate", "dbshell"}


def main(arguments: list[str]) -> None:
    command = arguments[0] if arguments else "help"
    try:
        if not needs_database(command, arguments):
            execute_from_command_line(sys.argv)
            return
        # Read now, so that nonsense in a setting is refused before a server is started for it.
        settings.HOME  # noqa: B018
        import_module("config.celery")  # so that a command's tasks go where the worker's app looks
        if embedded.has_address():
            execute_from_command_line(sys.argv)
        else:
            with_own_database(command)
    except (ImproperlyConfigured, embedded.Unavailable) as error:
        sys.exit(f"manage.py: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def with_own_database(command: str) -> None:
    server = embedded.ours = embedded.Server(settings.HOME)
    try:
        server.start(first=None if command in UNMIGRATED else lambda: migrate(server))
        introduce(server)
        execute_from_command_line(sys.argv)
    finally:
        server.stop()


def needs_database(command: str, arguments: list[str]) -> bool:
    if command in WITHOUT or command.startswith("-") or {"-h", "--help", "--version"} & set(arguments):
        return False
    return command != "check" or "--database" in arguments


def introduce(server: embedded.Server) -> None:
    """Tell Django, and every process we start, where the database is."""
    os.environ["DATABASE_URL"] = server.address
    settings.DATABASES["default"].update(environment.database("DATABASE_URL"))


def migrate(server: embedded.Server) -> None:
    introduce(server)
    django.setup()
    call_command("migrate", verbosity=0)


if __name__ == "__main__":
    main(sys.argv[1:])
