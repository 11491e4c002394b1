"""Sends events to PagerDuty."""

from dataclasses import dataclass, replace
from datetime import timedelta

from alertsvc.channels.base import Channel, Envelope, Tools, short_hash
from alertsvc.channels.exchange import Call, exchange, without_secret
from alertsvc.channels.heading import Heading, heading_of, with_flaws
from alertsvc.channels.http import HttpClient, Patience, Reply
from alertsvc.channels.json_body import JSON_HEADERS, JsonObject, encoded
from alertsvc.channels.message import DigestMessage, IncidentMessage, Message
from alertsvc.channels.outcome import Accepted, Anchor, Fault, Outcome, Rejected
from alertsvc.channels.pagerduty.answers import pagerduty_outcome
from alertsvc.channels.pagerduty.config import BAD_KEY, KEY, PagerDutyConfig, PagerDutyGlobals
from alertsvc.channels.pagerduty.event import (
    Standing,
    digest_event,
    end_event,
    incident_event,
    storm_event,
    trial_event,
    trial_key,
)
from alertsvc.channels.render import Renderer
from alertsvc.core.model import Link, Reason, Severity
from alertsvc.secret import Secret, SecretUnavailableError

EVENTS = "https://events.pagerduty.com/v2/enqueue"
ENQUEUE, CHANGE = "/enqueue", "/change/enqueue"
OTHER_KEY = "what was said of this incident before had another routing key: what it opened there stays open"


def open_pagerduty(config: PagerDutyConfig, defaults: PagerDutyGlobals, tools: Tools) -> Channel:
    """The channel for one entry of `pagerduty_configs`. Nothing is sent yet."""
    patience = Patience.within(config.timeout)
    http = tools.http(concurrency=PagerDuty.concurrency, patience=patience)
    service = Service(config.url or defaults.pagerduty_url or EVENTS, config.key(), http)
    return PagerDuty(service, standing_of(config), tools.render, patience)


def standing_of(config: PagerDutyConfig) -> Standing:
    """What `config` says about every event."""
    return Standing(
        client=config.client,
        client_url=config.client_url,
        description=config.description,
        source=config.source,
        component=config.component,
        group=config.group,
        kind=config.class_,
        severity=None if config.severity is None else Severity[config.severity.upper()],
        severity_floor=Severity[(config.severity_floor or "info").upper()],
        details={name: text for name, text in config.details.items() if text},
        links=tuple(Link(link.text or link.href, link.href) for link in config.links),
    )


@dataclass(frozen=True, slots=True)
class Service:
    """One service of PagerDuty's: where its events go, and the key that says whose they are."""

    url: str
    key: Secret
    http: HttpClient

    def reveal(self) -> str:
        """The routing key.

        Raises:
            SecretUnavailableError: It cannot be read, or is none.
        """
        key = self.key.reveal()
        if not KEY.fullmatch(key):
            raise SecretUnavailableError(f"{self.key.name}, {self.key.place}: {BAD_KEY}")
        return key

    async def post(self, url: str, event: JsonObject, envelope: Envelope, key: str) -> Outcome:
        """Post one event and say how it ended."""
        content = encoded({"routing_key": key, **event})
        reply = await exchange(self.http, Call(url, content, JSON_HEADERS, (key,)))
        return pagerduty_outcome(reply, envelope.sent_at) if isinstance(reply, Reply) else reply


class PagerDuty:
    """One service. An incident is one alert there from its trigger to its resolve."""

    rate = 100 / 60
    burst = 10
    concurrency = 4

    def __init__(self, service: Service, standing: Standing, render: Renderer, patience: Patience) -> None:
        self.budget = timedelta(seconds=2 * patience.whole + 5)
        self._service = service
        self._standing = standing
        self._render = render

    async def send(self, message: Message, envelope: Envelope) -> Outcome:
        """Tell of `message`: an incident or a storm as an alert, a digest as a change."""
        try:
            key = self._service.reveal()
        except SecretUnavailableError as fault:
            return without_secret(fault)
        heading = heading_of(message, self._render)
        if isinstance(message, DigestMessage):
            outcome = await self._tell_digest(message, heading, envelope, key)
        elif message.reason is Reason.TEST:
            outcome = await self._try_out(message, heading, envelope, key)
        else:
            event = incident_event(message, heading, self._standing)
            outcome = await self._service.post(self._service.url, event, envelope, key)
            outcome = _anchored(outcome, envelope.anchor, short_hash(key))
        return with_flaws(outcome, heading)

    async def close(self) -> None:
        """See `Channel`."""
        await self._service.http.close()

    async def _tell_digest(self, message: DigestMessage, heading: Heading, envelope: Envelope, key: str) -> Outcome:
        if message.storm is not None:
            event = storm_event(message, message.storm, heading, self._standing)
            return await self._service.post(self._service.url, event, envelope, key)
        if not self._service.url.endswith(ENQUEUE):
            why = f"a digest is a change event, and where those go follows only from a URL that ends in {ENQUEUE}"
            return Rejected(Fault.CONFIGURATION, why)
        url = self._service.url.removesuffix(ENQUEUE) + CHANGE
        return await self._service.post(url, digest_event(message, heading, self._standing), envelope, key)

    async def _try_out(self, message: IncidentMessage, heading: Heading, envelope: Envelope, key: str) -> Outcome:
        begin = trial_event(message, heading, self._standing, envelope.delivery_id)
        begun = await self._service.post(self._service.url, begin, envelope, key)
        if not isinstance(begun, Accepted):
            return begun
        end = end_event(trial_key(envelope.delivery_id))
        ended = await self._service.post(self._service.url, end, envelope, key)
        if isinstance(ended, Accepted):
            return begun
        return replace(begun, detail=f"{begun.detail}; the test alert stays open, its end failed: {ended.detail}")


def _anchored(outcome: Outcome, anchor: Anchor | None, key_mark: str) -> Outcome:
    """`outcome` with the mark of the key that the alert belongs to: under another one its end is dropped silently."""
    if not isinstance(outcome, Accepted):
        return outcome
    known = (anchor or {}).get("key", key_mark)
    detail = outcome.detail if known == key_mark else f"{outcome.detail}; {OTHER_KEY}"
    return replace(outcome, detail=detail, anchor={"key": key_mark})
