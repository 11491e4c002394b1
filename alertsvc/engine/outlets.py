"""The open channels, by destination: what the sender sends through. Swapped whole on reload."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from alertsvc.channels.base import Channel
from alertsvc.channels.message import Message
from alertsvc.core.rules import Rules

log = logging.getLogger(__name__)

LEASE_MARGIN = timedelta(seconds=30)


def _foresee_nothing(_message: Message) -> None:
    """Everything is made when it is sent."""


@dataclass(frozen=True, slots=True)
class Outlet:
    """One destination and the channel that reaches it. `foresee` prepares for a message that it will soon get."""

    destination: str
    kind: str
    channel: Channel
    foresee: Callable[[Message], None] = _foresee_nothing

    @property
    def lease(self) -> timedelta:
        """How long a delivery is leased: longer than any try can take."""
        return self.channel.budget + LEASE_MARGIN

    async def close(self) -> None:
        """Close the channel. A failure is logged: there is nothing that it could still keep from being done."""
        try:
            await self.channel.close()
        except Exception:
            log.exception("the channel of %s was not closed well", self.destination)


@dataclass(frozen=True, slots=True)
class Outlets:
    """All of them, with the rules they belong to, and how people reach this service."""

    rules: Rules
    by_destination: Mapping[str, Outlet]
    external_url: str | None = None

    @property
    def longest_lease(self) -> timedelta:
        """After so long no delivery that was leased is on its way any more."""
        return max((outlet.lease for outlet in self.by_destination.values()), default=LEASE_MARGIN)

    def not_in(self, others: "Outlets") -> list[Outlet]:
        """Those whose very channel is not among `others`."""
        theirs = others.by_destination
        return [outlet for name, outlet in self.by_destination.items() if theirs.get(name) is not outlet]

    async def close(self) -> None:
        """Close every channel, all at the same time: each may have to wait for what is under way."""
        await asyncio.gather(*(outlet.close() for outlet in self.by_destination.values()))
