"""Stand-ins for providers: they take what the service sends, and say in one line what it was."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from typing import Any, cast

Report = Callable[[str, str], None]
"""Is told (channel, what arrived)."""

MAX_BODY_BYTES = 1024 * 1024


@dataclass(slots=True)
class Taken:
    """What has arrived so far, by channel."""

    slack: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    teams: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    pagerduty: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    mail: list[str] = field(default_factory=list[str])


class HttpSink:
    """Slack, Teams and PagerDuty behind one loopback port, told apart by their paths."""

    def __init__(self, taken: Taken, report: Report) -> None:
        self._taken = taken
        self._report = report

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, ValueError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                path = head[0].split(" ")[1]
                length = next(int(line.split(":")[1]) for line in head if line.lower().startswith("content-length:"))
                body = await reader.readexactly(min(length, MAX_BODY_BYTES))
                status, answer = self._take(path, json.loads(body))
                writer.write(f"HTTP/1.1 {status} OK\r\nContent-Length: {len(answer)}\r\n\r\n".encode() + answer)
                await writer.drain()
        writer.close()

    def _take(self, path: str, content: dict[str, Any]) -> tuple[int, bytes]:
        if path.startswith("/slack"):
            self._taken.slack.append(content)
            self._report("Slack", str(content.get("text", "")).splitlines()[0][:110])
            return 200, b"ok"
        if path.startswith("/teams"):
            self._taken.teams.append(content)
            self._report("Teams", ". ".join(_words(content["attachments"][0]["content"]["body"][:1]))[:110])
            return 202, b""
        summary = content.get("payload", {}).get("summary", "")
        if "event_action" not in content:
            self._report("PagerDuty", f"change event, pages nobody: {summary}"[:110])
            return 202, b'{"status":"success","message":"Change event processed"}'
        self._taken.pagerduty.append(content)
        self._report("PagerDuty", f"{content['event_action']} {summary}".strip()[:110])
        said = {"status": "success", "message": "Event processed", "dedup_key": content.get("dedup_key", "")}
        return 202, json.dumps(said).encode()


def _words(part: Any) -> Iterator[str]:
    """The texts of a piece of a card, in the order people read them."""
    if isinstance(part, list):
        for each in cast(list[Any], part):
            yield from _words(each)
    elif isinstance(part, dict):
        known = cast(dict[str, Any], part)
        if "text" in known:
            yield str(known["text"])
        yield from _words([known[name] for name in ("inlines", "items") if name in known])


class SmtpSink:
    """As much of an SMTP server as it takes to receive a mail."""

    def __init__(self, taken: Taken, report: Report) -> None:
        self._taken = taken
        self._report = report

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await _say(writer, "220 demo")
            while line := (await reader.readline()).decode("latin-1").strip():
                verb = line[:4].upper()
                if verb == "QUIT":
                    await _say(writer, "221 bye")
                    break
                if verb == "DATA":
                    await _say(writer, "354 go on")
                    self._keep(await reader.readuntil(b"\r\n.\r\n"))
                await _say(writer, "250 OK")
        writer.close()

    def _keep(self, content: bytes) -> None:
        mail = message_from_bytes(content, policy=policy.default)
        subject = str(cast(Any, mail)["Subject"])
        self._taken.mail.append(subject)
        self._report("e-mail", subject[:110])


async def _say(writer: asyncio.StreamWriter, line: str) -> None:
    writer.write(f"{line}\r\n".encode())
    await writer.drain()


@contextlib.asynccontextmanager
async def open_sinks(taken: Taken, report: Report) -> AsyncGenerator[tuple[int, int]]:
    """Both sinks, on free loopback ports: (HTTP port, SMTP port)."""
    http = await asyncio.start_server(HttpSink(taken, report).serve, "127.0.0.1", 0, limit=MAX_BODY_BYTES)
    smtp = await asyncio.start_server(SmtpSink(taken, report).serve, "127.0.0.1", 0, limit=MAX_BODY_BYTES)
    try:
        yield http.sockets[0].getsockname()[1], smtp.sockets[0].getsockname()[1]
    finally:
        http.close()
        smtp.close()
