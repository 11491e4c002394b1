"""Sends a message to everybody who should have it, and says for each of them how it went."""

import asyncio
from datetime import timedelta

from aiosmtplib import SMTPException

from alertsvc.channels.base import Envelope, Tools
from alertsvc.channels.email.addresses import Mailbox
from alertsvc.channels.email.config import EmailConfig, EmailGlobals
from alertsvc.channels.email.connection import SetupError
from alertsvc.channels.email.conversation import Conversation
from alertsvc.channels.email.ledger import Ledger
from alertsvc.channels.email.letter import Letter, letter
from alertsvc.channels.email.settings import EmailSettings, settings_of
from alertsvc.channels.email.steps import Patience
from alertsvc.channels.email.transaction import Mail, TooLargeError
from alertsvc.channels.email.trouble import cut_off, trouble
from alertsvc.channels.message import Message
from alertsvc.channels.outcome import Fault, Interrupted, Outcome, Retry, Unknown
from alertsvc.channels.render import Renderer
from alertsvc.secret import SecretUnavailableError

SLACK_SECONDS = 5
"""On top of the time on the network: for laying a message out and for closing what broke."""
NO_TURN = Retry(Fault.TIMEOUT, "another mail kept the connection for the whole time of this one")

Boxes = tuple[Mailbox, ...]


def open_email(config: EmailConfig, defaults: EmailGlobals, tools: Tools, patience: Patience | None = None) -> "Email":
    """The channel for one entry of `email_configs`. Nothing is sent and no connection is opened yet.

    Raises:
        ValueError: The entry and the globals together do not say where to send from, or through which server; or mail
            or a password would travel in the clear unasked.
    """
    return Email(settings_of(config, defaults), tools.render, patience or Patience())


class Email:
    """One entry of `email_configs`, open for sending. Each recipient gets a mail of their own unless grouped."""

    rate = 5.0
    burst = 10
    concurrency = 1

    def __init__(self, settings: EmailSettings, render: Renderer, patience: Patience) -> None:
        self.budget = timedelta(seconds=patience.whole + SLACK_SECONDS)
        self._settings = settings
        self._render = render
        self._patience = patience
        self._conversation = Conversation(settings.relay, patience)
        self._busy = asyncio.Lock()

    async def send(self, message: Message, envelope: Envelope) -> Outcome:
        """Send to those who do not have it yet. A refused recipient does not keep it from the others."""
        deadline = asyncio.get_running_loop().time() + self._patience.whole
        try:
            async with asyncio.timeout_at(deadline):
                await self._busy.acquire()
        except TimeoutError:
            return NO_TURN
        try:
            self._conversation.begin(deadline)
            return await self._send(message, envelope)
        finally:
            self._conversation.rest()
            self._busy.release()

    async def close(self) -> None:
        await self._conversation.close()

    async def _send(self, message: Message, envelope: Envelope) -> Outcome:
        mail = letter(message, envelope, self._render, self._settings)
        ledger = Ledger(self._settings.recipients, envelope.progress)
        try:
            broken = await self._mail_all(mail, ledger)
        except asyncio.CancelledError:
            raise Interrupted(ledger.outcome(cut_off(self._conversation.steps.stage), None, ())) from None
        return ledger.outcome(broken, mail.place.anchor, [f"template {flaw}" for flaw in mail.flaws])

    async def _mail_all(self, mail: Letter, ledger: Ledger) -> Retry | Unknown | None:
        """Mail everybody who waits. What breaks the conversation also ends it: the others wait for the next try."""
        for shown, waiting in self._mailings(ledger.pending()):
            try:
                mail = await self._mail(mail, shown, waiting, ledger)
            except (SMTPException, OSError, SetupError, SecretUnavailableError) as fault:
                return trouble(self._conversation.steps.stage, fault)
        return None

    def _mailings(self, pending: Boxes) -> list[tuple[Boxes, Boxes]]:
        """Who is shown as addressed, and who is mailed: one by one, or in one mail for each way to write addresses."""
        if not self._settings.group_to:
            return [((box,), (box,)) for box in pending]
        found: list[tuple[Boxes, Boxes]] = []
        for utf8 in (False, True):
            shown = tuple(box for box in self._settings.recipients if box.needs_utf8 is utf8)
            found.append((shown, tuple(box for box in shown if box in pending)))
        return [(shown, waiting) for shown, waiting in found if waiting]

    async def _mail(self, mail: Letter, shown: Boxes, waiting: Boxes, ledger: Ledger) -> Letter:
        """Send `mail`, or its short form when the server finds it too large. Gives the form that went."""
        try:
            await self._conversation.mail(Mail(self._settings.sender, waiting, mail.to(shown)), ledger)
        except TooLargeError as fault:
            still = tuple(box for box in waiting if box in ledger.pending())
            if mail.html is not None:
                return await self._mail(mail.shortened(), shown, still, ledger)
            for box in still:
                ledger.note(box, fault.answer)
        return mail
