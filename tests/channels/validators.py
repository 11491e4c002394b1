"""Judges of payloads that are not ours: Slack's library, Microsoft's schema, PagerDuty's written rules."""

import json
import re
from functools import cache
from pathlib import Path

import adaptive_cards
from jsonschema import Draft6Validator
from slack_sdk.models.blocks import Block

from alertsvc.channels.json_body import encoded

BADGE = re.compile(r"[^\w<>{}\[\]*_]* ?(?:Critical|Error|Warning|Info|Acknowledged|Resolved|Test)")
"""All that may stand in the one element of a card that reads markup."""
MENTION = re.compile(r"<!(?:channel|here|everyone|subteam)|<@")
MARKUP = re.compile(r"<(?:https?://[^<>|]*\|[^<>]*|!date\^\d+\^\{date_short\} \{time\}\|[^<>]*|[@!][^<>|]*)>")
"""What may stand between angle brackets in a text for Slack: links, dates, and mentions (judged apart)."""


def slack_texts(payload):
    """Every text of a payload that Slack reads as markup."""
    yield payload.get("text", "")
    blocks = [*payload.get("blocks", []), *(each for a in payload.get("attachments", []) for each in a["blocks"])]
    for block in blocks:
        texts = [block.get("text"), *block.get("fields", []), *block.get("elements", [])]
        yield from (text["text"] for text in texts if text and text.get("type") == "mrkdwn")


def check_slack(payload, mentions=()):
    blocks = payload["blocks"]
    for attachment in payload["attachments"]:
        assert re.fullmatch("#[0-9a-f]{6}", attachment["color"])
        blocks = [*blocks, *attachment["blocks"]]
    assert len(blocks) <= 40
    for block in blocks:
        parsed = Block.parse(block)
        assert parsed is not None
        parsed.to_dict()  # raises on a fault
        assert all(0 < len(field["text"]) <= 2000 for field in block.get("fields", []))
        texts = [block[name]["text"] for name in ("text",) if name in block]
        assert all(0 < len(text) <= 3000 for text in texts)
    assert 0 < len(payload["text"].encode()) <= 4000
    assert sum(map(len, slack_texts(payload))) <= 9000
    assert len(encoded(payload)) < 40_000
    for text in slack_texts(payload):
        check_markup(text, mentions)


def check_markup(text, mentions=()):
    """Nothing stands between angle brackets but what we put there, and no bracket or ampersand stands bare."""
    for found in MARKUP.findall(text):
        if MENTION.match(found):
            assert found in mentions, found
    rest = MARKUP.sub("", text)
    assert "<" not in rest
    assert ">" not in rest
    assert not re.search(r"&(?!amp;|lt;|gt;)", rest), rest


@cache
def card_schema():
    path = Path(adaptive_cards.__file__).parent / "schemas" / "schema-1.5.json"
    return Draft6Validator(json.loads(path.read_text()))


def deepest(error):
    """The most telling of the errors below one."""
    while error.context:
        error = max(error.context, key=lambda inner: len(inner.absolute_path))
    return f"{list(error.absolute_path)}: {error.message[:300]}"


def check_teams(payload):
    (attachment,) = payload["attachments"]
    assert payload["type"] == "message"
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert attachment["contentUrl"] is None
    card = attachment["content"]
    assert card["version"] == "1.5"
    assert card["fallbackText"]
    plain = {name: value for name, value in card.items() if name != "msteams"}
    assert [deepest(error) for error in card_schema().iter_errors(plain)] == []
    assert len(json.dumps(json.dumps(card)).encode()) <= 26_000
    assert len(card.get("actions", [])) <= 4
    for element in elements(card):
        if element.get("type") == "TextBlock":
            assert BADGE.fullmatch(element["text"])
        for text in (element.get("text", ""), element.get("title", ""), card["fallbackText"]):
            assert "{{" not in text
            assert "}}" not in text


def elements(node):
    """Every object within a card."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from elements(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from elements(value)


def check_pagerduty(event):
    """The rules of Events API v2; of change events for what has no action."""
    whole = {"routing_key": "0" * 32, **event}
    assert len(encoded(whole)) <= 500_000
    if "event_action" in event:
        assert event["event_action"] in {"trigger", "acknowledge", "resolve"}
        assert 0 < len(event["dedup_key"]) <= 255
    if event.get("event_action") in {"acknowledge", "resolve"}:
        assert set(event) == {"event_action", "dedup_key"}
        return
    payload = event["payload"]
    assert 0 < len(payload["summary"]) <= 1024
    assert payload["source"]
    assert "event_action" not in event or payload["severity"] in {"critical", "error", "warning", "info"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00", payload["timestamp"])
    assert len(payload["custom_details"]) <= 30
    assert all(isinstance(text, str) and text for text in payload["custom_details"].values())
    for link in event["links"]:
        assert re.match("https?://", link["href"])
        assert link["text"]


def check_webhook(payload):
    assert set(payload) == {"type", "timestamp", "data"}
    assert re.fullmatch(r"incident\.[a-z]+|digest|storm", payload["type"])
    assert payload["data"]["version"] == 1
    assert len(encoded(payload)) <= 20_000


CHECKS = {"slack": check_slack, "msteams": check_teams, "pagerduty": check_pagerduty, "webhook": check_webhook}
