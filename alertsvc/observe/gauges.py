"""The gauges that are read when somebody asks: from the database, and from what waits in this process."""

from collections.abc import Iterator, Mapping

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

Readings = Mapping[str, Mapping[tuple[str, ...], float]]
"""Name of a gauge, without the prefix, to label values to value."""

READ: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("database_up", "Whether the database could be read just now.", ()),
    ("schema_version", "1 when the database has the revision that this version needs.", ("current", "needed")),
    ("clock_offset_seconds", "How far the database's clock is ahead of this process's.", ()),
    ("database_bytes", "Size of the SQLite database, by file.", ("file",)),
    ("disk_free_bytes", "What is free where the SQLite database is.", ()),
    ("database_in_progress", "Transactions that run or wait for a connection, in this process.", ("access",)),
    ("outbox_pending", "Messages that have not ended.", ("severity",)),
    (
        "outbox_oldest_due_age_seconds",
        "How long the message that is due longest has waited to be sent; absent while none is due.",
        ("destination", "severity"),
    ),
    (
        "outbox_oldest_retried_age_seconds",
        "Age of the oldest message that was tried and not taken; absent while there is none.",
        ("destination", "severity"),
    ),
    ("digest_lateness_seconds", "For how long the oldest digest that is due has not been made; 0 when none is.", ()),
    ("incidents_open", "Open incidents.", ("status", "severity")),
    ("storm_active", "Whether what comes for a destination is summed up.", ("destination",)),
    ("breaker_state", "0: messages leave. 1: one finds out whether they can again. 2: none leaves.", ("destination",)),
    (
        "deadman_last_success_timestamp_seconds",
        "When the address of the dead-man's switch was called last, 0 before that; absent without such an address.",
        (),
    ),
    ("quarantine_rows", "Items that could not be used, at which nobody has looked.", ()),
    ("inbox_pending", "Requests that wait to be stored, in this process.", ()),
    ("inbox_oldest_age_seconds", "Age of the oldest request that is not stored yet, in this process.", ()),
    ("ingest_inflight_bytes", "Bodies of requests that are not stored yet, in this process.", ()),
    ("messages_in_flight", "Messages that are on their way, in this process.", ()),
)


class ReadGauges(Collector):
    """Each reading replaces the one before. What could not be read is absent: an old number would be a false one."""

    def __init__(self) -> None:
        self._readings: Readings = {}

    def show(self, readings: Readings) -> None:
        """Show what was read, and nothing of the time before."""
        self._readings = readings

    def collect(self) -> Iterator[Metric]:
        """See `Collector`."""
        for name, said, labels in READ:
            family = GaugeMetricFamily(f"alertsvc_{name}", said, labels=labels)
            for values, value in self._readings.get(name, {}).items():
                family.add_metric(values, value)
            yield family
