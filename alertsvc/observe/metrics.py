"""What Prometheus reads at /metrics. Labels come from closed sets and from the configuration, never from payloads."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from alertsvc.observe.gauges import ReadGauges, Readings

disable_created_metrics()  # else each counter has a second series, which nobody reads

SPEAKS_LIKE = "0.31.0"
"""The version of Alertmanager whose API this service has: karma asks /metrics for it, amtool asks /api/v2/status."""
LATENCY_BUCKETS = (0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 21600)
INGEST_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
DATABASE_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)
PROVIDER_BUCKETS = (0.1, 0.5, 1, 2.5, 5, 10, 30)
LAG_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)


class Metrics:
    """The service's own counters. One per process; nothing is global."""

    def __init__(self, version: str) -> None:
        self.registry = CollectorRegistry()
        registry = self.registry
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        Info("alertsvc_build", "What is running.", registry=registry).info({"version": version})
        Info("alertmanager_build", "Whose API is spoken at /api/v2.", registry=registry).info({"version": SPEAKS_LIKE})
        self._count_ingest()
        self._count_delivery()
        self._measure_process()
        self._read = ReadGauges()
        registry.register(self._read)

    def _count_ingest(self) -> None:
        registry = self.registry
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
        self.auth_failures = Counter(
            "alertsvc_auth_failures", "Requests without a valid credential.", ["reason"], registry=registry
        )

    def _count_delivery(self) -> None:
        registry = self.registry
        self.attempts = Counter(
            "alertsvc_attempts", "Tries to send, by outcome.", ["destination", "outcome"], registry=registry
        )
        self.attempt_faults = Counter(
            "alertsvc_attempt_faults",
            "Tries to send that were not accepted, by why.",
            ["destination", "fault"],
            registry=registry,
        )
        self.deliveries = Counter(
            "alertsvc_deliveries", "Messages by how they ended.", ["destination", "state"], registry=registry
        )
        self.notifications = Counter(
            "alertsvc_notifications", "Notifications by how they ended.", ["destination", "state"], registry=registry
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
            "From when a message was to leave to the provider's acceptance.",
            ["severity"],
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )
        self.provider_request = Histogram(
            "alertsvc_provider_request_seconds",
            "One try, as the provider took it.",
            ["destination"],
            buckets=PROVIDER_BUCKETS,
            registry=registry,
        )
        self.render_failed = Counter(
            "alertsvc_render_failed",
            "Templates that failed; the built-in text was sent.",
            ["template"],
            registry=registry,
        )

    def _measure_process(self) -> None:
        registry = self.registry
        self.database_transaction = Histogram(
            "alertsvc_database_transaction_seconds",
            "From asking for a connection to the end, waiting and repeats included.",
            ["access"],
            buckets=DATABASE_BUCKETS,
            registry=registry,
        )
        self.database_retries = Counter(
            "alertsvc_database_retries", "Transactions that were run again, by why.", ["cause"], registry=registry
        )
        self.loop_lag = Histogram(
            "alertsvc_event_loop_lag_seconds",
            "How late the event loop comes to what is due, looked at twice a second.",
            buckets=LAG_BUCKETS,
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
        self.ledger_mismatch = Gauge(
            "alertsvc_ledger_mismatch",
            "Entries of the books that do not balance, by what is looked at; must be 0.",
            ["check"],
            registry=registry,
        )
        self.audited_at = Gauge(
            "alertsvc_auditor_last_success_timestamp_seconds",
            "When the books were last looked at to the end.",
            registry=registry,
        )

    def configuration_taken(self, fingerprint: str) -> None:
        """A configuration came into force. `fingerprint` is hexadecimal; a float holds 48 bits of it exactly."""
        self.reload_successful.set(1)
        self.reload_at.set_to_current_time()
        self.config_hash.set(int(fingerprint[:12], 16))

    def show(self, readings: Readings) -> None:
        """Have the gauges show what was read just now."""
        self._read.show(readings)

    def text(self) -> bytes:
        """The exposition, in Prometheus' text format."""
        return generate_latest(self.registry)
