"""Slack's building blocks, as far as they are used here, with their limits.

Source: https://docs.slack.dev/reference/block-kit/blocks
"""

from collections.abc import Iterable, Mapping, Sequence

from alertsvc.channels.clean import clean_line
from alertsvc.channels.json_body import Json, JsonObject
from alertsvc.core.model import Link

MAX_SECTION_CHARS = 2850
"""Slack counts 3000, in characters or in bytes: reports disagree."""
MAX_FIELD_CHARS = 400
MAX_FIELDS = 10
MAX_CONTEXT = 10
MAX_BUTTONS = 5
MAX_BUTTON_CHARS = 60
MAX_TOTAL_CHARS = 9000
"""All texts of a message. Slack refuses a message somewhere above 11,000 and says nowhere where."""


def section(text: str) -> JsonObject:
    """A paragraph of markup."""
    return {"type": "section", "text": _mrkdwn(text)}


def fields(texts: Iterable[str]) -> JsonObject:
    """Up to ten short texts in two columns."""
    return {"type": "section", "fields": [_mrkdwn(text) for text in texts][:MAX_FIELDS]}


def context(texts: Iterable[str]) -> JsonObject:
    """Small grey texts in a row."""
    return {"type": "context", "elements": [_mrkdwn(text) for text in texts][:MAX_CONTEXT]}


def buttons(links: Sequence[Link]) -> JsonObject:
    """Buttons that lead somewhere. Slack reports a click on them too; `noop` tells that nothing is to be done."""
    return {
        "type": "actions",
        "elements": [
            {
                "type": "button",
                "text": {"type": "plain_text", "text": clean_line(link.title, MAX_BUTTON_CHARS), "emoji": False},
                "url": link.url,
                "action_id": f"noop.{position}",
            }
            for position, link in enumerate(links[:MAX_BUTTONS])
        ],
    }


def total_chars(payload: Json) -> int:
    """How many characters of text a payload holds."""
    if isinstance(payload, Mapping):
        own = payload.get("text")
        return (len(own) if isinstance(own, str) else 0) + sum(
            total_chars(value) for value in payload.values() if not isinstance(value, str)
        )
    if isinstance(payload, Sequence) and not isinstance(payload, str):
        return sum(total_chars(value) for value in payload)
    return 0


def _mrkdwn(text: str) -> JsonObject:
    # verbatim: no name, channel or address in a text becomes a link by itself
    return {"type": "mrkdwn", "text": text, "verbatim": True}
