"""Hands one mail to a server that is ready for it, and notes the answer for each recipient."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from aiosmtplib import (
    SMTP,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPServerDisconnected,
)

from alertsvc.channels.email.addresses import Mailbox
from alertsvc.channels.email.ledger import Answer, Ledger
from alertsvc.channels.email.steps import Stage, Steps
from alertsvc.channels.email.trouble import CLOSING, NEEDS_LOGIN

GO_AHEAD = 354
NO_UTF8 = Answer(553, "5.6.7 the server takes no address with letters outside ASCII")
_LEADING_DOT = re.compile(rb"(?m)^\.")


@dataclass(frozen=True, slots=True)
class Mail:
    """What goes into one transaction. `content` is the whole mail, its lines ended by CRLF."""

    sender: Mailbox
    recipients: Sequence[Mailbox]
    content: bytes

    @property
    def needs_utf8(self) -> bool:
        return any(box.needs_utf8 for box in self.recipients)


class TooLargeError(Exception):
    """The server takes mail, but not one of this size."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(str(answer))
        self.answer = answer


async def transact(smtp: SMTP, mail: Mail, ledger: Ledger, steps: Steps) -> None:
    """Hand `mail` over. Afterwards the connection is ready for the next one, or closed.

    Raises:
        TooLargeError: Nothing was sent; recipients still wait.
        SMTPException, OSError: The conversation broke; recipients without a final answer still wait.
    """
    if mail.needs_utf8 and not smtp.supports_extension("smtputf8"):
        for box in mail.recipients:
            ledger.note(box, NO_UTF8)
        return
    steps.enter(Stage.SENDER)
    try:
        options = _options(smtp, mail)
        await smtp.mail(mail.sender.address, options=options, encoding="utf-8", timeout=steps.seconds())
    except SMTPSenderRefused as refusal:
        await _refused(smtp, refusal, mail.recipients, ledger, steps)
        return
    welcome = await _offer(smtp, mail.recipients, ledger, steps)
    if welcome:
        await _hand_over(smtp, welcome, mail.content, ledger, steps)
    else:
        await _reset(smtp, steps)


async def _offer(smtp: SMTP, recipients: Sequence[Mailbox], ledger: Ledger, steps: Steps) -> list[Mailbox]:
    """Name the recipients; those that the server takes are returned, the answers about the others are noted."""
    steps.enter(Stage.RECIPIENT)
    welcome: list[Mailbox] = []
    for box in recipients:
        try:
            await smtp.rcpt(box.address, encoding="utf-8", timeout=steps.seconds())
        except SMTPRecipientRefused as refusal:
            if refusal.code == CLOSING or refusal.code in NEEDS_LOGIN:
                raise
            ledger.note(box, Answer(refusal.code, refusal.message))
        else:
            welcome.append(box)
    return welcome


async def _hand_over(smtp: SMTP, recipients: Sequence[Mailbox], content: bytes, ledger: Ledger, steps: Steps) -> None:
    """Send the content. aiosmtplib's own way has one time limit for both answers; ours are very different."""
    steps.enter(Stage.DATA)
    answer = await smtp.execute_command(b"DATA", timeout=steps.seconds())
    if answer.code == GO_AHEAD:
        protocol = smtp.protocol
        if protocol is None:
            raise SMTPServerDisconnected("Connection lost")
        protocol.write(_LEADING_DOT.sub(b"..", content) + b".\r\n")
        steps.enter(Stage.END)  # from here on nobody knows whether the server has the mail, until it says so
        answer = await protocol.read_response(timeout=steps.seconds_for_end())
    if 200 <= answer.code < 300:
        for box in recipients:
            ledger.note(box, Answer(answer.code, answer.message))
    else:
        await _refused(smtp, SMTPResponseException(answer.code, answer.message), recipients, ledger, steps)


async def _refused(
    smtp: SMTP, refusal: SMTPResponseException, recipients: Sequence[Mailbox], ledger: Ledger, steps: Steps
) -> None:
    """Note a refusal of the whole mail, unless it says something about us or the server instead."""
    if refusal.code == CLOSING or refusal.code in NEEDS_LOGIN or refusal.code < 400:
        raise refusal
    await _reset(smtp, steps)
    answer = Answer(refusal.code, refusal.message)
    if answer.too_large:
        raise TooLargeError(answer)
    for box in recipients:
        ledger.note(box, answer)


async def _reset(smtp: SMTP, steps: Steps) -> None:
    """Make the connection fit for the next mail, or close it. What was answered already stands."""
    try:
        await smtp.rset(timeout=steps.seconds())
    except (SMTPException, OSError):
        smtp.close()


def _options(smtp: SMTP, mail: Mail) -> list[str]:
    size = [f"SIZE={len(mail.content)}"] if smtp.supports_extension("size") else []
    return [*size, "SMTPUTF8", "BODY=8BITMIME"] if mail.needs_utf8 else size
