"""Slack: incoming webhooks and the two methods of its Web API that the service uses."""

import json
import time
from dataclasses import dataclass
from typing import Any

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block

from tests.fakes.provider import Answer, Asked, Provider

HOOK = "/services/T000/B000/secret"
TOKEN = "xoxb-test-token"
MAX_BLOCKS = 50


@dataclass(slots=True)
class Posted:
    """A message in a channel."""

    channel: str
    ts: str
    content: dict[str, Any]
    thread_ts: str | None = None
    edits: int = 0


class Slack(Provider):
    """Messages by channel, with the limits that Slack's own library knows. `strict_rate`: one a second a channel."""

    def __init__(self, *, strict_rate: bool = False) -> None:
        super().__init__()
        self.messages: list[Posted] = []
        self._strict_rate = strict_rate
        self._last: dict[str, float] = {}
        self._count = 0

    @property
    def hook_url(self) -> str:
        """The address of its incoming webhook."""
        return self.url + HOOK

    def answer(self, asked: Asked) -> Answer:
        """See `Provider`."""
        content = asked.json()
        channel = content.get("channel", "hook")
        if self._strict_rate and time.monotonic() - self._last.get(channel, 0.0) < 1.0:
            return self.rate_limited()
        self._last[channel] = time.monotonic()
        wrong = invalid(content)
        if asked.path == HOOK:
            return self._hook(content, wrong)
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return _said({"ok": False, "error": "invalid_auth"})
        if wrong:
            self.faults.append(wrong)
            return _said({"ok": False, "error": wrong})
        if asked.path == "/api/chat.postMessage":
            return self._post(content)
        if asked.path == "/api/chat.update":
            return self._update(content)
        return Answer(404, b"unknown method")

    def _hook(self, content: dict[str, Any], wrong: str | None) -> Answer:
        if wrong:
            self.faults.append(wrong)
            return Answer(400, wrong.encode())
        self.messages.append(Posted("hook", self._ts(), content))
        return Answer(200, b"ok", {"Content-Type": "text/html"})

    def _post(self, content: dict[str, Any]) -> Answer:
        posted = Posted(content["channel"], self._ts(), content, content.get("thread_ts"))
        self.messages.append(posted)
        return _said({"ok": True, "channel": "C0" + posted.channel.strip("#"), "ts": posted.ts})

    def _update(self, content: dict[str, Any]) -> Answer:
        found = next((each for each in self.messages if each.ts == content.get("ts")), None)
        if found is None:
            return _said({"ok": False, "error": "message_not_found"})
        kept = {} if "attachments" in content else {"attachments": found.content.get("attachments")}
        found.content = {**kept, **content}
        found.edits += 1
        return _said({"ok": True, "channel": content["channel"], "ts": found.ts})

    def _ts(self) -> str:
        self._count += 1
        return f"1700000000.{self._count:06d}"

    def rate_limited(self) -> Answer:
        """See `Provider`."""
        body = {"retry_after": self.retry_after, "ok": False, "error": "rate_limited"}
        return Answer(429, json.dumps(body).encode(), {"Retry-After": str(self.retry_after)})


def invalid(content: dict[str, Any]) -> str | None:
    """The word with which Slack would refuse a message."""
    if not content.get("text") and not content.get("blocks") and not content.get("attachments"):
        return "no_text"
    if bad_blocks(content.get("blocks", [])):
        return "invalid_blocks"
    if any(bad_blocks(each.get("blocks", [])) for each in content.get("attachments", [])):
        return "invalid_attachments"
    return None


def bad_blocks(blocks: list[dict[str, Any]]) -> bool:
    """Whether Slack's own library finds a fault in the blocks."""
    if len(blocks) > MAX_BLOCKS:
        return True
    try:
        for block in blocks:
            parsed = Block.parse(block)
            if parsed is None:
                return True
            parsed.to_dict()
    except SlackObjectFormationError:
        return True
    return any(len(field["text"]) > 2000 for block in blocks for field in block.get("fields", []))


def _said(body: dict[str, Any]) -> Answer:
    return Answer(200, json.dumps(body).encode(), {"Content-Type": "application/json"})
