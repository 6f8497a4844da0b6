"""One's own keys to the read API."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from studies.access import signed_in
from studies.actions import tokens as actions
from studies.forms.tokens import TokenForm
from studies.models import ApiToken


@signed_in
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """The secret of a new key is in the answer to the form that made it, and nowhere else."""
    form = TokenForm(request.POST or None)
    if request.method != "POST":
        return _page(request, form)
    if not form.is_valid():
        return _page(request, form, status=422)
    try:
        _, secret = actions.create_token(request.user, **form.cleaned_data)
    except actions.TooMany as refusal:
        form.add_error(None, str(refusal))
        return _page(request, form, status=422)
    return _page(request, TokenForm(), secret=secret)


def _page(request: HttpRequest, form: TokenForm, *, secret: str = "", status: int = 200) -> HttpResponse:
    context = {"form": form, "secret": secret, "tokens": ApiToken.objects.filter(user=request.user)}
    return render(request, "registration/tokens.html", context, status=status)


@signed_in
@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    token = get_object_or_404(ApiToken, pk=pk, user=request.user)
    actions.revoke(token, by=request.user)
    messages.success(request, f"“{token.name}” is revoked.")
    return redirect("studies:tokens")
