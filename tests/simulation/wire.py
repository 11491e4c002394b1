"""Between a process and the providers: real channels on one side, originals with a memory on the other."""

import asyncio
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from random import Random
from urllib.parse import urlsplit
from uuid import UUID

from alertsvc.channels import CHANNELS
from alertsvc.channels.base import Channel, Envelope, Tools
from alertsvc.channels.http import HttpClient, Patience, Reply
from alertsvc.channels.message import DigestMessage, Message
from alertsvc.channels.outcome import Accepted, Fault, Outcome, Retry, Unknown
from alertsvc.channels.render import TemplateRenderer
from alertsvc.core.effects import digest_lane, incident_lane
from alertsvc.core.model import IncidentStatus, Reason
from tests.fakes.mail import Mail, MailServer
from tests.fakes.pagerduty import PagerDutyBooks
from tests.fakes.provider import Answer, Asked, Mood, Original
from tests.fakes.slack import TOKEN, SlackWorkspace
from tests.fakes.teams import PATH, TeamsFlow
from tests.simulation.loop import VirtualLoop

FASTEST, SLOWEST = 0.005, 0.5
ROUTING_KEY = "k" * 32
RENDER = TemplateRenderer()


@dataclass(frozen=True)
class Sending:
    """One try of one message."""

    destination: str
    message: Message
    envelope: Envelope

    @property
    def lane(self) -> str:
        if isinstance(self.message, DigestMessage):
            return digest_lane(self.message.name, self.destination)
        return incident_lane(self.message.incident_id, self.destination)


@dataclass(frozen=True)
class Taken:
    """A provider took a request of a message at `at`, whether or not its sender ever heard so."""

    at: float
    sending: Sending
    path: str

    @property
    def is_noticed(self) -> bool:
        """Whether people notice: a change to what stands in Slack notifies nobody, and may be repeated."""
        return self.path != "/api/chat.update"

    @property
    def delivery_id(self) -> UUID:
        return self.sending.envelope.delivery_id

    def says(self) -> dict[UUID, str]:
        """What whoever reads it believes: by incident, `fires` or `ended`; nothing where it only changed hands."""
        message = self.sending.message
        if isinstance(message, DigestMessage):
            return {each.incident_id: _word(each.status) for each in message.items}
        if message.reason in {Reason.ACKNOWLEDGED, Reason.UNACKNOWLEDGED}:
            return {}
        return {message.incident_id: _word(message.status)}


def _word(status: IncidentStatus) -> str:
    return "ended" if status is IncidentStatus.RESOLVED else "fires"


_SENDING: ContextVar[Sending] = ContextVar("sending")


class Journal:
    """What left, what was taken, and what came back, in order."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self.left: list[Sending] = []
        self.taken: list[Taken] = []
        self.returned: list[tuple[Sending, Outcome]] = []
        self._note = note

    def leaves(self, sending: Sending) -> None:
        self.left.append(sending)
        self._note(f"leaves {_name(sending)}")

    def is_taken(self, taken: Taken) -> None:
        self.taken.append(taken)
        self._note(f"taken {_name(taken.sending)}")

    def came_back(self, sending: Sending, outcome: Outcome) -> None:
        self.returned.append((sending, outcome))
        self._note(f"came back {_name(sending)}: {type(outcome).__name__}")


def _name(sending: Sending) -> str:
    message, envelope = sending.message, sending.envelope
    what = "digest" if isinstance(message, DigestMessage) else f"#{message.number} {message.reason}"
    return f"{sending.destination} {what} seq={message.sequence} {envelope.delivery_id} try={envelope.attempt}"


class Line:
    """The network to one provider, in the mood it is in."""

    def __init__(self, original: Original, chance: Random, journal: Journal) -> None:
        self.original = original
        self.mood = Mood.NORMAL
        self._chance = chance
        self._journal = journal

    async def carry(
        self, path: str, content: bytes, headers: Mapping[str, str], patience: float
    ) -> Answer | Retry | Unknown:
        """One request. Whether it arrives does not depend on whether its sender lives to hear of it."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        mood = self.mood
        if mood is Mood.RESET:
            await asyncio.sleep(self._delay())
            return Retry(Fault.NETWORK, "no connection")
        answered: asyncio.Future[Answer | None] = loop.create_future()
        sending = _SENDING.get()

        def arrive() -> None:
            answer = self.original.treat(Asked("POST", path, headers, content, loop.time()), mood)
            if mood is Mood.DROP_ANSWER or (answer is not None and _is_success(answer)):
                self._journal.is_taken(Taken(loop.time(), sending, path))
            if mood is Mood.HANG:
                return
            wait = self._delay() + (patience * self._chance.uniform(0.5, 1.5) if mood is Mood.SLOW else 0)
            loop.call_outside(wait, lambda: answered.done() or answered.set_result(answer))

        loop.call_outside(self._delay(), arrive)
        done, _ = await asyncio.wait({answered}, timeout=patience)
        if not done:
            return Unknown("no answer in time")
        return answered.result() or Unknown("the connection broke before the answer", Fault.NETWORK)

    def _delay(self) -> float:
        return self._chance.uniform(FASTEST, SLOWEST)


def _is_success(answer: Answer) -> bool:
    return 200 <= answer.status < 300 and b'"ok": false' not in answer.body


