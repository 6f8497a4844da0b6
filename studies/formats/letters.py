"""Mails as they go out: subject, plain text that reads well, and the same as HTML."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse

from studies.terms import DigestKind, NewsKind

if TYPE_CHECKING:
    from studies.models import Subscription
    from studies.queries.admin_week import Week
    from studies.queries.news_words import NewsItem

WIDTH = 72
_LONGEST_SUBJECT = 150


@dataclass(frozen=True, slots=True)
class Letter:
    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of news in a mail, its address whole; `lines` is it as wrapped text."""

    headline: str
    detail: str
    url: str
    at: datetime

    @property
    def lines(self) -> str:
        return "\n".join([_wrapped(self.headline, "* "), _wrapped(self.detail, "  "), f"  {self.url}"])


@dataclass(frozen=True, slots=True)
class Part:
    kind: NewsKind
    pieces: tuple[Piece, ...]

    @property
    def heading(self) -> str:
        return str(self.kind.label)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why somebody gets this mail, and the link by which they stop it."""

    purpose: str
    stop_url: str

    @property
    def lines(self) -> str:
        return "\n".join([_wrapped(self.purpose, ""), f"Stop this one: {self.stop_url}"])


def digest(
    kind: DigestKind,
    items: Sequence[NewsItem],
    *,
    more: Mapping[NewsKind, int],
    more_url: str,
    subscriptions: Iterable[Subscription],
    token: str,
    now: datetime,
) -> Letter:
    """`items` in the order of a digest; `more` is how many others were found, and are only counted, of each kind."""
    n = len(items) + sum(more.values())
    parts = tuple(
        Part(news_kind, tuple(Piece(i.headline, i.detail, _whole(i.url), i.at) for i in group))
        for news_kind, group in groupby(items, key=lambda item: item.kind)
    )
    context = {
        "title": f"{kind.label} of {now:%-d %B %Y}",
        "n": n,
        "parts": parts,
        "more": [(n, str(kind.label).lower()) for kind, n in more.items()],
        "n_more": n - len(items),
        "more_url": more_url,
        "reasons": [Reason(s.purpose, _whole(reverse("studies:stop", args=[s.token]))) for s in subscriptions],
        "stop_all_url": _whole(reverse("studies:stop", args=[token])),
        "alerts_url": _whole(reverse("studies:alerts")),
        "site_url": settings.SITE_URL,
    }
    return _letter(_subject(kind, items, n, now), "digest", context)


def admin_word(week: Week, *, now: datetime) -> Letter:
    context = {"week": week, "now": now, "site_url": settings.SITE_URL, "sync_url": _whole(reverse("studies:sync"))}
    return _letter(f"Stratum, week to {now:%-d %B %Y}: {week.sentence}", "admin_week", context)


def _subject(kind: DigestKind, items: Sequence[NewsItem], n: int, now: datetime) -> str:
    if kind == DigestKind.IMMEDIATE and n == 1:
        return items[0].headline
    first = f", first: {items[0].headline}" if items[0].is_urgent else ""
    return f"Stratum {kind.label.lower()}, {now:%-d %B}: {n:,} {'piece' if n == 1 else 'pieces'} of news{first}"


def _letter(subject: str, name: str, context: dict) -> Letter:
    # A line break in a title would be a second header.
    subject = textwrap.shorten(subject, _LONGEST_SUBJECT, placeholder=" …")
    text = render_to_string(f"emails/{name}.txt", context)
    return Letter(subject, text, render_to_string(f"emails/{name}.html", {**context, "subject": subject}))


def _whole(path: str) -> str:
    return settings.SITE_URL + path if path.startswith("/") else path


def _wrapped(text: str, first: str) -> str:
    return textwrap.fill(
        " ".join(text.split()),
        WIDTH,
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_long_words=False,
        break_on_hyphens=False,
    )
