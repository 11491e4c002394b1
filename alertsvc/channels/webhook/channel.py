"""Calls a webhook."""

from datetime import timedelta

from alertsvc.channels.ahead import Ahead
from alertsvc.channels.base import Channel, Envelope, Tools
from alertsvc.channels.exchange import Call, exchange, without_secret
from alertsvc.channels.heading import Heading, heading_of, with_flaws
from alertsvc.channels.http import HttpClient, Patience, Reply
from alertsvc.channels.json_body import JSON_HEADERS
from alertsvc.channels.message import Message
from alertsvc.channels.outcome import Fault, Outcome, Retry
from alertsvc.channels.render import Renderer
from alertsvc.channels.webhook.answers import webhook_outcome
from alertsvc.channels.webhook.body import webhook_body
from alertsvc.channels.webhook.config import WebhookConfig
from alertsvc.channels.webhook.signing import signed_headers, signing_key
from alertsvc.secret import SecretUnavailableError


def open_webhook(config: WebhookConfig, _: None, tools: Tools) -> Channel:
    """The channel for one entry of `webhook_configs`. Nothing is sent yet."""
    patience = Patience.within(config.timeout)
    return Webhook(config, tools.render, tools.http(concurrency=Webhook.concurrency, patience=patience), patience)


class Webhook:
    """One receiver, whoever it is."""

    rate = 10.0
    burst = 20
    concurrency = 8

    def __init__(self, config: WebhookConfig, render: Renderer, http: HttpClient, patience: Patience) -> None:
        self.budget = timedelta(seconds=patience.whole + 5)
        self._url = config.address()
        self._secrets = config.secrets()
        self._max_alerts = config.max_alerts
        self._render = render
        self._http = http
        self._ahead = Ahead(self._laid_out)

    def foresee(self, message: Message) -> None:
        """See `Foreseeing`."""
        self._ahead.foresee(message)

    async def send(self, message: Message, envelope: Envelope) -> Outcome:
        """Call once. The delivery's id is the same on every try: receivers know a repeat by it."""
        try:
            url, secrets = self._url.reveal(), tuple(secret.reveal() for secret in self._secrets)
            keys = [signing_key(secret) for secret in secrets]
        except SecretUnavailableError as fault:
            return without_secret(fault)
        except ValueError as fault:
            return Retry(Fault.CONFIGURATION, f"hmac_secret: {fault}", whole_destination=True)
        heading, body = self._ahead.of(message)
        signed = signed_headers(envelope.delivery_id, envelope.sent_at, body, keys)
        reply = await exchange(self._http, Call(url, body, {**JSON_HEADERS, **signed}, secrets))
        if not isinstance(reply, Reply):
            return reply
        return with_flaws(webhook_outcome(reply, envelope.sent_at), heading)

    def _laid_out(self, message: Message) -> tuple[Heading, bytes]:
        heading = heading_of(message, self._render)
        return heading, webhook_body(message, heading, self._max_alerts)

    async def close(self) -> None:
        """See `Channel`."""
        await self._http.close()
