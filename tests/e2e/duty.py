"""A client that does everything people and their alerting do, and the providers that are told of it.

The client repeats what was not answered with 2xx, as Alertmanager does, whatever happens to the service meanwhile. What
was answered is remembered, so that a test can hold the database and the providers to it.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select, text

from alertsvc.ingest.fingerprint import fingerprint
from alertsvc.store import migrate
from alertsvc.store.tables import alert, believer, delivery, history, incident, notification, outbox
from tests import ledger
from tests.e2e.wire import Reply, exchanged, request, webhook
from tests.fakes.pagerduty import PagerDuty
from tests.fakes.provider import Answer, Asked, Provider

API = "/api/v1"
LONG_WAY = "X-Way: long"
"""A header that no usual webhook has: it takes the long way through the framework."""
PAGERS = 4
"""So many PagerDuty services: each takes a few events a second only."""
TRUE_WORDS = frozenset({"incident.opened", "incident.unmuted", "incident.repeated", "incident.updated"})
CONFIGURATION = """
storm: {{messages: 0, pages: 0}}
correlate: [{{name: each, by: [alertname, n]}}]
digests: [{{name: quick, every: 1s}}]
route:
  receiver: hooks
  digest: quick
  repeat_interval: 4h
  routes:
    - {{matchers: ['severity="warning"'], receiver: letters}}
    {routes}
