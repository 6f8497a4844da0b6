"""Atom feeds: all news, and the news of any list of studies."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import escape
from django.utils.http import http_date
from django.views.decorators.http import conditional_page, require_safe

from studies.queries import news, news_scope, trials
from studies.queries.listing import chips_of
from studies.queries.newness import newness
from studies.queries.news_filter import NewsFilter
from studies.queries.news_words import NewsItem
from studies.queries.trial_filters import TrialFilters
from studies.queries.vocabulary import Vocabulary

SIZE = 50
# XML cannot hold these at all, however they are written.
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


class Feed(Atom1Feed):
    def latest_post_date(self) -> datetime:
        """A feed without entries did not change either: "now" would make every answer a new one."""
        return super().latest_post_date() if self.items else _BEGINNING


@conditional_page
@require_safe
def of_news(request: HttpRequest) -> HttpResponse:
    asked = NewsFilter.read(request.GET.getlist)
    title = "Stratum: " + (", ".join(kind.label.lower() for kind in asked.kinds) or "all news")
    items = news.page(asked.kinds, size=SIZE).items
    return answer(items, title, page=reverse("studies:news") + asked.query(), request=request)


@conditional_page
@require_safe
def of_list(request: HttpRequest) -> HttpResponse:
    """The news of the studies that a list finds; its address is the question, so that it needs no account."""
    vocabulary = Vocabulary()
    filters = news_scope.filters_of(request.GET.urlencode(), vocabulary)
    words = "; ".join(
        f"{f'{chip.facet}: ' if chip.facet else ''}{'not ' if chip.is_not else ''}{chip.label}"
        for chip in chips_of(filters, vocabulary)
    )
    items = news.page((), scope=news_scope.of_list(filters, vocabulary), size=SIZE).items
    title = f"Stratum: {words or 'all studies'}"
    return answer(items, title, page=reverse("studies:studies") + filters.query(page=1), request=request)


@conditional_page
@require_safe
def of_trials(request: HttpRequest) -> HttpResponse:
    """The news of the trials that the list of trials finds, whoever asks."""
    vocabulary, now = Vocabulary(), timezone.now()
    filters = TrialFilters.read(request.GET.getlist, vocabulary.by_slug)
    found = trials.narrowed(filters, vocabulary, new=newness(now), now=now)
    words = "; ".join(filter(None, (chip.label for chip in trials.chips_of(filters, vocabulary))))
    items = news.page((), scope=news.Scope(registrations=found.values("pk")), size=SIZE).items
    title = f"Stratum, trials: {words or 'all'}"
    return answer(items, title, page=reverse("studies:trials") + filters.query(page=1), request=request)


def answer(items: Sequence[NewsItem], title: str, *, page: str, request: HttpRequest) -> HttpResponse:
    """The feed as it goes out; `page` is where people read the same."""
    feed = Feed(
        title=_writable(title),
        link=settings.SITE_URL + page,
        description="Living evidence on stem-cell treatment for skin rejuvenation. No medical advice.",
        language="en-GB",
        author_name="Stratum",
        feed_url=settings.SITE_URL + request.get_full_path(),
        feed_guid=_tag(f"feed:{request.get_full_path()}"),
    )
    for item in items:
        feed.add_item(
            title=_writable(item.headline),
            link=settings.SITE_URL + item.url if item.url.startswith("/") else item.url,
            # Readers take a summary for HTML.
            description=escape(_writable(item.detail)),
            unique_id=_tag(item.key),
            pubdate=item.at,
            updateddate=item.at,
            categories=[item.kind.label],
        )
    response = HttpResponse(feed.writeString("utf-8"), content_type="application/atom+xml; charset=utf-8")
    response["Last-Modified"] = http_date(feed.latest_post_date().timestamp())
    patch_cache_control(response, max_age=300, private=settings.REQUIRE_LOGIN)
    return response


def _tag(name: str) -> str:
    """A name that stays the same wherever the site moves its pages to (RFC 4151)."""
    host = urlsplit(settings.SITE_URL).hostname or "localhost"
    return f"tag:{host},{_BEGINNING.year}:{name}"


def _writable(text: str) -> str:
    return _UNWRITABLE.sub("", text)
