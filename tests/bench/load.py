"""A load generator in a process of its own: plain sockets, keep-alive, a fixed number of clients, a fixed time."""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import cycle


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send, and how.

    `bodies` different requests are sent: over and over when `again`, so that all but the first arrival of each alert
    are duplicates, or once. `offset` numbers the first alert.
    """

    port: int
    path: str
    clients: int
    seconds: float
    bodies: int
    again: bool
    alerts: int = 10
    offset: int = 0
    form: str = "webhook"


@dataclass(frozen=True, slots=True)
class Result:
    """What a run of load came to. Times are milliseconds."""

    requests: int
    failures: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        """Requests answered with 2xx, each second."""
        return (self.requests - self.failures) / self.seconds


def alert(number: int, *, model: str = "m", severity: str = "warning") -> dict[str, object]:
    """One alert as Prometheus would send it, about 700 bytes."""
    labels = {
        "alertname": "Bench",
        "environment": "production",
        "feature": f"feature_{number}",
        "instance": f"ml-monitor-{number}.example:8000",
        "job": "ml-monitor",
        "model": model,
        "severity": severity,
    }
    return {
        "status": "firing",
        "labels": labels,
        "annotations": {"summary": f"Data drift on feature_{number}", "description": "PSI is 0.41, more than 0.2"},
        "startsAt": "2026-01-01T00:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example:9090/graph?g0.expr=drift_score+%3E+0.2&g0.tab=1",
        "fingerprint": fingerprint(labels),
    }


def fingerprint(labels: dict[str, str]) -> str:
    """FNV-1a as Alertmanager computes it."""
    value = 0xCBF29CE484222325
    for name in sorted(labels):
        for byte in name.encode() + b"\xff" + labels[name].encode() + b"\xff":
            value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def webhook(alerts: list[dict[str, object]]) -> bytes:
    """A webhook of Alertmanager, version 4."""
    envelope = {
        "receiver": "alertsvc",
        "status": "firing",
        "alerts": alerts,
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example:9093",
        "version": "4",
        "groupKey": "{}:{}",
        "truncatedAlerts": 0,
    }
    return json.dumps(envelope, separators=(",", ":")).encode()


def listed(alerts: list[dict[str, object]]) -> bytes:
    """What Prometheus posts to Alertmanager's API: the alerts, to fire for an hour."""
    own = ("labels", "annotations", "generatorURL")
    return json.dumps([{name: each[name] for name in own} for each in alerts], separators=(",", ":")).encode()


FORMS = {"webhook": webhook, "listed": listed}


def requests_of(plan: Plan) -> list[bytes]:
    """The requests of a plan, ready to be sent. The alerts of one request are of one model."""
    made: list[bytes] = []
    for number in range(plan.bodies):
        first = plan.offset + number * plan.alerts
        body = FORMS[plan.form]([alert(first + i, model=f"m{first}") for i in range(plan.alerts)])
        made.append(request(f"127.0.0.1:{plan.port}", plan.path, body))
    return made


def request(host: str, path: str, body: bytes) -> bytes:
    """The bytes of a POST."""
    lines = (f"POST {path} HTTP/1.1", f"Host: {host}", "Content-Type: application/json", f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


class Connection:
    """A connection that is kept, as Alertmanager keeps its own."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.is_open = True
        """Whether the server keeps it, as far as it said."""

    @classmethod
    async def to(cls, port: int) -> "Connection":
        """Open one."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def send(self, prepared: bytes) -> bool:
        """Whether a request was answered with 2xx."""
        return 200 <= await self.status_of(prepared) < 300

    async def status_of(self, prepared: bytes) -> int:
        """The status that a request is answered with."""
        self._writer.write(prepared)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        for line in head.split(b"\r\n"):
            if line.startswith(b"content-length:"):
                await self._reader.readexactly(int(line.split(b":")[1]))
        self.is_open = b"\r\nconnection: close\r\n" not in head
        return int(head.split(b" ", 2)[1])

    def close(self) -> None:
        """Close it."""
        self._writer.close()


async def run(plan: Plan, following: Callable[[], bytes | None]) -> Result:
    """Send what `following` gives, from all clients of the plan, until its time is over or nothing follows."""
    seen: list[float] = []
    since = time.perf_counter()
    until = since + plan.seconds

    async def client() -> int:
        failures = 0
        connection = await Connection.to(plan.port)
        while (began := time.perf_counter()) < until and (prepared := following()) is not None:
            failures += not await connection.send(prepared)
            seen.append(time.perf_counter() - began)
        connection.close()
        return failures

    failures = sum(await asyncio.gather(*(client() for _ in range(plan.clients))))
    took = time.perf_counter() - since
    return Result(len(seen), failures, took, percentile(seen, 50) * 1000, percentile(seen, 99) * 1000)


def percentile(values: list[float], percent: int) -> float:
    """The value that so many percent of `values` do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def main() -> None:
    """Read a plan from standard input; write `ready`, wait for a line, send, and write the result."""
    plan = Plan(**json.loads(sys.stdin.readline()))
    requests = requests_of(plan)
    prepared = cycle(requests) if plan.again else iter(requests)
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(asdict(asyncio.run(run(plan, lambda: next(prepared, None))))), flush=True)


if __name__ == "__main__":
    main()
