"""What every way out has in common: its configuration, its tools, and the one call that sends."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, Protocol
from uuid import UUID

from pydantic import BaseModel, ConfigDict, SecretStr

from alertsvc.channels.http import HttpFactory
from alertsvc.channels.message import Message
from alertsvc.channels.outcome import Anchor, Outcome
from alertsvc.channels.render import Renderer
from alertsvc.core.model import Reason
from alertsvc.secret import Secret

FIRING_REASONS = frozenset(
    {
        Reason.OPENED,
        Reason.UPDATED,
        Reason.RAISED,
        Reason.REPEATED,
        Reason.UNMUTED,
        Reason.FLAPPING,
        Reason.TEST,
    }
)


class Crowd(StrEnum):
    """What too many messages at once are to whoever gets them."""

    NEVER = "never"
    """No number is too many."""
    MESSAGES = "messages"
    """People read each."""
    PAGES = "pages"
    """A program keeps books: it must hear each end of what it heard of, and may wake people."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What surrounds a message on one try.

    `delivery_id` is the same on every retry of the same message (an idempotency key where the provider has one);
    `attempt` counts from 1. `anchor` is what the provider gave back for this incident earlier; `progress` what the
    previous try of this very message left.
    """

    delivery_id: UUID
    attempt: int
    sent_at: datetime
    anchor: Anchor | None = None
    progress: Mapping[str, str] = field(default_factory=dict[str, str])


class Channel(Protocol):
    """One way out, open for sending.

    `budget` bounds one `send`, wall clock; the lease on the delivery outlasts it. `rate` is how many messages a second
    the provider stands, `burst` how many at once, `concurrency` how many may be under way.
    """

    budget: timedelta
    rate: float
    burst: int
    concurrency: int

    async def send(self, message: Message, envelope: Envelope) -> Outcome:
        """Send once and say how it ended. Never raises for what the provider or the network does.

        Raises:
            Interrupted: It was cancelled, and more is known of it than that nobody knows.
        """
        ...

    async def close(self) -> None:
        """Release connections. The channel is not used afterwards."""
        ...


class ChannelConfig(BaseModel):
    """One entry of a receiver's `<kind>_configs` list."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: ClassVar[str]
    crowd: ClassVar[Crowd] = Crowd.NEVER

    name: str | None = None
    send_resolved: bool = True

    def label(self) -> str:
        """What tells this entry from others of its kind, readable and free of secrets (`#ml-alerts`)."""
        raise NotImplementedError

    def doubts(self) -> Mapping[str, str]:
        """What is taken and may not be meant: what to say of it, by the key it is about."""
        return {}

    def hears(self) -> frozenset[Reason]:
        """The reasons this channel carries to people."""
        resolved = frozenset({Reason.RESOLVED}) if self.send_resolved else frozenset[Reason]()
        return FIRING_REASONS | resolved


def short_hash(text: str) -> str:
    """Eight hexadecimal digits that stand for `text` where it must not be shown."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def one_secret(name: str, inline: SecretStr | None, file: Path | None, env: str | None) -> Secret | None:
    """The secret that `name`, `name_file` or `name_env` gives; None when none of them does.

    Raises:
        ValueError: More than one of them is given.
    """
    given = [value for value in (inline, file, env) if value is not None]
    if len(given) > 1:
        raise ValueError(f"give only one of {name}, {name}_file and {name}_env")
    return Secret(name, inline, file, env) if given else None


def mark_of(secret: Secret) -> str:
    """Eight digits for the place a secret is in, or for the secret itself when it is given inline.

    They stay the same when a file or variable gets a new content.
    """
    return short_hash(secret.place if secret.inline is None else secret.inline.get_secret_value())


@dataclass(frozen=True, slots=True)
class Tools:
    """What the service lends to a channel.

    `render` turns a template and a message into text. `http` opens the client for one destination. `external_url` is
    the address people reach this service at, without a trailing slash, or None.
    """

    render: Renderer
    http: HttpFactory
    external_url: str | None = None
