"""Prints messages to standard output: what a first run shows without any account anywhere."""

import sys
from datetime import timedelta
from typing import ClassVar, TextIO

from alertsvc.channels.badge import badge, digest_badge
from alertsvc.channels.base import Channel, ChannelConfig, Envelope, Tools
from alertsvc.channels.heading import Heading, heading_of, with_flaws
from alertsvc.channels.message import DigestMessage, Message
from alertsvc.channels.outcome import Accepted, Fault, Outcome, Retry
from alertsvc.channels.plain import plain_text
from alertsvc.channels.render import Renderer

WIDTH = 72


class ConsoleConfig(ChannelConfig):
    """One entry of `console_configs`."""

    kind: ClassVar[str] = "console"

    def label(self) -> str:
        return "stdout"


def open_console(config: ConsoleConfig, _: None, tools: Tools) -> Channel:  # noqa: ARG001 - every kind opens alike
    """The channel for one entry of `console_configs`."""
    return Console(tools.render, sys.stdout)


def console_block(message: Message, heading: Heading) -> str:
    """`message` as a block of lines between two rules."""
    rule = f"── {_mark(message)} "
    lines = plain_text("console.txt", message).rstrip().splitlines()[2:]
    return "\n".join([rule + "─" * (WIDTH - len(rule)), heading.title, heading.summary, *lines, "─" * WIDTH, ""])


def _mark(message: Message) -> str:
    """What it is, and the number to acknowledge it by."""
    if isinstance(message, DigestMessage):
        return str(digest_badge(message))
    return f"{badge(message)} · INC-{message.number}" if message.number else str(badge(message))


class Console:
    """Writes to a stream."""

    budget = timedelta(seconds=5)
    rate = 100.0
    burst = 100
    concurrency = 1

    def __init__(self, render: Renderer, out: TextIO) -> None:
        self._render = render
        self._out = out

    async def send(self, message: Message, envelope: Envelope) -> Outcome:  # noqa: ARG002 - nothing of it is shown
        """Print. What the stream has no signs for is printed as question marks."""
        heading = heading_of(message, self._render)
        coding = self._out.encoding or "utf-8"
        block = console_block(message, heading).encode(coding, "replace").decode(coding)
        try:
            self._out.write(block)
            self._out.flush()
        except (OSError, ValueError) as fault:  # ValueError: it was closed
            return Retry(Fault.OTHER, f"standard output cannot be written to: {type(fault).__name__}")
        return with_flaws(Accepted("printed"), heading)

    async def close(self) -> None:
        """See `Channel`. Standard output is not ours to close."""
