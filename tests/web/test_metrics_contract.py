"""What Prometheus may rely on: the names, kinds and labels at /metrics, the rules that are shipped, and the README."""

import asyncio
import re
import subprocess
from collections.abc import Mapping
from typing import Any

import yaml
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from alertsvc.core.model import Severity
from alertsvc.engine.counting import Counting
from alertsvc.engine.service import Service
from alertsvc.engine.submissions import Submission
from alertsvc.observe.metrics import Metrics
from alertsvc.resources import data_dir
from alertsvc.web import health
from tests.programs import ROOT, binary, eventually
from tests.world import event

RULES = data_dir("config") / "prometheus" / "alerts.yaml"
CHAT = "team/chat"

COUNTERS: Mapping[str, tuple[str, ...]] = {
    "attempt_faults": ("destination", "fault"),
    "attempts": ("destination", "outcome"),
    "auth_failures": ("reason",),
    "database_retries": ("cause",),
    "deliveries": ("destination", "state"),
    "duplicate_risk": ("destination",),
    "fenced_finish": (),
    "ingest_events": ("result", "source"),
    "ingest_requests": ("code", "source"),
    "ingest_shed": ("source",),
    "lease_expired": (),
    "notifications": ("destination", "state"),
    "notifications_suppressed": ("reason",),
    "render_failed": ("template",),
    "storm_summarised": ("destination",),
    "truncated_upstream": ("source",),
}
"""Each stands there with `_total` behind it."""
HISTOGRAMS: Mapping[str, tuple[str, ...]] = {
    "database_transaction_seconds": ("access",),
    "event_loop_lag_seconds": (),
    "ingest_duration_seconds": ("source",),
    "notification_latency_seconds": ("severity",),
    "provider_request_seconds": ("destination",),
}
GAUGES: Mapping[str, tuple[str, ...]] = {
    "auditor_last_success_timestamp_seconds": (),
    "breaker_state": ("destination",),
    "build_info": ("version",),
    "clock_offset_seconds": (),
    "config_hash": (),
    "config_last_reload_success_timestamp_seconds": (),
    "config_last_reload_successful": (),
    "database_in_progress": ("access",),
    "database_up": (),
    "digest_lateness_seconds": (),
    "inbox_oldest_age_seconds": (),
    "inbox_pending": (),
    "incidents_open": ("severity", "status"),
    "ingest_inflight_bytes": (),
    "ledger_mismatch": ("check",),
    "messages_in_flight": (),
    "outbox_oldest_retried_age_seconds": ("destination", "severity"),
    "outbox_pending": ("severity",),
    "quarantine_rows": (),
    "schema_version": ("current", "needed"),
    "storm_active": ("destination",),
}
ONLY_SQLITE: Mapping[str, tuple[str, ...]] = {"database_bytes": ("file",), "disk_free_bytes": ()}
WHILE_ONE_IS_DUE: Mapping[str, tuple[str, ...]] = {"outbox_oldest_due_age_seconds": ("destination", "severity")}
WITH_A_DEADMAN: Mapping[str, tuple[str, ...]] = {"deadman_last_success_timestamp_seconds": ()}
OF_OTHERS = {"process_resident_memory_bytes", "process_open_fds", "process_cpu_seconds", "python_info"}


def families(text: str) -> dict[str, Metric]:
    """What is exposed, by name."""
    return {family.name: family for family in text_string_to_metric_families(text)}


async def exposed(service: Service) -> str:
    """The page as Prometheus reads it."""
    reply = await health.metrics.fn(service)
    assert reply.media_type == "text/plain; version=0.0.4; charset=utf-8"
    return str(reply.content.decode())


async def everything(service: Service) -> str:
    """The page when each of its gauges has something to show."""
    service.metrics.render_failed.labels("incident.txt").inc()
    await service.auditor.audit()
    submission = Submission(service.new_id(), "alertmanager", service.clock(), [event()], b"{}")
    await service.committer.submit(submission)

    async def has_been_tried() -> str | None:
        text = await exposed(service)
        return text if "alertsvc_outbox_oldest_retried_age_seconds{" in text else None

    return str(await eventually(has_been_tried))


