"""Slack: incoming webhooks and the two methods of its Web API that the service uses."""

import json
from dataclasses import dataclass
from typing import Any

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block

from tests.fakes.provider import Answer, Asked, Original, Provider, Rate

HOOK = "/services/T000/B000/secret"
TOKEN = "xoxb-test-token"
MAX_BLOCKS = 50
MAX_UPDATE_BYTES = 4000
UPDATES_PER_MINUTE = 50


@dataclass(slots=True)
class Posted:
    """A message in a channel. `author` may change it, and nobody else. `edits` counts what showed as edited."""

    channel: str
    ts: str
    content: dict[str, Any]
    thread_ts: str | None = None
    author: str = TOKEN
    edits: int = 0


class SlackWorkspace(Original):
    """Messages by channel, with the limits that Slack's own library knows.

    `strict_rate`: one message a second in a channel, fifty changes a minute.
    """

    def __init__(self, *, strict_rate: bool = False) -> None:
        super().__init__()
        self.messages: list[Posted] = []
        self._posting = Rate(1, 1.0) if strict_rate else None
        self._changing = Rate(UPDATES_PER_MINUTE, 60.0) if strict_rate else None
        self._count = 0

    def answer(self, asked: Asked) -> Answer:
        """See `Original`."""
        content = asked.json()
        rate = self._changing if asked.path == "/api/chat.update" else self._posting
        place = _id_of(str(content.get("channel", "hook")))
        if rate is not None and not rate.allows(TOKEN if rate is self._changing else place, asked.at):
            return self.rate_limited()
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

    def write(self, channel: str, text: str) -> Posted:
        """A person writes something."""
        posted = Posted(_id_of(channel), self._ts(), {"text": text}, author="a person")
        self.messages.append(posted)
        return posted

    def delete(self, ts: str) -> None:
        """A person deletes a message."""
        self.messages = [each for each in self.messages if each.ts != ts]

    def _hook(self, content: dict[str, Any], wrong: str | None) -> Answer:
        if wrong:
            self.faults.append(wrong)
            return Answer(400, wrong.encode())
        self.messages.append(Posted("hook", self._ts(), content, author="hook"))
        return Answer(200, b"ok", {"Content-Type": "text/html"})

    def _post(self, content: dict[str, Any]) -> Answer:
        posted = Posted(content["channel"], self._ts(), content, content.get("thread_ts"))
        self.messages.append(posted)
        return _said({"ok": True, "channel": _id_of(posted.channel), "ts": posted.ts})

    def _update(self, content: dict[str, Any]) -> Answer:
        """Only a channel's id will do, and only the author changes a message. What is not mentioned stays."""
        if not content["channel"].startswith("C0"):
            return _said({"ok": False, "error": "channel_not_found"})
        place = content["channel"], content.get("ts")
        found = next((each for each in self.messages if (_id_of(each.channel), each.ts) == place), None)
        if found is None:
            return _said({"ok": False, "error": "message_not_found"})
        if found.author != TOKEN:
            return _said({"ok": False, "error": "cant_update_message"})
        if len(content.get("text", "").encode()) > MAX_UPDATE_BYTES:
            self.faults.append("msg_too_long")
            return _said({"ok": False, "error": "msg_too_long"})
        kept = {} if "attachments" in content else {"attachments": found.content.get("attachments")}
        changed = {**kept, **content}
        found.edits += _shown(changed) != _shown(found.content)
        found.content = changed
        return _said({"ok": True, "channel": content["channel"], "ts": found.ts})

    def _ts(self) -> str:
        self._count += 1
        return f"1700000000.{self._count:06d}"

    def rate_limited(self) -> Answer:
        """See `Provider`."""
        body = {"retry_after": self.retry_after, "ok": False, "error": "rate_limited"}
        return Answer(429, json.dumps(body).encode(), {"Retry-After": str(self.retry_after)})


class Slack(SlackWorkspace, Provider):
    """The same on a port."""

    @property
    def hook_url(self) -> str:
        """The address of its incoming webhook."""
        return self.url + HOOK


def _id_of(channel: str) -> str:
    return channel if channel.startswith("C0") else "C0" + channel.strip("#")


def _shown(content: dict[str, Any]) -> list[Any]:
    """What people see of a message."""
    return [content.get(name) or None for name in ("text", "blocks", "attachments")]


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