class Http(HttpClient):
    """The way to a provider that real channels are given."""

    def __init__(self, line: Line, patience: Patience) -> None:
        self._line = line
        self._patience = patience

    async def post(self, url: str, *, content: bytes, headers: Mapping[str, str]) -> Reply | Retry | Unknown:
        """See `HttpClient`."""
        parts = urlsplit(url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        answer = await self._line.carry(path, content, headers, self._patience.whole)
        if not isinstance(answer, Answer):
            return answer
        lower = {name.lower(): value for name, value in answer.headers.items()}
        return Reply(answer.status, lower, answer.body.decode())

    async def close(self) -> None:
        """See `HttpClient`."""


class Hook(Original):
    """Somebody's webhook."""

    def answer(self, asked: Asked) -> Answer:
        """See `Original`."""
        return Answer(204)


class MailHost(Original):
    """A mail server, each recipient a request of its own: what RCPT and the final dot come to."""

    def __init__(self) -> None:
        super().__init__()
        self.server = MailServer({"bob@example.com": ["451 4.7.1 later", "250 fine", "451 4.7.1 later", "250 fine"]})

    def answer(self, asked: Asked) -> Answer:
        """See `Original`."""
        reply = self.server.answer_for(asked.path)
        if reply.startswith("2"):
            self.server.keep(Mail(asked.body, (asked.path,)))
        return Answer(200 if reply.startswith("2") else 503, reply.encode())


class MailChannel:
    """Mails to two people. Who has a mail does not get it again because of the other one."""

    budget = timedelta(seconds=45)
    rate, burst, concurrency = 5.0, 10, 2

    def __init__(self, line: Line) -> None:
        self._line = line

    async def send(self, message: Message, envelope: Envelope) -> Outcome:
        """See `Channel`."""
        mail = EmailMessage()
        mail["Message-ID"] = f"<{envelope.delivery_id}@example.com>"
        progress = dict(envelope.progress)
        fault: Outcome | None = None
        for address in ("ann@example.com", "bob@example.com"):
            if address in progress:
                continue
            answer = await self._line.carry(address, mail.as_bytes(), {}, 20.0)
            if isinstance(answer, Answer) and answer.status == 200:
                progress[address] = "has it"
            elif isinstance(answer, Answer):
                fault = fault or Retry(Fault.SERVER_ERROR, answer.body.decode())
            elif not isinstance(fault, Unknown):
                fault = answer
        match fault:
            case None:
                return Accepted("250")
            case Unknown():
                return Unknown(fault.detail, fault.fault, progress)
            case _:
                return Retry(Fault.SERVER_ERROR, "one of them later", progress=progress)

    async def close(self) -> None:
        """See `Channel`."""


class Watched:
    """A channel whose tries are written into the journal."""

    def __init__(self, destination: str, channel: Channel, journal: Journal) -> None:
        self.budget, self.rate = channel.budget, channel.rate
        self.burst, self.concurrency = channel.burst, channel.concurrency
        self._destination = destination
        self._channel = channel
        self._journal = journal

    async def send(self, message: Message, envelope: Envelope) -> Outcome:
        """See `Channel`."""
        sending = Sending(self._destination, message, envelope)
        _SENDING.set(sending)
        self._journal.leaves(sending)
        outcome = await self._channel.send(message, envelope)
        self._journal.came_back(sending, outcome)
        return outcome

    async def close(self) -> None:
        """See `Channel`."""
        await self._channel.close()


class Providers:
    """All of them, and channels that lead there."""

    def __init__(self, chance: Random, journal: Journal) -> None:
        self.journal = journal
        self.pagerduty = PagerDutyBooks(strict_rate=True)
        self.slack = SlackWorkspace(strict_rate=True)
        self.teams = TeamsFlow(strict_rate=True, schema=False)
        self.mail = MailHost()
        self.hook = Hook()
        self.lines = {
            "pager": Line(self.pagerduty, chance, journal),
            "chat": Line(self.slack, chance, journal),
            "teams": Line(self.teams, chance, journal),
            "mail": Line(self.mail, chance, journal),
            "hook": Line(self.hook, chance, journal),
        }

    def open(self, destination: str) -> Channel:
        """A channel to the provider that a destination is named for."""
        name = destination.partition("/")[2]
        line = self.lines[name]
        if name == "mail":
            return Watched(destination, MailChannel(line), self.journal)

        def http(*, concurrency: int, patience: Patience | None = None) -> HttpClient:
            return Http(line, patience or Patience())

        kind, entry = _ENTRIES[name]
        known = CHANNELS[kind]
        shared = known.globals() if known.globals is not None else None
        config = known.config.model_validate(entry)
        channel = known.open(config, shared, Tools(RENDER, http, "https://alerts.example.com"))
        return Watched(destination, channel, self.journal)

    def faults(self) -> list[str]:
        """What a real provider would have refused or lost."""
        return [fault for line in self.lines.values() for fault in line.original.faults]


_ENTRIES: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "pager": ("pagerduty", {"routing_key": ROUTING_KEY}),
    "chat": ("slack", {"app_token": TOKEN, "channel": "#ml", "update_message": True}),
    "teams": ("msteamsv2", {"webhook_url": f"https://example.powerplatform.com{PATH}"}),
    "hook": ("webhook", {"url": "https://hooks.example.com/alerts"}),
}
