"""What a person follows by mail: list, begin, change, end; and the link by which a mail ends it."""

from dataclasses import replace

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from studies import tasks
from studies.access import needs
from studies.actions import alerts as actions
from studies.actions import mailing
from studies.forms.alerts import AlertForm
from studies.models import Digest, SavedSearch, Study, Subscription, TrialRegistration
from studies.models.alert import subject_in_words
from studies.queries import alerts as queries
from studies.queries import news_scope
from studies.queries.vocabulary import Vocabulary
from studies.rules.permissions import Permission
from studies.terms import AlertSubject

MOST_MAILS = 200


@needs(Permission.KEEP_SEARCHES)
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    context = {"subscriptions": queries.of_person(request.user), "has_mail": queries.is_set_up()}
    return render(request, "studies/alerts/alerts.html", context)


@needs(Permission.KEEP_SEARCHES)
@require_http_methods(["GET", "HEAD", "POST"])
def begin(request: HttpRequest, about: str, pk: int = 0) -> HttpResponse:
    """Ask what for and how often, with the words that are agreed to in sight."""
    about, subject = _subject(request, about, pk)
    query = _trials_query(request) if about == AlertSubject.TRIALS else ""
    named = subject_in_words(about, subject, trials_query=query)
    form = AlertForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.follow(by=request.user, about=about, subject=subject, trials_query=query, **form.cleaned_data)
        except actions.FollowedAlready as error:
            form.add_error("frequency", str(error))
        else:
            messages.success(request, f"You will be told about {named}.")
            return redirect("studies:alerts")
    context = {"form": form, "named": named, "has_mail": queries.is_set_up()}
    return render(request, "studies/alerts/form.html", context, status=422 if request.method == "POST" else 200)


@needs(Permission.KEEP_SEARCHES)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    subscription = _own(request, pk)
    form = AlertForm(request.POST if request.method == "POST" else None, subscription=subscription)
    if request.method == "POST" and form.is_valid():
        try:
            actions.change(subscription, by=request.user, **form.cleaned_data)
        except actions.FollowedAlready as error:
            form.add_error("frequency", str(error))
        else:
            messages.success(request, "The subscription is changed.")
            return redirect("studies:alerts")
    context = {
        "form": form,
        "named": subscription.subject,
        "subscription": subscription,
        "has_mail": queries.is_set_up(),
    }
    return render(request, "studies/alerts/form.html", context, status=422 if request.method == "POST" else 200)


@needs(Permission.KEEP_SEARCHES)
@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    subscription = _own(request, pk)
    actions.end([subscription], by=request.user)
    messages.success(request, f"Ended: {subscription.subject}.")
    return redirect("studies:alerts")


@never_cache
@login_not_required
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def stop(request: HttpRequest, token: str) -> HttpResponse:
    """The link in a mail. To look ends nothing: mailboxes open links by themselves.

    A mailbox posts here by itself when its owner presses "unsubscribe" (RFC 8058). It has neither a session nor our
    cookie: the token is the whole authority, and all it can do is end mail.
    """
    subscriptions = queries.by_token(token)
    if not subscriptions:
        raise Http404("No subscription has this link.")
    if request.method == "POST":
        actions.end(subscriptions)
    live = [] if request.method == "POST" else [one for one in subscriptions if one.ended_at is None]
    context = {"subscriptions": subscriptions, "live": live}
    return render(request, "studies/alerts/stop.html", context)


@needs(Permission.MANAGE_PEOPLE)
@require_safe
def mails(request: HttpRequest) -> HttpResponse:
    """What was sent, what was not, and what may have arrived."""
    context = {"mails": queries.mails()[:MOST_MAILS], "has_mail": queries.is_set_up()}
    return render(request, "studies/alerts/mails.html", context)


@needs(Permission.MANAGE_PEOPLE)
@require_POST
def send_again(request: HttpRequest, pk: int) -> HttpResponse:
    digest = get_object_or_404(Digest.objects.defer("text", "html"), pk=pk)
    try:
        mailing.send_again(digest, by=request.user)
    except mailing.NotTroubled:
        messages.error(request, "This mail was sent, or waits to be sent.")
    else:
        # A queue out of order must not fail the page: the row is written, and the next beat finds it.
        transaction.on_commit(lambda: tasks.send.delay(digest.pk), robust=True)
        messages.success(request, f"The mail to {digest.user} is sent again.")
    return redirect("studies:mails")


def _own(request: HttpRequest, pk: int) -> Subscription:
    return get_object_or_404(queries.of_person(request.user), pk=pk)


def _trials_query(request: HttpRequest) -> str:
    """The filter of the Trials page that the address carries, in the page's own spelling."""
    filters = news_scope.trial_filters_of(request.GET.urlencode(), Vocabulary())
    return replace(filters, sort="updated").query(page=1)


def _subject(request: HttpRequest, about: str, pk: int) -> tuple[AlertSubject, object]:
    match about:
        case AlertSubject.STUDY:
            return AlertSubject.STUDY, get_object_or_404(Study.objects.for_list(), pk=pk)
        case AlertSubject.REGISTRATION:
            return AlertSubject.REGISTRATION, get_object_or_404(TrialRegistration.objects.for_list(), pk=pk)
        case AlertSubject.SAVED_SEARCH:
            return AlertSubject.SAVED_SEARCH, get_object_or_404(SavedSearch, pk=pk, user=request.user)
        case AlertSubject.EVERYTHING | AlertSubject.TRIALS if not pk:
            return AlertSubject(about), None
    raise Http404("Nothing of this kind can be followed.")
