"""An HTTP client that answers what a test says, and keeps what it was asked."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from alertsvc.channels.base import Envelope, Tools
from alertsvc.channels.http import Reply
from alertsvc.channels.outcome import Retry, Unknown
from alertsvc.channels.render import TemplateRenderer

SENT_AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
ENVELOPE = Envelope(UUID(int=7), 1, SENT_AT)
RENDER = TemplateRenderer()


@dataclass(frozen=True)
class Asked:
    """One request."""

    url: str
    content: bytes
    headers: Mapping[str, str]

    def json(self) -> Any:
        return json.loads(self.content)


class Scripted:
    """Gives its answers in turn; the last one stays. It is a factory as well: every client it opens is itself."""

    def __init__(self, *answers: Reply | Retry | Unknown) -> None:
        self._answers = list(answers)
        self.asked: list[Asked] = []
        self.closed = False

    def __call__(self, **_: object) -> "Scripted":
        return self

    async def post(self, url: str, *, content: bytes, headers: Mapping[str, str]) -> Reply | Retry | Unknown:
        self.asked.append(Asked(url, content, headers))
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    async def close(self) -> None:
        self.closed = True

    def tools(self, templates: Mapping[str, str] | None = None) -> Tools:
        """What a channel is opened with; `templates` are the operator's own."""
        return Tools(TemplateRenderer(templates) if templates else RENDER, self)


def reply(status: int, body: str = "", **headers: str) -> Reply:
    """An answer. Header names come with underscores."""
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def after(envelope: Envelope, **anchor: str) -> Envelope:
    """The envelope of a later message about the same incident."""
    return replace(envelope, delivery_id=UUID(int=8), anchor=anchor)
