"""What Prometheus reads at /metrics. Labels come from closed sets and from the configuration, never from payloads."""

from collections.abc import Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    disable_created_metrics,
    generate_latest,
)

disable_created_metrics()  # else each counter has a second series, which nobody reads

SPEAKS_LIKE = "0.31.0"
"""The version of Alertmanager whose API this service has: karma asks /metrics for it, amtool asks /api/v2/status."""
LATENCY_BUCKETS = (0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 21600)
INGEST_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class Metrics:
    """The service's own counters. One per process; nothing is global."""

    def __init__(self, version: str) -> None:
        self.registry = CollectorRegistry()
        registry = self.registry
        Info("alertsvc_build", "What is running.", registry=registry).info({"version": version})
        Info("alertmanager_build", "Whose API is spoken at /api/v2.", registry=registry).info({"version": SPEAKS_LIKE})
        self.ingest_requests = Counter(
            "alertsvc_ingest_requests", "Requests to an ingest door.", ["source", "code"], registry=registry
        )
        self.ingest_events = Counter(
            "alertsvc_ingest_events", "Items received, by what became of them.", ["source", "result"], registry=registry
        )
        self.ingest_duration = Histogram(
            "alertsvc_ingest_duration_seconds",
            "From the whole body to the answer.",
            ["source"],
            buckets=INGEST_BUCKETS,
            registry=registry,
        )
        self.ingest_shed = Counter(
            "alertsvc_ingest_shed", "Requests refused because too much waits.", ["source"], registry=registry
        )
        self.truncated_upstream = Counter(
            "alertsvc_truncated_upstream",
            "Alerts that a sender left out of its payload.",
            ["source"],
            registry=registry,
        )
        self.attempts = Counter(
            "alertsvc_attempts", "Tries to send, by outcome.", ["destination", "outcome", "fault"], registry=registry
        )
        self.deliveries = Counter(
            "alertsvc_deliveries", "Messages by how they ended.", ["destination", "state"], registry=registry
        )
        self.duplicate_risk = Counter(
            "alertsvc_duplicate_risk",
            "Tries whose outcome nobody knows: the message may arrive twice.",
            ["destination"],
            registry=registry,
        )
        self.suppressed = Counter(
            "alertsvc_notifications_suppressed",
            "Notifications that were not to be told: for a silence, an inhibition, an interval, or by decision.",
            ["reason"],
            registry=registry,
        )
        self.summarised = Counter(
            "alertsvc_storm_summarised",
            "Notifications that were told in the summary of a storm.",
            ["destination"],
            registry=registry,
        )
        self.fenced = Counter(
            "alertsvc_fenced_finish", "Endings that came after the lease had gone to another.", registry=registry
        )
        self.leases_expired = Counter(
            "alertsvc_lease_expired", "Messages whose sender died or slept past its lease.", registry=registry
        )
        self.notification_latency = Histogram(
            "alertsvc_notification_latency_seconds",
            "From the decision to the provider's acceptance.",
            ["severity"],
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )
        self.provider_request = Histogram(
            "alertsvc_provider_request_seconds", "One try, as the provider took it.", ["destination"], registry=registry
        )
        self.render_failed = Counter(
            "alertsvc_render_failed",
            "Templates that failed; the built-in text was sent.",
            ["template"],
            registry=registry,
        )
        self.reload_successful = Gauge(
            "alertsvc_config_last_reload_successful", "Whether the last reload was taken.", registry=registry
        )
        self.reload_at = Gauge(
            "alertsvc_config_last_reload_success_timestamp_seconds",
            "When a configuration was taken.",
            registry=registry,
        )
        self.config_hash = Gauge(
            "alertsvc_config_hash", "Of the configuration in force; equal for equal files.", registry=registry
        )
        self.auth_failures = Counter(
            "alertsvc_auth_failures", "Requests without a valid credential.", ["reason"], registry=registry
        )
        self._stored = {
            name: Gauge(f"alertsvc_{name}", text, labels, registry=registry) for name, text, labels in _STORED
        }

    def configuration_taken(self, fingerprint: str) -> None:
        """A configuration came into force. `fingerprint` is hexadecimal; a float holds 48 bits of it exactly."""
        self.reload_successful.set(1)
        self.reload_at.set_to_current_time()
        self.config_hash.set(int(fingerprint[:12], 16))

    def observe_stored(self, values: Mapping[str, Mapping[tuple[str, ...], float]]) -> None:
        """Set the gauges that are read from the database: name to label values to value."""
        for name, rows in values.items():
            gauge = self._stored[name]
            gauge.clear()
            for labels, value in rows.items():
                (gauge.labels(*labels) if labels else gauge).set(value)

    def text(self) -> bytes:
        """The exposition, in Prometheus' text format."""
        return generate_latest(self.registry)


_STORED: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("outbox_pending", "Messages that have not ended.", ("severity",)),
    ("outbox_oldest_due_age_seconds", "Age of the oldest message that is due.", ("destination",)),
    ("incidents_open", "Open incidents.", ("status", "severity")),
    ("storm_active", "Whether what comes for a destination is summed up.", ("destination",)),
    ("quarantine_rows", "Items that could not be used.", ()),
    ("inbox_pending", "Requests that wait to be stored, in this process.", ()),
    ("database_up", "Whether the database could be read just now.", ()),
)