receivers:
  - name: hooks
    webhook_configs:
      - {{name: steady, url: "{steady}/hook", timeout: 2s}}
      - {{name: flaky, url: "{flaky}/hook", timeout: 2s}}
  - {{name: letters, webhook_configs: [{{name: letters, url: "{letters}/hook", timeout: 2s}}]}}
{pagers}
"""


class Hook(Provider):
    """A webhook that keeps what it took: message ids, and what it heard of each incident.

    While it `is_flaky` it answers each message with an error when it comes for the first time. `life` is the number of
    the process that sends; a repeat belongs to the life in which the message was taken first.
    """

    def __init__(self, *, flaky: bool = False) -> None:
        super().__init__()
        self.life = 0
        self.messages: dict[str, int] = {}
        self.again: Counter[str] = Counter()
        self.repeats: Counter[int] = Counter()
        self.heard: dict[str, list[str]] = {}
        self.is_flaky = flaky
        self._refused: set[str] = set()

    def answer(self, asked: Asked) -> Answer:
        """See `Provider`."""
        name = asked.headers["webhook-id"]
        if self.is_flaky and name not in self._refused:
            self._refused.add(name)
            return Answer(500)
        if name in self.messages:
            self.repeats[self.messages[name]] += 1
            self.again[name] += 1
        self.messages.setdefault(name, self.life)
        body = asked.json()
        if body["type"] == "digest":
            for item in body["data"]["incidents"]:
                self.heard.setdefault(item["id"], []).append(item["status"])
        else:
            self.heard.setdefault(body["data"]["id"], []).append(body["type"])
        return Answer(200)


class Pager(PagerDuty):
    """PagerDuty, which tells a repeat by what it says: each incident begins, is taken and ends once."""

    def __init__(self) -> None:
        super().__init__()
        self.life = 0
        self.first: dict[str, int] = {}
        self.repeats: Counter[int] = Counter()

    def answer(self, asked: Asked) -> Answer:
        """See `Provider`."""
        event = asked.json()
        said = f"{event['event_action']} {event['dedup_key']}"
        if said in self.first:
            self.repeats[self.first[said]] += 1
        self.first.setdefault(said, self.life)
        return super().answer(asked)


class Providers:
    """Everybody who is told, and what of it was repeated."""

    def __init__(self) -> None:
        self.steady, self.flaky, self.letters = Hook(), Hook(flaky=True), Hook()
        self.pagers = [Pager() for _ in range(PAGERS)]

    @property
    def all(self) -> "list[Hook | Pager]":
        """Each of them."""
        return [self.steady, self.flaky, self.letters, *self.pagers]

    def begin_life(self, number: int) -> None:
        """What comes from here on is of another process."""
        for each in self.all:
            each.life = number

    def repeats(self) -> "Counter[int]":
        """How many messages came again, by the life in which they came first."""
        return sum((each.repeats for each in self.all), Counter())

    @property
    def message_count(self) -> int:
        """How many came, repeats and all."""
        return sum(len(hook.messages) for hook in (self.steady, self.flaky, self.letters)) + sum(
            len(pager.first) for pager in self.pagers
        )

    def configuration(self) -> str:
        """A configuration that tells all of them."""
        keys = [f"{number:032d}" for number in range(PAGERS)]
        entries = [
            f'{{routing_key: "{key}", url: "{pager.url}/v2/enqueue", timeout: 2s}}'
            for key, pager in zip(keys, self.pagers, strict=True)
        ]
        pagers = [f"  - {{name: pager-{number}, pagerduty_configs: [{entry}]}}" for number, entry in enumerate(entries)]
        routes = [f"- {{matchers: ['pager=\"{number}\"'], receiver: pager-{number}}}" for number in range(PAGERS)]
        return CONFIGURATION.format(
            steady=self.steady.url,
            flaky=self.flaky.url,
            letters=self.letters.url,
            pagers="\n".join(pagers),
            routes="\n    ".join(routes),
        )


@dataclass
class Duty:
    """One client. It does round after round, and each thing until it is acknowledged.

    `stands` is what it was told of alerts: the state, by fingerprint. `taken` and `ended` are incidents whose
    acknowledgement and end by a person were acknowledged.
    """

    url: str
    name: str = "a"
    pause: float = 0.1
    reloads: bool = True
    stands: dict[str, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    acknowledged: int = 0
    repeated: int = 0
    rounds: int = 0
    _stopping: bool = False

    async def run(self) -> None:
        """Until `stop`; the round that has begun is finished."""
        while not self._stopping:
            await self.round()
            await asyncio.sleep(self.pause)

    def stop(self) -> None:
        """Begin no round any more."""
        self._stopping = True

    async def round(self) -> None:
        """Pages, news, a warning, an acknowledgement, a silence, and the ends of most of it."""
        self.rounds += 1
        n = f"{self.name}-{self.rounds}"
        page = {"alertname": "Page", "severity": "critical", "n": n, "pager": str(self.rounds % PAGERS)}
        plain = {"alertname": "Plain", "severity": "critical", "n": n}
        paged = await self.webhook("firing", page)
        await self.webhook("firing", plain, LONG_WAY)
        await self.warning(n, "firing")
        await self.order(f"{API}/incidents/{paged}/acknowledge", {"by": "ann"})
        self.taken.add(paged)
        await self.hide(n)
        await self.webhook("resolved", plain)
        await self.order(f"{API}/incidents/{paged}/resolve", {"by": "ann"})
        self.ended.add(paged)
        self.stands[fingerprint(page)] = "resolved"
        await self.warning(n, "resolved")
        if self.reloads:
            await self.order("/-/reload", None)

    async def webhook(self, status: str, labels: Mapping[str, str], *headers: str) -> str:
        """Have an alert taken; its incident."""
        sent: dict[str, Any] = {"status": status, "labels": labels, "annotations": {}}
        sent["startsAt"] = "2026-01-01T00:00:00Z"
        sent["endsAt"] = "2026-01-01T00:01:00Z" if status == "resolved" else "0001-01-01T00:00:00Z"
        reply = await self._until_acknowledged(request(webhook(sent), *headers))
        self.stands[fingerprint(labels)] = status
        return str(reply.json()["incidents"][0]["id"])

    async def warning(self, n: str, status: str) -> None:
        """Have a direct event taken, which waits for a digest."""
        event = {"model": "churn", "metric": "psi", "severity": "warning", "status": status, "labels": {"n": n}}
        key = f"Idempotency-Key: {n}-{status}"
        reply = await self._until_acknowledged(request(json.dumps(event).encode(), key, path=f"{API}/events"))
        (item,) = reply.json()["items"]
        self.stands[item["fingerprint"]] = status

    async def hide(self, n: str) -> None:
        """Silence an alert, have it fire, and end the silence. A silence that nobody knows of ends by itself."""
        wanted = {"matchers": [f'n="{n}"', 'alertname="Hidden"'], "duration": "3s", "comment": n, "created_by": "ann"}
        made = await self.order(f"{API}/silences", wanted)
        await self.webhook("firing", {"alertname": "Hidden", "severity": "critical", "n": n})
        await self.order(f"{API}/silences/{made.json()['id']}/expire", None)

    async def order(self, path: str, body: Any) -> Reply:
        """Have something done."""
        return await self._until_acknowledged(request(b"" if body is None else json.dumps(body).encode(), path=path))

    async def _until_acknowledged(self, data: bytes) -> Reply:
        while True:
            with suppress(OSError, TimeoutError):
                reply, _ = await exchanged(self.url, data)
                if reply is not None and 200 <= reply.status < 300:
                    self.acknowledged += 1
                    return reply
                assert reply is None or reply.status == 503, (reply, data)
            self.repeated += 1
            await asyncio.sleep(0.05)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the database has: alerts' states by fingerprint, incidents' states and titles by id.

    `taken` are incidents that somebody acknowledged, `accepted` are messages that webhooks took, `failed` counts those
    that were given up, `unanswered` the tries of each message that may have arrived.
    """

    alerts: Mapping[str, str]
    incidents: Mapping[str, str]
    names: Mapping[str, str]
    taken: frozenset[str]
    accepted: frozenset[str]
    failed: int
    unanswered: Mapping[str, int]

    @property
    def unknown(self) -> int:
        """How many tries may have arrived without anybody here knowing."""
        return sum(self.unanswered.values())


