"""Reads settings from the environment and refuses nonsense by the setting's name."""

import os
import re
from email.utils import parseaddr
from urllib.parse import urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

YES, NO = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}


def text(name: str, default: str = "") -> str:
    value = os.environ.get(name, default).strip()
    if "\n" in value or "\0" in value:
        raise ImproperlyConfigured(f"{name} must be one line of text.")
    return value


def secret(name: str, default: str = "") -> str:
    """A password or key, taken as it stands."""
    return os.environ.get(name, default)


def flag(name: str, default: bool) -> bool:
    value = text(name).lower()
    if not value:
        return default
    if value not in YES | NO:
        raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}.")
    return value in YES


def number(name: str, default: int, *, low: int, high: int) -> int:
    value = text(name)
    if not value:
        return default
    if not re.fullmatch(r"-?\d{1,18}", value) or not low <= int(value) <= high:
        raise ImproperlyConfigured(f"{name} must be a whole number from {low} to {high}, not {value!r}.")
    return int(value)


def names(name: str, default: list[str]) -> list[str]:
    """A list parted by commas."""
    return [part.strip() for part in text(name).split(",") if part.strip()] or default


def one_of(name: str, default: str, allowed: set[str]) -> str:
    value = text(name, default)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(sorted(allowed))}, not {value!r}.")
    return value


def web_address(name: str, default: str = "") -> str:
    """An http or https address."""
    value = text(name) or default
    if value:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ImproperlyConfigured(f"{name} must be an http or https address, not {value!r}.")
    return value


def email(name: str, default: str = "") -> str:
    value = text(name) or default
    if value and not re.fullmatch(r"[^@\s]+@[^@\s]+", parseaddr(value)[1]):
        raise ImproperlyConfigured(f"{name} must be an e-mail address, not {value!r}.")
    return value


def database(name: str) -> dict:
    """Django's database settings from an address `postgres://user:password@host:port/name`."""
    value = secret(name)
    try:
        parsed = dj_database_url.parse(value, conn_max_age=60, conn_health_checks=True)
    except Exception as error:  # noqa: BLE001 - the library raises many kinds, and none may show the password
        raise ImproperlyConfigured(f"{name} is not a database address ({type(error).__name__}).") from None
    if parsed.get("ENGINE") != "django.db.backends.postgresql":
        raise ImproperlyConfigured(f"{name} must begin with postgres:// (Stratum needs PostgreSQL).")
    return parsed


def mail_server(name: str) -> dict:
    """Django's mail settings from `smtp://user:password@host:port` or `smtps://…`; empty writes mail to the log."""
    value = secret(name)
    if not value:
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    parts = urlsplit(value)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ImproperlyConfigured(f"{name} must be smtp://user:password@host:port or smtps://…")
    try:
        port = parts.port or (465 if parts.scheme == "smtps" else 587)
    except ValueError:
        raise ImproperlyConfigured(f"{name} names a port that is not a number.") from None
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": port,
        "EMAIL_HOST_USER": parts.username or "",
        "EMAIL_HOST_PASSWORD": parts.password or "",
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme == "smtp" and bool(parts.username),
        "EMAIL_TIMEOUT": 20,
    }
