"""Grafana's webhook: its numbers, its links, and its ends that are no recoveries."""

import json
from typing import Any

import pytest

from alertsvc.core.alerts import NO_DATA
from alertsvc.core.model import AlertState
from alertsvc.core.severity import SeverityRule
from alertsvc.ingest import alertmanager
from alertsvc.ingest.grafana import parse, parse_one
from alertsvc.ingest.parsed import Parsed
from alertsvc.ingest.tools.context import UnknownShapeError
from tests.ingest.ml_captures import grafana

WORDS = SeverityRule()


def read(file: str, **changes: Any) -> Parsed:
    """A recorded webhook, with changes to its alert. A change to None leaves a field out."""
    webhook = grafana(file)
    (alert,) = webhook["alerts"]
    webhook["alerts"] = [{name: value for name, value in {**alert, **changes}.items() if value is not None}]
    return parse(json.dumps(webhook).encode(), WORDS)


def test_an_alert_keeps_its_labels_and_says_which_model_it_is_about() -> None:
    (event,) = read("firing").events
    assert (event.source, event.state, event.severity.word) == ("grafana", AlertState.FIRING, "critical")
    assert event.labels["model_name"] == event.labels["model"] == "churn-xgb"
    assert (event.labels["alertname"], event.labels["grafana_folder"]) == ("ModelAccuracyDrop", "ML models")
    assert {link.title for link in event.links} == {
        "Source",
        "Runbook",
        "Dashboard",
        "Panel",
        "Silence in Grafana",
        "Picture",
    }


def test_the_same_labels_in_another_organisation_are_another_alert() -> None:
    one, other, again = (read("firing", orgId=number).events[0].fingerprint for number in (1, 2, 1))
    assert one == again != other


@pytest.mark.parametrize(
    ("values", "annotations", "value"),
    [
        pytest.param({"A": 0.8125, "C": 1}, {}, None, id="several"),
        pytest.param({"A": 0.8125}, {}, 0.8125, id="the-only-one"),
        pytest.param({"A": 0.8125, "C": 1}, {"alertsvc_value": "A"}, 0.8125, id="the-one-that-is-named"),
        pytest.param({"A": 0.8125}, {"alertsvc_value": "B"}, None, id="named-and-not-there"),
        pytest.param({"A": -1}, {"grafana_state_reason": "NoData"}, None, id="minus-one-is-no-measurement"),
        pytest.param(None, {}, None, id="none"),
    ],
)
def test_the_value_is_the_only_number_or_the_one_that_is_named(
    values: Any, annotations: dict[str, str], value: float | None
) -> None:
    assert read("firing", values=values, annotations=annotations).events[0].value == value


@pytest.mark.parametrize("reason", ["MissingSeries", "NoData", "Error", "Paused", "RuleDeleted", "Updated"])
def test_an_end_without_a_measurement_is_no_recovery(reason: str) -> None:
    annotations = {"summary": "Accuracy under 0.85", "grafana_state_reason": reason}
    (event,) = read("resolved", annotations=annotations).events
    assert (event.state, event.decided_by, event.ends_at) == (AlertState.FIRING, NO_DATA, None)
    said = f"ended without a recovery in Grafana ({reason}): nobody measures it. Accuracy under 0.85"
    assert event.annotations["summary"] == said
    assert event.fingerprint == read("firing").events[0].fingerprint


def test_an_end_without_a_reason_is_one() -> None:
    (event,) = read("resolved").events
    assert event.state is AlertState.RESOLVED


def test_what_grafana_left_out_is_counted() -> None:
    webhook = {**grafana("firing"), "truncatedAlerts": 7}
    assert parse(json.dumps(webhook).encode(), WORDS).truncated_count == 7


def test_a_rule_without_data_keeps_the_name_of_the_rule() -> None:
    (event,) = read("nodata").events
    assert (event.labels["alertname"], event.labels["rulename"]) == ("DatasourceNoData", "ModelAccuracyDrop")


def test_one_bad_alert_takes_no_other_with_it() -> None:
    webhook = grafana("firing")
    webhook["alerts"].append({"status": "firing", "labels": {"a": 1}})
    parsed = parse(json.dumps(webhook).encode(), WORDS)
    assert (len(parsed.events), [item.index for item in parsed.bad]) == (1, [1])
    assert parse_one(json.dumps(webhook["alerts"][0]).encode(), WORDS).labels == parsed.events[0].labels


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"alerts": null}', b'{"text": "a template of our own"}'])
def test_a_payload_of_ones_own_is_refused_with_a_hint(body: bytes) -> None:
    with pytest.raises(UnknownShapeError, match="custom payload"):
        parse(body, WORDS)


@pytest.mark.parametrize("file", ["firing", "resolved", "nodata"])
def test_the_door_of_alertmanager_takes_them_as_ever(file: str) -> None:
    parsed = alertmanager.parse(json.dumps(grafana(file)).encode(), WORDS)
    assert (len(parsed.events), parsed.bad) == (1, ())
    assert parsed.events[0].fingerprint == "c6eadffa33fcdf37"