def standing(conn: Connection) -> Standing:
    """Read it."""
    unanswered = [
        row for table in (delivery, outbox) for row in conn.execute(select(table.c.id, table.c.unknown_count))
    ]
    return Standing(
        alerts={row.fingerprint: row.state for row in conn.execute(select(alert.c.fingerprint, alert.c.state))},
        incidents={str(row.id): row.status for row in conn.execute(select(incident.c.id, incident.c.status))},
        names={str(row.id): row.title for row in conn.execute(select(incident.c.id, incident.c.title))},
        taken=frozenset(
            str(row.incident_id)
            for row in conn.execute(select(history.c.incident_id).where(history.c.kind == "acknowledged"))
        ),
        accepted=frozenset(
            str(row.id)
            for row in conn.execute(
                select(delivery.c.id).where(
                    delivery.c.outcome == "accepted", delivery.c.destination.not_like("pager-%")
                )
            )
        ),
        failed=len(conn.execute(select(delivery.c.id).where(delivery.c.outcome == "failed")).all()),
        unanswered={str(row.id): row.unknown_count for row in unanswered},
    )


def is_alone(conn: Connection) -> bool:
    """Whether nobody else uses the database: PostgreSQL still does what a process had asked for before it died."""
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    return conn.dialect.name == "sqlite" or conn.execute(text(others)).scalar_one() == 0


def at_rest(url: str) -> Standing:
    """What the database has once nobody uses it. The books must balance whenever a process died."""
    deadline = time.monotonic() + 10
    while not migrate.on_connection(url, is_alone, exclusive=False):
        assert time.monotonic() < deadline, "somebody uses the database"
        time.sleep(0.01)

    def look(conn: Connection) -> Standing:
        ledger.check(conn)
        return standing(conn)

    return migrate.on_connection(url, look, exclusive=False)