def found(text: str, kind: str) -> dict[str, tuple[str, ...]]:
    """The labels of our metrics of a kind that have samples."""
    return {
        name.removeprefix("alertsvc_"): tuple(
            sorted({label for each in family.samples for label in each.labels} - {"le"})
        )
        for name, family in families(text).items()
        if name.startswith("alertsvc_") and family.type == kind and family.samples
    }


async def test_names_kinds_and_labels_are_these_and_no_others(service: Service) -> None:
    text = await everything(service)
    assert found(text, "counter") == COUNTERS
    assert found(text, "histogram") == HISTOGRAMS
    gauges = {**GAUGES, **(ONLY_SQLITE if service.database.dialect == "sqlite" else {})}
    assert {name: labels for name, labels in found(text, "gauge").items() if name not in WHILE_ONE_IS_DUE} == gauges
    assert families(text).keys() >= OF_OTHERS
    assert families(text)["alertmanager_build_info"].samples


async def test_every_metric_says_what_it_is_even_before_it_has_a_sample(service: Service) -> None:
    known = families(await exposed(service))
    ours = (COUNTERS, HISTOGRAMS, GAUGES, ONLY_SQLITE, WHILE_ONE_IS_DUE, WITH_A_DEADMAN)
    for name in (f"alertsvc_{each}" for listed in ours for each in listed):
        assert known[name].documentation, name


async def test_promtool_finds_nothing_to_say_about_the_page(service: Service) -> None:
    text = await everything(service)
    command = [binary("promtool"), "check", "metrics"]
    checked = await asyncio.to_thread(subprocess.run, command, input=text.encode(), capture_output=True, timeout=30)
    said = (checked.stdout + checked.stderr).decode()
    assert (checked.returncode, said) == (0, "")


def test_a_large_configuration_in_much_trouble_stays_below_2000_series() -> None:
    metrics = Metrics("test")
    counting = Counting(metrics)
    names = [f"team-{number}/channel" for number in range(40)]
    counting.follow(names)
    late = {(name, severity.word): 1.0 for name in names for severity in Severity}
    each = {(name,): 1.0 for name in names}
    metrics.show(
        {
            "outbox_oldest_due_age_seconds": late,
            "outbox_oldest_retried_age_seconds": late,
            "storm_active": each,
            "breaker_state": each,
        }
    )
    series = [line for line in metrics.text().decode().splitlines() if not line.startswith("#")]
    assert 1500 < len(series) < 1950, "and some fifty that only a running service has"


# ------------------------------------------------------------------------------------------------- what people read


def names_in(text: str) -> set[str]:
    return set(re.findall(r"\balertsvc_[a-z_]+", text))


def exposed_names() -> set[str]:
    """Every name that a query may use."""
    named = {f"alertsvc_{name}_total" for name in COUNTERS}
    named |= {f"alertsvc_{name}{end}" for name in HISTOGRAMS for end in ("_bucket", "_count", "_sum", "")}
    return named | {
        f"alertsvc_{name}" for listed in (GAUGES, ONLY_SQLITE, WHILE_ONE_IS_DUE, WITH_A_DEADMAN) for name in listed
    }


def test_the_readme_names_what_there_is() -> None:
    operate = (ROOT / "README.md").read_text().partition("## Operate")[2].partition("\n## ")[0]
    named = names_in(operate)
    assert len(named) >= 5
    assert named <= exposed_names()
    assert str(RULES.relative_to(ROOT)) in operate


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    return list(group["rules"])


def test_the_rules_ask_for_what_there_is() -> None:
    asked = {name for rule in rules() for name in names_in(rule["expr"])}
    assert asked <= exposed_names()
    said = {name for rule in rules() for text in rule["annotations"].values() for name in names_in(text)}
    assert said <= exposed_names()
    for rule in rules():
        assert set(rule["annotations"]) == {"summary", "description"}, rule["alert"]
        assert rule["labels"]["severity"] in {severity.word for severity in Severity}, rule["alert"]
