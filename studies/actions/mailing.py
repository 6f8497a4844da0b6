"""Sending mails that were written: at most once each. What may have arrived is said to be uncertain, not sent again."""

import smtplib
from contextlib import suppress
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.smtp import EmailBackend
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from studies.models import AuditEvent, Digest, Subscription, User
from studies.rules import alerts as rules
from studies.terms import DigestKind, DigestState

_PERMANENT = 500


class NotDelivered(Exception):
    """The server has not taken the mail; `is_final` when it said that it never will."""

    def __init__(self, why: str, *, is_final: bool = False) -> None:
        super().__init__(why)
        self.is_final = is_final


class Uncertain(Exception):
    """The conversation broke off after the text had begun to go out: the server may have taken it."""


class NotTroubled(Exception):
    """Only a mail that failed, or whose fate is uncertain, is sent again by a person."""


def send(digest_id: int, now: datetime) -> DigestState | None:
    """Send one mail if it waits and nobody else has it; None if not.

    The claim is committed before the server is spoken to, and no transaction is open meanwhile. A process that is
    killed in between leaves SENDING behind, which `sweep` turns into UNCERTAIN.
    """
    waiting = Digest.objects.to_send(now).filter(pk=digest_id)
    if not waiting.update(state=DigestState.SENDING, claimed_at=now, n_attempts=F("n_attempts") + 1):
        return None
    digest = Digest.objects.select_related("user").get(pk=digest_id)
    try:
        _check(digest)
        _deliver(_message(digest))
    except Uncertain as broken:
        return _settle(digest, DigestState.UNCERTAIN, failure=str(broken))
    except NotDelivered as refusal:
        again = None if refusal.is_final else rules.next_try(digest.n_attempts, timezone.now())
        if again is None:
            return _settle(digest, DigestState.FAILED, failure=str(refusal))
        return _settle(digest, DigestState.BUILT, failure=str(refusal), next_try_at=again)
    return _settle(digest, DigestState.SENT, failure="", sent_at=timezone.now())


def sweep(now: datetime) -> int:
    """Name uncertain what a process began to send and never came back from."""
    lost = Digest.objects.filter(state=DigestState.SENDING, claimed_at__lt=now - rules.LONGEST_CONVERSATION)
    return lost.update(
        state=DigestState.UNCERTAIN, failure="The process that was sending it ended before it could say whether it had."
    )


@transaction.atomic
def send_again(digest: Digest, *, by: User) -> Digest:
    """A person's decision, who knows that it may arrive twice. Raises NotTroubled."""
    digest = Digest.objects.select_for_update().get(pk=digest.pk)
    if digest.state not in (DigestState.FAILED, DigestState.UNCERTAIN):
        raise NotTroubled
    AuditEvent.objects.record("sent a mail again", digest, by=by, was=digest.state, failure=digest.failure)
    digest.state, digest.next_try_at, digest.n_attempts = DigestState.BUILT, timezone.now(), 0
    digest.save(update_fields=["state", "next_try_at", "n_attempts"])
    return digest


def _settle(digest: Digest, state: DigestState, **values: object) -> DigestState:
    # The sweep may have given this conversation up: the one who held it knows better.
    ours = Digest.objects.filter(
        pk=digest.pk, claimed_at=digest.claimed_at, state__in=(DigestState.SENDING, DigestState.UNCERTAIN)
    )
    ours.update(state=state, **values)
    return state


def _check(digest: Digest) -> None:
    """Whoever left between writing and sending gets no more mail. Raises NotDelivered."""
    if not digest.user.is_active:
        raise NotDelivered("The account is closed.", is_final=True)
    if digest.kind == DigestKind.ADMIN:
        return
    if not Subscription.objects.live().filter(sent_items__digest=digest).exists():
        raise NotDelivered("Every subscription in it has ended.", is_final=True)


def _message(digest: Digest) -> EmailMultiAlternatives:
    host = urlsplit(settings.SITE_URL).hostname or "localhost"
    # The same at every attempt, so that a mailbox can tell a second copy from a second mail.
    headers = {"Message-ID": f"<digest-{digest.pk}.{digest.token[:12]}@{host}>", "Auto-Submitted": "auto-generated"}
    if digest.kind != DigestKind.ADMIN:
        stop = settings.SITE_URL + reverse("studies:stop", args=[digest.token])
        headers |= {"List-Unsubscribe": f"<{stop}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}  # RFC 8058
    message = EmailMultiAlternatives(digest.subject, digest.text, to=[digest.user.email], headers=headers)
    message.attach_alternative(digest.html, "text/html")
    return message


class _Watched(smtplib.SMTP):
    """Knows whether the server has asked for the text: until then nothing can have been taken."""

    has_begun = False

    def getreply(self) -> tuple[int, bytes]:
        code, reply = super().getreply()
        self.has_begun = self.has_begun or code == 354
        return code, reply


class _WatchedSSL(_Watched, smtplib.SMTP_SSL):
    pass


class Backend(EmailBackend):
    """Django's, with a conversation that can be asked how far it came."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _WatchedSSL if self.use_ssl else _Watched


_WATCHED = {"django.core.mail.backends.smtp.EmailBackend": f"{__name__}.{Backend.__name__}"}


def _deliver(message: EmailMultiAlternatives) -> None:
    """Raises NotDelivered or Uncertain."""
    connection = get_connection(_WATCHED.get(settings.EMAIL_BACKEND, settings.EMAIL_BACKEND))
    try:
        connection.open()
        connection.send_messages([message])
    except smtplib.SMTPRecipientsRefused as refused:
        code, reply = next(iter(refused.recipients.values()))
        raise NotDelivered(_said(code, reply), is_final=code >= _PERMANENT) from refused
    except smtplib.SMTPAuthenticationError as refused:
        # A wrong password is the site's trouble, not the mail's: an admin may mend it.
        raise NotDelivered(_said(refused.smtp_code, refused.smtp_error)) from refused
    except smtplib.SMTPResponseException as refused:
        raise NotDelivered(
            _said(refused.smtp_code, refused.smtp_error), is_final=refused.smtp_code >= _PERMANENT
        ) from refused
    except OSError as error:  # SMTPException is one
        if getattr(getattr(connection, "connection", None), "has_begun", False):
            raise Uncertain(f"The connection broke off while the text went out: {error}") from error
        raise NotDelivered(f"The mail server could not be reached: {error}") from error
    finally:
        _hang_up(connection)


def _hang_up(connection: object) -> None:
    # What the server said to the mail itself is known by now.
    with suppress(OSError):
        connection.close()


def _said(code: int, reply: bytes | str) -> str:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else str(reply)
    return f"The mail server refused: {code} {' '.join(text.split())}"[:500]
