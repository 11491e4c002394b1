"""What is sent to Slack for a message. Pure; `tests/channels/golden` shows what comes out.

The title stands above one attachment, whose coloured bar shows the state. The text beside them is a whole sentence:
it is what a phone shows, what the search finds, and all that a screen reader reads.
"""

from alertsvc.channels.badge import badge, digest_badge
from alertsvc.channels.heading import Heading
from alertsvc.channels.json_body import JsonObject
from alertsvc.channels.message import DigestMessage, Message
from alertsvc.channels.slack.blocks import MAX_TOTAL_CHARS, section, total_chars
from alertsvc.channels.slack.digest import digest_parts
from alertsvc.channels.slack.incident import incident_parts
from alertsvc.channels.slack.mrkdwn import escaped_line, link, mention
from alertsvc.channels.slack.parts import Look
from alertsvc.channels.tidy import ROOMS, Room, tidy
from alertsvc.channels.view import window
from alertsvc.core.model import Reason

MAX_SENTENCE_CHARS = 600
"""An update takes 4000 bytes of text, a character may have four, and a link and the mentions stand beside it."""
CALLING = frozenset({Reason.OPENED, Reason.RAISED, Reason.REPEATED, Reason.UNMUTED, Reason.UNACKNOWLEDGED})
"""The news that want somebody to come: only these call people by name."""


def slack_payload(message: Message, heading: Heading, look: Look) -> JsonObject:
    """`message` as Slack shows it, in the most generous room in which all of it fits."""
    payload: JsonObject = {}
    for room in ROOMS:
        payload = _laid_out(tidy(message, room), heading, room, look)
        if total_chars(payload) <= MAX_TOTAL_CHARS:
            break
    return payload


def plain_payload(message: Message, heading: Heading, look: Look) -> JsonObject:
    """The same without any layout, for when Slack finds a fault in ours."""
    known = tidy(message, ROOMS[-1])
    url = known.digest_url if isinstance(known, DigestMessage) else known.incident_url
    lines = [sentence(known, heading), link("Open", url) if url else "", calls(known, look)]
    return {"text": "\n".join(filter(None, lines))}


def reply_payload(message: Message, heading: Heading, look: Look) -> JsonObject:
    """What is said below the message of an incident, so that people hear of what its update shows."""
    known = tidy(message, ROOMS[-1])
    return {"text": " ".join(filter(None, [sentence(known, heading), calls(known, look)]))}


def sentence(message: Message, heading: Heading) -> str:
    """The message as a sentence or two: `🔴 Critical: churn production: Drift. New critical incident.`"""
    if isinstance(message, DigestMessage):
        return escaped_line(
            f"{digest_badge(message).sign} {heading.title.rstrip('.')}. {window(message)}", MAX_SENTENCE_CHARS
        )
    return escaped_line(f"{badge(message)}: {heading.title.rstrip('.')}. {heading.summary}", MAX_SENTENCE_CHARS)


def calls(message: Message, look: Look) -> str:
    """The mentions that `message` is worth."""
    if isinstance(message, DigestMessage) or message.reason not in CALLING or message.severity < look.mention_from:
        return ""
    return " ".join(mention(target) for target in look.mentions)


def _laid_out(message: Message, heading: Heading, room: Room, look: Look) -> JsonObject:
    if isinstance(message, DigestMessage):
        parts = digest_parts(message, heading, room, look)
    else:
        parts = incident_parts(message, heading, room, look)
    called = calls(message, look)
    title = "\n".join(filter(None, [parts.title, called]))
    return {
        "text": " ".join(filter(None, [sentence(message, heading), called])),
        "blocks": [section(text) for text in (look.pretext, title) if text],
        "attachments": [{"color": parts.color, "blocks": parts.blocks}],
    }
