"""What is sent to Teams for a message. Pure; `tests/channels/golden` shows what comes out.

The flow accepts anything and posts it afterwards, so nobody hears of a card that is too large or wrong: it must be
right before it leaves.
"""

import json
from collections.abc import Sequence

from alertsvc.channels.badge import badge, digest_badge
from alertsvc.channels.heading import Heading
from alertsvc.channels.json_body import Json, JsonObject
from alertsvc.channels.message import DigestMessage, Message
from alertsvc.channels.msteams.config import TeamsMention
from alertsvc.channels.msteams.digest import digest_body
from alertsvc.channels.msteams.elements import actions
from alertsvc.channels.msteams.incident import incident_body
from alertsvc.channels.selection import all_links
from alertsvc.channels.tidy import Room, tidy
from alertsvc.channels.view import digest_door
from alertsvc.core.model import Link, Reason

VERSION = "1.5"
SCHEMA = "http://adaptivecards.io/schemas/adaptive-card.json"
CARD = "application/vnd.microsoft.card.adaptive"
MAX_BYTES = 26_000
"""Teams takes 28,672 bytes, and counts the card as a string within JSON: everything in it is escaped twice."""
MAX_ACTIONS = 4
TOO_OLD = "This Teams is too old to show the card with the details."
"""Stands in for the card, perhaps as markup: so nothing from outside is in it."""
CALLING = frozenset({Reason.OPENED, Reason.RAISED, Reason.REPEATED, Reason.UNMUTED})

ROOMS = (
    Room(alerts=8, labels=12, items=40, text=1500, line=200),
    Room(alerts=4, labels=12, items=30, text=1500, line=200),
    Room(alerts=2, labels=12, items=20, text=1500, line=200),
    Room(alerts=2, labels=4, items=15, text=1500, line=120),
    Room(alerts=2, labels=4, items=10, text=600, line=120),
    Room(alerts=2, labels=2, items=6, text=200, line=60),
    Room(alerts=0, labels=0, items=3, text=80, line=40),
)
"""A card that is too large loses alerts first, then labels, then text."""


def teams_payload(message: Message, heading: Heading, mentions: Sequence[TeamsMention] = ()) -> JsonObject:
    """`message` as a card, in the most generous room in which it is small enough."""
    card: JsonObject = {}
    for room in ROOMS:
        card = _card(tidy(message, room), heading, room, mentions)
        if counted_bytes(card) <= MAX_BYTES:
            break
    attachment: JsonObject = {"contentType": CARD, "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def counted_bytes(card: Json) -> int:
    """The size of a card as Teams counts it, at worst."""
    return len(json.dumps(json.dumps(card)).encode())


def _card(message: Message, heading: Heading, room: Room, mentions: Sequence[TeamsMention]) -> JsonObject:
    if isinstance(message, DigestMessage):
        mark, body, called = str(digest_badge(message)), digest_body(message, heading, room), ()
        links = [Link(digest_door(message), message.digest_url)] if message.digest_url else []
    else:
        number = "" if message.reason is Reason.TEST else f": INC-{message.number}"
        mark, body = f"{badge(message)}{number}", incident_body(message, heading, room)
        called = mentions if message.reason in CALLING else ()
        links = all_links(message)
    doors = actions(links, 1 if room is ROOMS[-1] else MAX_ACTIONS)
    return {
        "$schema": SCHEMA,
        "type": "AdaptiveCard",
        "version": VERSION,
        "fallbackText": f"{mark}. {TOO_OLD}",
        "body": [*body, *(_call(mention) for mention in called)],
        **({"actions": doors} if doors else {}),
        "msteams": {"width": "full", **({"entities": [_entity(mention) for mention in called]} if called else {})},
    }


def _call(mention: TeamsMention) -> JsonObject:
    return {"type": "TextBlock", "text": f"<at>{mention.name}</at>", "wrap": True}


def _entity(mention: TeamsMention) -> JsonObject:
    return {
        "type": "mention",
        "text": f"<at>{mention.name}</at>",
        "mentioned": {"id": mention.id, "name": mention.name},
    }