def let_time_pass(url: str, *, leases: bool = True) -> None:
    """The pauses before the next tries end, and the leases of a process that is dead: as if somebody had waited."""
    past = datetime(2020, 1, 1, tzinfo=UTC)

    def work(conn: Connection) -> None:
        if leases:
            conn.execute(outbox.update().where(outbox.c.state == "sending").values(lease_until=past))
        conn.execute(outbox.update().where(outbox.c.state == "pending").values(due_at=past))

    migrate.on_connection(url, work, exclusive=False)


def lost(duties: list[Duty], found: Standing) -> set[str]:
    """What was acknowledged and is not there."""
    gone = {name for duty in duties for name in duty.stands if name not in found.alerts}
    gone |= {key for duty in duties for key in duty.taken - found.taken}
    return gone | {key for duty in duties for key in duty.ended if found.incidents.get(key) != "resolved"}


def outbox_is_empty(url: str) -> bool:
    """Whether nothing is on its way."""
    return migrate.on_connection(url, lambda conn: not conn.execute(select(outbox.c.id)).all(), exclusive=False)


def untold(url: str) -> list[tuple[Any, ...]]:
    """What is on its way, or waits for a digest or for the end of a silence."""

    def look(conn: Connection) -> list[tuple[Any, ...]]:
        n, o = notification.c, outbox.c
        open_ones = select(n.destination, n.reason, n.state, n.created_at).where(n.state == "pending")
        leaving = select(o.destination, o.reason, o.state, o.due_at, o.lease_until, o.attempt_count)
        held = select(believer.c.destination, believer.c.state).where(believer.c.held)
        return [tuple(row) for chosen in (open_ones, leaving, held) for row in conn.execute(chosen)]

    return migrate.on_connection(url, look, exclusive=False)


async def everybody_told(url: str, seconds: float = 60.0) -> None:
    """Wait until everybody is told. Fails with what is not said yet when time is up."""
    deadline = asyncio.get_running_loop().time() + seconds
    while left := await asyncio.to_thread(untold, url):
        assert asyncio.get_running_loop().time() < deadline, left[:20]
        await asyncio.sleep(0.2)


def check_the_end(found: Standing, duties: list[Duty], providers: Providers) -> None:
    """Once everybody is told: nothing acknowledged is lost, and each provider knows what is so."""
    assert lost(duties, found) == set()
    for duty in duties:
        assert {name: found.alerts[name] for name in duty.stands} == duty.stands
    assert found.failed == 0
    for each in providers.all:
        assert each.faults == []
    received = {name for hook in (providers.steady, providers.flaky, providers.letters) for name in hook.messages}
    assert found.accepted <= received
    for key, status in found.incidents.items():
        _check_story(key, status, found.names[key], providers)
    for pager in providers.pagers:
        assert [each for each in pager.alerts if each.state != "resolved"] == []
        assert pager.pages == len({each.key for each in pager.alerts}), "an alert that had ended was opened again"
        assert all(each.startswith("resolve ") for each in pager.dropped), "only the end can be said again to no avail"
    for hook in (providers.steady, providers.flaky, providers.letters):
        assert {name: count for name, count in hook.again.items() if count > found.unanswered[name]} == {}
    assert sum(providers.repeats().values()) <= found.unknown


def _check_story(key: str, status: str, title: str, providers: Providers) -> None:
    name = title.partition(" ")[0].rstrip(":")
    hooks = {"Page": (), "Plain": (providers.steady, providers.flaky), "Hidden": (providers.steady, providers.flaky)}
    for hook in hooks.get(name, (providers.letters,)):
        heard = hook.heard.get(key, [])
        if status == "resolved":  # it may have ended before anybody could be told: then nobody is told of either
            assert not heard or heard[-1].endswith("resolved"), (title, heard)
        else:
            assert heard, title
            assert heard[-1] in TRUE_WORDS, (title, heard)
