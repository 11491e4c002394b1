"""Sends cards to Teams."""

from datetime import timedelta

from alertsvc.channels.ahead import Ahead
from alertsvc.channels.base import Channel, Envelope, Tools
from alertsvc.channels.exchange import Call, exchange, without_secret
from alertsvc.channels.heading import Heading, heading_of, with_flaws
from alertsvc.channels.http import HttpClient, Patience, Reply
from alertsvc.channels.json_body import JSON_HEADERS, encoded
from alertsvc.channels.message import Message
from alertsvc.channels.msteams.answers import teams_outcome
from alertsvc.channels.msteams.card import teams_payload
from alertsvc.channels.msteams.config import TeamsConfig
from alertsvc.channels.outcome import Outcome
from alertsvc.channels.render import Renderer
from alertsvc.secret import SecretUnavailableError


def open_msteams(config: TeamsConfig, _: None, tools: Tools) -> Channel:
    """The channel for one entry of `msteamsv2_configs`. Nothing is sent yet."""
    patience = Patience.within(config.timeout)
    return Teams(config, tools.render, tools.http(concurrency=Teams.concurrency, patience=patience), patience)


class Teams:
    """One flow. A card cannot be changed afterwards: each piece of news is a card of its own."""

    rate = 0.5
    burst = 4
    concurrency = 2

    def __init__(self, config: TeamsConfig, render: Renderer, http: HttpClient, patience: Patience) -> None:
        self.budget = timedelta(seconds=patience.whole + 5)
        self._config = config
        self._url = config.webhook()
        self._render = render
        self._http = http
        self._ahead = Ahead(self._laid_out)

    def foresee(self, message: Message) -> None:
        """See `Foreseeing`."""
        self._ahead.foresee(message)

    async def send(self, message: Message, envelope: Envelope) -> Outcome:
        """Post one card."""
        try:
            url = self._url.reveal()
        except SecretUnavailableError as fault:
            return without_secret(fault)
        heading, body = self._ahead.of(message)
        reply = await exchange(self._http, Call(url, body, JSON_HEADERS))
        if not isinstance(reply, Reply):
            return reply
        return with_flaws(teams_outcome(reply, envelope.sent_at), heading)

    def _laid_out(self, message: Message) -> tuple[Heading, bytes]:
        heading = heading_of(message, self._render, self._config.title, self._config.text)
        return heading, encoded(teams_payload(message, heading, self._config.mentions))

    async def close(self) -> None:
        """See `Channel`."""
        await self._http.close()
