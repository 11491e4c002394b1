"""How the mails of one incident hang together: identifiers, references, and a subject that stays."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from alertsvc.channels.clean import MAX_HEADER_CHARS, header_text
from alertsvc.channels.message import IncidentMessage
from alertsvc.channels.outcome import Anchor
from alertsvc.core.model import IncidentStatus, Reason

_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,500}>")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a mail stands in its thread. `references` are the first mail of the thread and the one before this.

    `again` says that mails with this subject went before.
    """

    message_id: str
    subject: str
    again: bool = False
    references: tuple[str, ...] = ()
    anchor: Anchor | None = None


def message_id(about: UUID, delivery_id: UUID, domain: str) -> str:
    """The same for every copy of one delivery: a mail that arrives twice is shown once by most programs."""
    return f"<{about.hex}.{delivery_id.hex}@{domain}>"


def place_of(message: IncidentMessage, title: str, own_id: str, anchor: Anchor | None, *, stateful: bool) -> Place:
    """The place of the mail about `message`.

    `anchor` is what the mail before left: the root of the thread, the last mail, and the subject. Mail programs keep a
    thread together by the references *and* an unchanged subject, so the first subject stays. A raise is the
    exception: it must be seen by those who were calm about the old one, so it begins a subject of its own.
    """
    before: Mapping[str, str] = anchor or {}
    references = tuple(dict.fromkeys(filter(_MESSAGE_ID.fullmatch, (before.get("root", ""), before.get("last", "")))))
    fresh = _subject(message, title, stateful=stateful)
    kept = "" if stateful or message.reason is Reason.RAISED else header_text(before.get("subject", ""))
    subject = kept or fresh
    after = {"root": references[0] if references else own_id, "last": own_id, "subject": subject}
    return Place(own_id, subject, subject == before.get("subject"), references, after)


def _subject(message: IncidentMessage, title: str, *, stateful: bool) -> str:
    word = message.severity.word
    if message.reason is Reason.TEST:
        word = "test"
    elif stateful and message.status is not IncidentStatus.FIRING:
        word = message.status.value
    start, end = f"[{word.upper()}] ", f" · INC-{message.number}"
    return start + header_text(title, MAX_HEADER_CHARS - len(start) - len(end)) + end
