"""The alert rules that are shipped, in the real promtool: each fires when it should, and about a well service none."""

import asyncio
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

from alertsvc.engine.service import Service
from tests.programs import binary
from tests.web.test_metrics_contract import RULES, exposed, families, rules

Promtool = Callable[[Mapping[str, str], set[str]], str]

SERVICE = 'job="alertsvc",instance="a"'
FIRES: Mapping[str, Mapping[str, str]] = {
    "AlertsvcDown": {f"up{{{SERVICE}}}": "0x60"},
    "AlertsvcDatabaseDown": {f"alertsvc_database_up{{{SERVICE}}}": "0x60"},
    "AlertsvcShedding": {f'alertsvc_ingest_shed_total{{{SERVICE},source="events"}}': "0+1x60"},
    "AlertsvcInboxStuck": {f"alertsvc_inbox_oldest_age_seconds{{{SERVICE}}}": "11x60"},
    "AlertsvcDiskLow": {f"alertsvc_disk_free_bytes{{{SERVICE}}}": "1000000x60"},
    "AlertsvcLedgerMismatch": {f'alertsvc_ledger_mismatch{{{SERVICE},check="arrivals"}}': "1x60"},
    "AlertsvcRestarting": {f"process_start_time_seconds{{{SERVICE}}}": "0x14 100x4 200x4 300x40"},
    "AlertsvcDeadmanSilent": {f"alertsvc_deadman_last_success_timestamp_seconds{{{SERVICE}}}": "60x60"},
    "AlertsvcAuditorSilent": {f"alertsvc_auditor_last_success_timestamp_seconds{{{SERVICE}}}": "60x60"},
    "AlertsvcQuarantine": {f"alertsvc_quarantine_rows{{{SERVICE}}}": "1x60"},
    "AlertsvcUpstreamTruncated": {f'alertsvc_truncated_upstream_total{{{SERVICE},source="alertmanager"}}': "0+1x60"},
    "AlertsvcDeliveryFailed": {f'alertsvc_deliveries_total{{{SERVICE},destination="d",state="failed"}}': "0x28 1x30"},
    "AlertsvcCriticalLate": {
        f'alertsvc_outbox_oldest_due_age_seconds{{{SERVICE},destination="d",severity="critical"}}': "31x60"
    },
    "AlertsvcMessagesLate": {
        f'alertsvc_outbox_oldest_retried_age_seconds{{{SERVICE},destination="d",severity="warning"}}': "601x60"
    },
    "AlertsvcBreakerOpen": {f'alertsvc_breaker_state{{{SERVICE},destination="d"}}': "2 1 2 2 1 2 1x60"},
    "AlertsvcDigestLate": {f"alertsvc_digest_lateness_seconds{{{SERVICE}}}": "61x60"},
    "AlertsvcDuplicateRisk": {f'alertsvc_duplicate_risk_total{{{SERVICE},destination="d"}}': "0x28 1x30"},
    "AlertsvcStorm": {f'alertsvc_storm_active{{{SERVICE},destination="d"}}': "1x60"},
    "AlertsvcReloadFailed": {f"alertsvc_config_last_reload_successful{{{SERVICE}}}": "0x60"},
    "AlertsvcConfigDiverged": {
        f"alertsvc_config_hash{{{SERVICE}}}": "1x60",
        'alertsvc_config_hash{job="alertsvc",instance="b"}': "2x60",
    },
    "AlertsvcClockSkew": {f"alertsvc_clock_offset_seconds{{{SERVICE}}}": "-3x60"},
}
"""What makes each of them fire, a value each minute, looked at after half an hour."""


@pytest.fixture
def promtool(tmp_path: Path) -> Promtool:
    """Runs the rules over series, and says what is wrong when not exactly these alerts fire after half an hour."""

    def run(series: Mapping[str, str], firing: set[str]) -> str:
        none = [
            {"eval_time": "30m", "alertname": rule["alert"], "exp_alerts": []}
            for rule in rules()
            if rule["alert"] not in firing
        ]
        some = [
            {
                "expr": f'count(ALERTS{{alertname="{name}",alertstate="firing"}})',
                "eval_time": "30m",
                "exp_samples": [{"labels": "{}", "value": 1}],
            }
            for name in firing
        ]
        given = [{"series": name, "values": values} for name, values in series.items()]
        case = {"interval": "1m", "input_series": given, "alert_rule_test": none, "promql_expr_test": some}
        test = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [case]}
        (tmp_path / "test.yaml").write_text(yaml.safe_dump(test))
        return said([binary("promtool"), "test", "rules", str(tmp_path / "test.yaml")])

    return run


def said(command: list[str]) -> str:
    """What a program says that is not content."""
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    return "" if done.returncode == 0 else (done.stdout + done.stderr).decode()


def series_of(text: str) -> dict[str, str]:
    """The series of a page, each as it stays for an hour, under the labels that Prometheus gives them."""
    series = {f"up{{{SERVICE}}}": "1x60"}
    for family in families(text).values():
        for each in family.samples:
            labels = ",".join([SERVICE, *(f'{name}="{value}"' for name, value in each.labels.items())])
            if each.name.startswith("alertsvc_"):
                series[f"{each.name}{{{labels}}}"] = f"{each.value}x60"
    return series


def test_promtool_takes_the_rules() -> None:
    assert said([binary("promtool"), "check", "rules", str(RULES)]) == ""


def test_each_rule_is_shown_to_fire() -> None:
    assert {rule["alert"] for rule in rules()} == set(FIRES)


async def test_none_fires_about_a_service_that_is_well(service: Service, promtool: Promtool) -> None:
    service.metrics.configuration_taken("abcdef012345")
    await service.auditor.audit()
    series = series_of(await exposed(service))
    assert len(series) > 100
    series[f"alertsvc_auditor_last_success_timestamp_seconds{{{SERVICE}}}"] = "0+60x60"
    assert await asyncio.to_thread(promtool, series, set()) == ""


@pytest.mark.parametrize("name", FIRES)
def test_a_rule_fires_when_it_should_and_no_other_does(promtool: Promtool, name: str) -> None:
    assert promtool({f"up{{{SERVICE}}}": "1x60", **FIRES[name]}, {name}) == ""


def test_the_first_failure_of_a_destination_that_has_gone_is_seen(promtool: Promtool) -> None:
    failed = f'alertsvc_deliveries_total{{{SERVICE},destination="gone",state="failed"}}'
    assert promtool({f"up{{{SERVICE}}}": "1x60", failed: "_x25 1x30"}, {"AlertsvcDeliveryFailed"}) == ""


def test_an_absent_target_is_down(promtool: Promtool) -> None:
    assert promtool({'up{job="other"}': "1x60"}, {"AlertsvcDown"}) == ""
