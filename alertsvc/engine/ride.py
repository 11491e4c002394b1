"""A claim of what is due, in whatever transaction, and the sending that follows once that has committed."""

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from alertsvc.engine.compose import Composed, compose
from alertsvc.engine.outlets import Outlet, Outlets
from alertsvc.store import outbox
from alertsvc.store.outbox import Claimed

log = logging.getLogger(__name__)

FEW = 4
"""So many messages are composed where they are claimed. More would hold up whoever waits for that transaction."""


@dataclass(frozen=True, slots=True)
class Leased:
    """A claimed delivery, the monotonic instant after which it must not be sent any more, and the message if made."""

    claimed: Claimed
    outlet: Outlet
    send_before: float
    composed: Composed | None = None


class Departures(Protocol):
    """What sends what a ride has claimed. `worker` is the name that its leases carry."""

    @property
    def worker(self) -> str: ...

    def start(self, leased: Leased) -> None: ...


class Ride:
    """One claim. `wanted` is how many to take, by destination; `over` is set when it can start nothing any more."""

    def __init__(self, sender: Departures, outlets: Outlets, wanted: dict[str, int], since: float) -> None:
        self.wanted = wanted
        self.over = asyncio.Event()
        self._sender = sender
        self._outlets = outlets
        self._since = since
        self._claimed: list[Claimed] = []
        self._composed: dict[UUID, Composed] = {}

    def claim(self, now: datetime, conn: Connection) -> None:
        """Lease what is due, within a transaction; again when that is run again."""
        by_name = self._outlets.by_destination
        until = {name: (most, now + by_name[name].lease) for name, most in self.wanted.items()}
        self._claimed = outbox.claim(conn, until, now, self._sender.worker)
        self._composed = {}
        if len(self._claimed) <= FEW:
            self._compose(now, conn)

    def _compose(self, now: datetime, conn: Connection) -> None:
        """Make the messages here, which saves each a connection and a snapshot: they leave right after the commit.

        A message that cannot be made must not fail the transaction, which is somebody else's: it is tried again by
        itself, and that fault is recorded. A fault of the database is the transaction's own.
        """
        for each in self._claimed:
            try:
                composed = compose_for(self._outlets, each, now, conn, decided_now=each.created_at == now)
            except SQLAlchemyError:
                raise
            except Exception:
                log.exception("delivery %s could not be composed where it was claimed", each.id)
            else:
                if composed is not None:
                    self._composed[each.id] = composed

    def start(self) -> bool:
        """The transaction has committed. Returns whether more may be due than could be taken."""
        for each in self._claimed:
            outlet = self._outlets.by_destination[each.destination]
            send_before = self._since + (outlet.lease - outlet.channel.budget).total_seconds()
            self._sender.start(Leased(each, outlet, send_before, self._composed.get(each.id)))
        taken = Counter(each.destination for each in self._claimed)
        return any(taken[name] >= most for name, most in self.wanted.items())


def compose_for(
    outlets: Outlets, claimed: Claimed, now: datetime, conn: Connection, *, decided_now: bool = False
) -> Composed | None:
    """What a leased delivery is to say, by the configuration in force; None when what it was about is gone."""
    return compose(conn, claimed, outlets.rules, outlets.external_url, now, decided_now=decided_now)
