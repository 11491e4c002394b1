"""Alerts with as many labels as are taken, each as no other: neither the memory nor the metrics grow with them."""

from pathlib import Path

from tests.e2e.wire import HOOK, alert, webhook
from tests.programs import Program, alertsvc, asked

CONFIGURATION = """
route: {receiver: here, group_interval: 1h}
receivers: [{name: here, console_configs: [{name: here}]}]
"""
LABELS = 60
VALUE_CHARS = 2_000
ALERTS = 50
FIRST, ALL = 6, 12
MOST_GROWTH_MB = 25
"""What the allocator may keep of it, once it has found its size. Between the two looks come 36 MB of text."""


def bomb(number: int) -> bytes:
    """A body of 6 MB: no name of a label and no value in it was ever seen before."""
    alerts: list[dict[str, object]] = []
    for place in range(ALERTS):
        names = [f"{number}_{place}_{each}" for each in range(LABELS)]
        labels = {f"label_{name}": f"{name} {'x' * VALUE_CHARS}" for name in names}
        alerts.append(alert("Bomb", labels={"alertname": f"Bomb{number}", "severity": "info", **labels}))
    return webhook(*alerts)


async def test_labels_nobody_saw_before_cost_neither_memory_nor_metrics(tmp_path: Path, database_url: str) -> None:
    config = tmp_path / "bombs.yaml"
    config.write_text(CONFIGURATION)
    async with alertsvc(config, database=database_url) as service:
        seen: list[tuple[float, int]] = []
        for number in range(ALL):
            reply = await asked("POST", service.url + HOOK, bomb(number))
            assert (reply.status, reply.json()["new"]) == (202, ALERTS)
            if number + 1 in {FIRST, ALL}:
                seen.append((resident_mb(service), await series_count(service)))
        (memory_before, series_before), (memory_after, series_after) = seen
        assert series_after == series_before
        assert memory_after - memory_before < MOST_GROWTH_MB
    assert "Traceback" not in service.output


def resident_mb(service: Program) -> float:
    """The memory of the process."""
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS:"))


async def series_count(service: Program) -> int:
    """How many series a Prometheus would store."""
    page = (await asked("GET", f"{service.url}/metrics")).body.decode()
    return sum(1 for line in page.splitlines() if line and not line.startswith("#"))
