"""Calls an address outside again and again, as long as the service has just proved that it works: its silence is the
alarm.

What is proved: the last look at the books was lately and found nothing, at this replica and at those that it reads of;
a row was written and read back with it; every loop and job here comes round. No message goes through a destination of
its own for it: that would prove little more, and cost a message each minute.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alertsvc.channels.exchange import Call, exchange
from alertsvc.channels.http import HttpClient, HttpFactory, Reply, open_http
from alertsvc.clock import Clock
from alertsvc.engine.audit import Audited
from alertsvc.secret import Secret, SecretUnavailableError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Switch:
    """The address that is called, and how often."""

    url: Secret
    interval: timedelta


@dataclass(frozen=True, slots=True)
class Proof:
    """What speaks for the service: its last look at the books, and what does not work in this process."""

    audited: Audited | None
    troubles: Sequence[str]


def reasons_against(proof: Proof, now: datetime, longest: timedelta) -> list[str]:
    """Why the call is withheld at `now`. A look that is older than `longest` proves nothing any more."""
    against = list(proof.troubles)
    if proof.audited is None:
        return [*against, "nobody has looked at the books since the start"]
    if not timedelta(0) <= now - proof.audited.at <= longest:
        against.append("the last look at the books was too long ago")
    return against + [f"the check {name} finds {count}" for name, count in proof.audited.failing.items()]


class Deadman:
    """Calls, or withholds the call. `tick` it often: it knows when the next call is due."""

    def __init__(
        self,
        switch: Callable[[], Switch | None],
        proof: Callable[[], Proof],
        clock: Clock,
        *,
        longest: timedelta,
        http: HttpFactory = open_http,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._switch = switch
        self._proof = proof
        self._clock = clock
        self._longest = longest
        self._ticks = ticks
        self._open = http
        self._http: HttpClient | None = None
        self._called_at: float | None = None
        self.last_success: datetime | None = None
        self.withheld: Sequence[str] = ()
        """Why the last call was not made, or did not arrive; empty when it did."""

    @property
    def is_set(self) -> bool:
        """Whether there is an address to call."""
        return self._switch() is not None

    async def tick(self) -> None:
        """Call if it is time to."""
        switch = self._switch()
        if switch is None:
            return
        now = self._ticks()
        if self._called_at is not None and now - self._called_at < switch.interval.total_seconds():
            return
        against = reasons_against(self._proof(), self._clock(), self._longest)
        if not against:
            self._called_at = now
            against = await self._call(switch.url)
        self._note(against)

    async def close(self) -> None:
        """Close the connection."""
        if self._http is not None:
            await self._http.close()

    async def _call(self, address: Secret) -> list[str]:
        """Call, and say why it did not arrive, without the address: that is a secret."""
        if self._http is None:
            self._http = self._open(concurrency=1)
        try:
            call = Call(address.reveal(), b"", {})
        except SecretUnavailableError as fault:
            return [str(fault)]
        reply = await exchange(self._http, call)
        if not isinstance(reply, Reply):
            return [f"the call did not arrive: {reply.detail}"]
        if not 200 <= reply.status_code < 300:
            return [f"the call was answered with {reply.status_code}"]
        self.last_success = self._clock()
        return []

    def _note(self, against: Sequence[str]) -> None:
        if against and list(against) != list(self.withheld):
            log.error("dead-man's switch: not pressed: %s", "; ".join(against))
        elif self.withheld and not against:
            log.warning("dead-man's switch: pressed again")
        self.withheld = tuple(against)
