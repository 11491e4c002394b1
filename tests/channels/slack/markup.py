"""Reads a payload as Slack would: what in its texts does something, and where its buttons lead."""

import re
from collections.abc import Mapping
from typing import Any

from tests.channels.validators import slack_texts

ANGLE = re.compile(r"<([^<>]*)>")
DATE = re.compile(r"!date\^\d+\^\{date_short\} \{time\}\|\d{4}-\d\d-\d\d \d\d:\d\d \w+")
LINK = re.compile(r"(https?://[^|<>\s]+)\|[^<>\n]*")


def blocks(payload: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All blocks, those of the attachment too."""
    inner = [block for each in payload.get("attachments", []) for block in each["blocks"]]
    return [*payload.get("blocks", []), *inner]


def buttons(payload: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [each for block in blocks(payload) if block["type"] == "actions" for each in block["elements"]]


def commands(payload: Mapping[str, Any]) -> set[str]:
    """What stands between angle brackets, but for dates: links as their address alone, mentions as they are."""
    found: set[str] = set()
    for inside in ANGLE.findall("\n".join(slack_texts(payload))):
        link = LINK.fullmatch(inside)
        if not DATE.fullmatch(inside):
            found.add(link[1].replace("&amp;", "&") if link else inside)
    return found


def doors(payload: Mapping[str, Any]) -> set[str]:
    """Every address that a payload leads to, and every mention in it."""
    return commands(payload) | {each["url"] for each in buttons(payload)}
