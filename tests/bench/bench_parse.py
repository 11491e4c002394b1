"""How long reading takes: each source's parser against msgspec's bare decoding of the same body, in one run.

    python -m tests.bench.bench_parse

Prints microseconds of CPU per item and for the body: the best of several rounds, as other work on the machine adds to
all but the best.
"""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from alertsvc.core.severity import SeverityRule
from alertsvc.ingest import alertmanager, events
from alertsvc.ingest.fingerprint import fingerprint
from tests.bench.load import alert, webhook

WORDS = SeverityRule()
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SIZES = (1, 10, 200, 5000)
ROUNDS = 15
SECONDS_PER_ROUND = 0.05


def best_us(work: Callable[[], object]) -> float:
    """Microseconds that `work` takes at best."""
    work()
    began = time.process_time()
    work()
    times = max(1, int(SECONDS_PER_ROUND / max(time.process_time() - began, 1e-6)))
    rounds: list[float] = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(times):
            work()
        rounds.append((time.process_time() - began) / times)
    return min(rounds) * 1e6


def row(name: str, count: int, body: bytes, work: Callable[[], object]) -> None:
    bare, whole = best_us(lambda: msgspec.json.decode(body)), best_us(work)
    columns = (f"{bare / count:10.2f}", f"{whole / count:11.2f}", f"{whole:11.1f}", f"{whole / bare:6.1f}")
    print(f"{name:34}{count:6}{len(body):10}", *columns)


def main() -> None:
    print(f"{'':34}{'items':>6}{'bytes':>10} bare us/it  parse us/it    us in all  ratio")
    for count in SIZES:
        alerts = [alert(number) for number in range(count)]
        body = webhook(alerts)
        row("alertmanager", count, body, lambda body=body: alertmanager.parse(body, WORDS))
        broken = webhook([*alerts, {"status": "firing"}])
        row("alertmanager, one of them bad", count + 1, broken, lambda body=broken: alertmanager.parse(body, WORDS))
    for sent in alerts:
        del sent["fingerprint"]
    body = webhook(alerts[:10])
    row("alertmanager, no fingerprints", 10, body, lambda: alertmanager.parse(body, WORDS))
    for count in (1, 10, 200, 1000):
        posted = [
            {"model": "churn", "metric": "psi", "feature": f"f{n}", "value": 0.41, "threshold": 0.2}
            for n in range(count)
        ]
        raw = json.dumps(posted).encode()
        row("events", count, raw, lambda raw=raw: events.parse(raw, NOW, WORDS))
    labels = {f"label_{n}": f"value_{n}" for n in range(8)}
    print(f"\nfingerprint of 8 labels: {best_us(lambda: fingerprint(labels)):.1f} us")


if __name__ == "__main__":
    main()
