"""Sends as a Slack app, which can change what it has posted and answer below it.

With `update_message` an incident has one message that always shows how it stands. A change to it notifies nobody, so
what people should hear of is also said in its thread. Without it what happens later stands in the thread. What wants
somebody to come shows in the channel as well.
"""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TypeGuard

from alertsvc.channels.base import Envelope
from alertsvc.channels.heading import Heading, with_flaws
from alertsvc.channels.http import Patience
from alertsvc.channels.json_body import JsonObject
from alertsvc.channels.message import DigestMessage, IncidentMessage, Message
from alertsvc.channels.outcome import Accepted, Anchor, Fault, Outcome, Rejected
from alertsvc.channels.slack.answers import Lost
from alertsvc.channels.slack.methods import POST, UPDATE, Methods
from alertsvc.channels.slack.writer import Writer, in_some_form
from alertsvc.core.model import Reason

ANEW = frozenset({Reason.OPENED, Reason.TEST})
"""News that always get a message of their own: an incident that was reopened must not hide in an old one."""
WANTED = frozenset({Reason.RAISED, Reason.REPEATED, Reason.UNMUTED, Reason.UNACKNOWLEDGED})
CHANGES_HANDS = frozenset({Reason.ACKNOWLEDGED, Reason.UNACKNOWLEDGED})
WORTH_A_REPLY = WANTED | CHANGES_HANDS | {Reason.RESOLVED}
CLEARED: JsonObject = {"blocks": [], "attachments": []}
"""An update leaves standing what it does not mention."""
MAX_REQUESTS = 4
"""A change, and a new message when there is nothing left to change; each laid out, and as plain text."""
UPDATES_PER_SECOND = 40 / 60
"""Slack takes fifty changes a minute from an app."""


class SlackApp:
    """One app that posts to one channel."""

    burst = 2
    concurrency = 2

    def __init__(self, methods: Methods, writer: Writer, patience: Patience, *, updates: bool, replies: bool) -> None:
        self.budget = timedelta(seconds=MAX_REQUESTS * patience.whole + 5)
        self.rate = UPDATES_PER_SECOND if updates else 1.0
        self._methods = methods
        self._writer = writer
        self._updates = updates
        self._replies = replies

    async def send(self, message: Message, envelope: Envelope) -> Outcome:
        """Post `message`, or change or answer what was posted of its incident before."""
        heading = self._writer.heading(message)
        return with_flaws(await self._send(message, heading, envelope), heading)

    async def close(self) -> None:
        """See `Channel`."""
        await self._methods.http.close()

    async def _send(self, message: Message, heading: Heading, envelope: Envelope) -> Outcome:
        anchor = envelope.anchor
        follows = self._updates or self._replies
        if not follows or isinstance(message, DigestMessage) or message.reason in ANEW or not _is_whole(anchor):
            return await self._post(message, heading, envelope)
        follow = self._update if self._updates else self._answer
        outcome = await follow(message, heading, envelope, anchor)
        if not isinstance(outcome, Lost):
            return outcome
        anew = await self._post(message, heading, envelope)
        return (
            replace(anew, detail=f"{anew.detail}, posted anew: {outcome.word}") if isinstance(anew, Accepted) else anew
        )

    async def _post(self, message: Message, heading: Heading, envelope: Envelope) -> Outcome:
        post = partial(self._methods.call, POST, now=envelope.sent_at)
        outcome = await in_some_form(self._writer.new(message, heading), post)
        if isinstance(outcome, Lost):
            return Rejected(Fault.OTHER, outcome.word)
        belongs = isinstance(message, IncidentMessage) and message.reason is not Reason.TEST
        return outcome if belongs or not isinstance(outcome, Accepted) else replace(outcome, anchor=None)

    async def _update(
        self, message: IncidentMessage, heading: Heading, envelope: Envelope, anchor: Anchor
    ) -> Outcome | Lost:
        """Change the incident's message, and say in its thread what people should hear of."""
        where: JsonObject = {"channel": anchor["channel"], "ts": anchor["ts"]}
        forms = self._writer.content(message, heading).each(lambda content: {**CLEARED, **content, **where})
        outcome = await in_some_form(forms, partial(self._methods.call, UPDATE, now=envelope.sent_at))
        if not isinstance(outcome, Accepted) or message.reason not in WORTH_A_REPLY or not self._replies:
            return outcome
        said = await self._say(message, heading, envelope, _thread(anchor, shown=message.reason in WANTED))
        if isinstance(said, Rejected):
            return replace(outcome, detail=f"updated; the word in the thread was refused: {said.detail}")
        return said

    async def _answer(
        self, message: IncidentMessage, heading: Heading, envelope: Envelope, anchor: Anchor
    ) -> Outcome | Lost:
        """Say it in the thread: all of it, or a sentence when it only changed hands."""
        if message.reason in CHANGES_HANDS:
            return await self._say(message, heading, envelope, _thread(anchor, shown=message.reason in WANTED))
        thread = _thread(anchor, shown=message.reason in WANTED | {Reason.RESOLVED})
        forms = self._writer.new(message, heading).each(lambda content: {**content, **thread})
        outcome = await in_some_form(forms, partial(self._methods.call, POST, now=envelope.sent_at))
        return replace(outcome, anchor=None) if isinstance(outcome, Accepted) else outcome

    async def _say(
        self, message: IncidentMessage, heading: Heading, envelope: Envelope, thread: JsonObject
    ) -> Outcome | Lost:
        payload = {**self._writer.reply(message, heading), **thread}
        outcome = await self._methods.call(POST, payload, now=envelope.sent_at)
        return replace(outcome, anchor=None) if isinstance(outcome, Accepted) else outcome


def _thread(anchor: Anchor, *, shown: bool) -> JsonObject:
    """A place below the incident's message, `shown` in the channel as well or not."""
    where: JsonObject = {"channel": anchor["channel"], "thread_ts": anchor["ts"]}
    return {**where, "reply_broadcast": True} if shown else where


def _is_whole(anchor: Anchor | None) -> TypeGuard[Anchor]:
    return anchor is not None and bool(anchor.get("channel")) and bool(anchor.get("ts"))
