"""Clients of the service: they post alerts, the same again, their ends, and acknowledge incidents."""

import asyncio
import json
from dataclasses import dataclass, field

from alertsvc.ingest.fingerprint import fingerprint
from tests.e2e.wire import Reply, alert, exchanged, request, webhook

PAUSE_SECONDS = 0.6
"""Three clients make fewer messages than the ten a second that a webhook is sent: what waits its turn looks late."""


@dataclass(slots=True)
class Acknowledged:
    """What the service said it has taken: requests, alerts by fingerprint, and incidents that a person took."""

    requests: int = 0
    fired: dict[str, str] = field(default_factory=dict)
    """Fingerprints, and the label `n` that tells alerts apart."""
    taken_at: dict[str, float] = field(default_factory=dict)
    """By `n`, monotonic."""
    ended: set[str] = field(default_factory=set)
    incidents: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    """Answers that no sender could do anything with."""
    refusals: int = 0

    @property
    def count(self) -> int:
        """How many things it took."""
        return self.requests + len(self.incidents)


@dataclass(slots=True)
class Client:
    """One after the other: a new critical alert, the same again, for each second a hand and for each third its end."""

    url: str
    name: str
    may_vanish: bool
    log: Acknowledged
    taken: int = 0
    refused: int = 0

    async def run(self) -> None:
        """Until cancelled."""
        number = 0
        while True:
            number += 1
            n = f"{self.name}-{number}"
            labels = {"alertname": "Fault", "severity": "critical", "n": n}
            if number == 1:
                labels["page"] = "yes"
            reply = await self._insist(request(webhook(alert("Fault", labels=labels))))
            self.log.requests += 1
            self.log.fired[fingerprint(labels)] = n
            self.log.taken_at[n] = asyncio.get_running_loop().time()
            self.taken += 1
            await self._insist(request(webhook(alert("Fault", labels=labels))))
            self.log.requests += 1
            if number % 2:
                await self._acknowledge(reply.json()["incidents"][0]["id"])
            if number % 3 != 2:
                ends = alert("Fault", labels=labels, status="resolved", endsAt="2026-01-01T00:01:00Z")
                await self._insist(request(webhook(ends)))
                self.log.requests += 1
                self.log.ended.add(fingerprint(labels))
            await asyncio.sleep(PAUSE_SECONDS)

    async def _acknowledge(self, incident: str) -> None:
        body = json.dumps({"by": "ann"}).encode()
        await self._insist(request(body, path=f"/api/v1/incidents/{incident}/acknowledge"))
        self.log.incidents.add(incident)

    async def _insist(self, data: bytes) -> Reply:
        """As Alertmanager does: the same again until it is taken."""
        while True:
            try:
                reply, took = await exchanged(self.url, data, seconds=10)
            except TimeoutError:
                reply, took = None, 10.0
            if reply is not None and reply.status in {200, 202}:
                return reply
            self.refused += 1
            self.log.refusals += 1
            self._judge(reply, took)
            await asyncio.sleep(0.1)

    def _judge(self, reply: Reply | None, took: float) -> None:
        if reply is None:
            if not self.may_vanish or took >= 10:
                self.log.wrong.append(f"no answer after {took:.1f} s")
        elif reply.status != 503 or "retry-after" not in reply.headers:
            self.log.wrong.append(f"{reply.status}: {reply.body[:200]!r}")
