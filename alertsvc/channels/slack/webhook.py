"""Sends through an incoming webhook of Slack's: each piece of news is a message of its own."""

from datetime import timedelta

from alertsvc.channels.ahead import Ahead
from alertsvc.channels.base import Envelope
from alertsvc.channels.exchange import Call, exchange, without_secret
from alertsvc.channels.heading import Heading, with_flaws
from alertsvc.channels.http import HttpClient, Patience, Reply
from alertsvc.channels.json_body import JSON_HEADERS, JsonObject, encoded
from alertsvc.channels.message import Message
from alertsvc.channels.outcome import Outcome
from alertsvc.channels.slack.answers import webhook_outcome
from alertsvc.channels.slack.writer import Forms, Writer, in_some_form
from alertsvc.secret import Secret, SecretUnavailableError

MAX_REQUESTS = 2
"""Laid out, and as plain text."""


class SlackWebhook:
    """One incoming webhook. What it posted cannot be changed afterwards."""

    rate = 1.0
    burst = 2
    concurrency = 2

    def __init__(self, url: Secret, writer: Writer, http: HttpClient, patience: Patience) -> None:
        self.budget = timedelta(seconds=MAX_REQUESTS * patience.whole + 5)
        self._url = url
        self._writer = writer
        self._http = http
        self._ahead = Ahead(self._laid_out)

    def foresee(self, message: Message) -> None:
        """See `Foreseeing`."""
        self._ahead.foresee(message)

    async def send(self, message: Message, envelope: Envelope) -> Outcome:
        """Post `message`."""
        try:
            url = self._url.reveal()
        except SecretUnavailableError as fault:
            return without_secret(fault)
        heading, forms = self._ahead.of(message)

        async def post(payload: JsonObject) -> Outcome:
            reply = await exchange(self._http, Call(url, encoded(payload), JSON_HEADERS))
            return webhook_outcome(reply, envelope.sent_at) if isinstance(reply, Reply) else reply

        return with_flaws(await in_some_form(forms, post), heading)

    def _laid_out(self, message: Message) -> tuple[Heading, Forms]:
        heading = self._writer.heading(message)
        return heading, self._writer.new(message, heading)

    async def close(self) -> None:
        """See `Channel`."""
        await self._http.close()
