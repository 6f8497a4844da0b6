"""A mail server in the process that takes, refuses, breaks off or dawdles, and the mails that it took."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class Conversation(SMTP):
    """Breaks off where it is told to, also in the middle of the text."""

    async def smtp_DATA(self, arg: str) -> None:
        self.event_handler.reached("data")
        if self.event_handler.breaks_at == "data":
            await self.push("354 go ahead")
            self.transport.abort()
            return
        await super().smtp_DATA(arg)


class Server:
    """`answers` gives a refusal by the stage it is for; `breaks_at` hangs up there; `at` is called at each stage.

    Stages: "mail", "rcpt", "data" (before the text), "text" (after it, before the answer).
    """

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.stages: list[str] = []
        self.answers: dict[str, str] = {}
        self.breaks_at = ""
        self.seconds = 0.0
        self.at: Callable[[str], None] = lambda stage: None

    def reached(self, stage: str) -> None:
        self.stages.append(stage)
        self.at(stage)

    async def handle_MAIL(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list) -> str:
        self.reached("mail")
        if self.breaks_at == "mail":
            server.transport.abort()
        if "mail" in self.answers:
            return self.answers["mail"]
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list) -> str:
        self.reached("rcpt")
        if "rcpt" in self.answers:
            return self.answers["rcpt"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if "text" in self.answers:
            return self.answers["text"]
        # From here on the server has the mail, whatever the sender hears of it.
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        self.reached("text")
        if self.breaks_at == "text":
            server.transport.abort()
        await asyncio.sleep(self.seconds)
        return "250 taken"


class _Controller(Controller):
    def factory(self) -> SMTP:
        return Conversation(self.handler, hostname="mail.example.org")

    def _trigger_server(self) -> None:
        # Asked for port 0, the system has chosen one by now.
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def running() -> Iterator[tuple[Server, int]]:
    """A server and its port on the loopback."""
    server = Server()
    controller = _Controller(server, hostname="127.0.0.1", port=0)
    controller.start()
    try:
        yield server, controller.port
    finally:
        controller.stop()
