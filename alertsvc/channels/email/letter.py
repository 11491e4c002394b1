"""Lays a message out as a mail: headers, a plain text, and the same as a page."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from alertsvc.channels.base import Envelope
from alertsvc.channels.clean import cut, header_text
from alertsvc.channels.email.addresses import Mailbox
from alertsvc.channels.email.headers import encoded, folded, header_lines
from alertsvc.channels.email.settings import EmailSettings
from alertsvc.channels.email.thread import Place, message_id, place_of
from alertsvc.channels.message import DigestMessage, IncidentMessage, Message
from alertsvc.channels.render import Renderer, Rendering
from alertsvc.core.model import Severity

SHORT_CHARS = 2000
BODY = SMTP.clone(cte_type="7bit")
"""Every server takes seven bits, and no server then rewrites what it passes on."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail without its recipients. `html` is None in the short form, for servers that find the whole too large."""

    place: Place
    sender: Mailbox
    sent_at: datetime
    marks: tuple[tuple[str, str], ...]
    boundary: str
    text: str
    html: str | None
    flaws: tuple[str, ...] = ()

    def shortened(self) -> "Letter":
        """The same mail as plain text, cut to what people need first."""
        return replace(self, text=cut(self.text, SHORT_CHARS) + "\n", html=None)

    def to(self, recipients: Iterable[Mailbox]) -> bytes:
        """The mail as it goes over the wire, addressed to `recipients`."""
        place = self.place
        fields = [
            ("From", self.sender.header()),
            ("To", folded(_separated([box.header() for box in recipients]))),
            ("Subject", _subject(place)),
            ("Date", format_datetime(self.sent_at)),
            ("Message-ID", place.message_id),
        ]
        if place.references:
            fields += [("In-Reply-To", place.references[0]), ("References", folded(place.references))]
        return header_lines([*fields, *self.marks]) + self._body()

    def _body(self) -> bytes:
        body = EmailMessage(policy=BODY)
        body.set_content(self.text)
        if self.html is not None:
            body.add_alternative(self.html, subtype="html")
            body.set_boundary(self.boundary)
        return body.as_bytes()


def letter(message: Message, envelope: Envelope, render: Renderer, settings: EmailSettings) -> Letter:
    """Lay `message` out. Everything that comes from the message is clean before it reaches a header."""
    if isinstance(message, DigestMessage):
        texts = [render("digest_title.txt", message), render("digest.txt", message), render("digest.html", message)]
        place, marks = _digest_place(message, texts[0].text, envelope, settings), _digest_marks(message, settings)
    else:
        texts = [render("title.txt", message), render("email.txt", message), render("email.html", message)]
        place, marks = _incident_place(message, texts[0].text, envelope, settings), _incident_marks(message)
    return Letter(
        place=place,
        sender=settings.sender,
        sent_at=envelope.sent_at,
        marks=(*marks, *_AUTOMATIC, *settings.headers),
        boundary=f"=_{envelope.delivery_id.hex}",
        text=texts[1].text,
        html=texts[2].text,
        flaws=_flaws(texts),
    )


_AUTOMATIC = (
    ("Auto-Submitted", "auto-generated"),
    ("X-Auto-Response-Suppress", "OOF, AutoReply, RN, NRN"),  # not "All": that would also suppress bounces
)


def _incident_place(message: IncidentMessage, title: str, envelope: Envelope, settings: EmailSettings) -> Place:
    own_id = message_id(message.incident_id, envelope.delivery_id, settings.sender.domain)
    return place_of(message, title, own_id, envelope.anchor, stateful=settings.stateful_subject)


def _incident_marks(message: IncidentMessage) -> tuple[tuple[str, str], ...]:
    return (
        ("X-Alertsvc-Incident", f"INC-{message.number}"),
        ("X-Alertsvc-Status", message.status.value),
        ("X-Alertsvc-Severity", message.severity.word),
        ("X-Alertsvc-Reason", message.reason.value),
    )


def _digest_place(message: DigestMessage, title: str, envelope: Envelope, settings: EmailSettings) -> Place:
    own_id = message_id(message.digest_id, envelope.delivery_id, settings.sender.domain)
    return Place(own_id, header_text(title))


def _digest_marks(message: DigestMessage, settings: EmailSettings) -> tuple[tuple[str, str], ...]:
    name = re.sub(r"[^a-z0-9]+", "-", message.name.lower())[:60].strip("-") or "digest"
    worst = (
        message.storm.worst if message.storm else max((item.severity for item in message.items), default=Severity.INFO)
    )
    return (
        ("List-Id", f"<{name}.digest.{settings.sender.domain}>"),
        ("X-Alertsvc-Digest", name),
        ("X-Alertsvc-Severity", worst.word),
    )


def _subject(place: Place) -> str:
    return f"Re: {encoded('Subject: Re', place.subject)}" if place.again else encoded("Subject", place.subject)


def _separated(addresses: list[str]) -> list[str]:
    return [f"{address}," for address in addresses[:-1]] + addresses[-1:]


def _flaws(renderings: Iterable[Rendering]) -> tuple[str, ...]:
    found = [flaw for rendering in renderings if rendering.flaw for flaw in rendering.flaw.split("; ")]
    return tuple(dict.fromkeys(found))
