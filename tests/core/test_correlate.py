"""Which alerts are one incident."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertsvc.core.correlate import CorrelateRule, CorrelateTable, correlation_of
from alertsvc.core.decide import correlation_for
from alertsvc.core.model import Severity
from alertsvc.core.severity import SAY_IT_BY_LABEL
from alertsvc.core.subscribers import event_labels
from alertsvc.ingest import alertmanager, alertmanager_api, grafana
from alertsvc.matchers import parse_matchers
from alertsvc.settings.build import MODEL_RULES
from tests.core.builders import MINUTE, event, matcher, route, rules

MODEL = CorrelateRule("model", ("model", "environment"), parse_matchers('model!=""'), reopen_within=30 * MINUTE)
DISK = CorrelateRule("disk", ("host",), (matcher("alertname", "DiskFull"), matcher("team", "infra")))
ALERT = CorrelateRule("alert", ("alertname",))
EVERYTHING = CorrelateRule("everything", ("...",))


def key(rule: CorrelateRule, **labels: str) -> str:
    return correlation_of(rule, labels).key


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        pytest.param({"model": "a"}, {"model": "a"}, True, id="the-same"),
        pytest.param({"model": "a"}, {"model": "b"}, False, id="another-value"),
        pytest.param({"model": "a"}, {"model": "a", "feature": "age"}, True, id="other-labels-do-not-matter"),
        pytest.param({"model": "a", "environment": "prod"}, {"environment": "prod", "model": "a"}, True, id="order"),
        pytest.param({"model": "a", "environment": "prod"}, {"model": "a"}, False, id="a-label-more"),
        pytest.param({"model": "a", "environment": ""}, {"model": "a"}, True, id="an-empty-label-is-a-missing-one"),
        pytest.param({"model": "x", "environment": ""}, {"model": "", "environment": "x"}, False, id="another-place"),
        pytest.param({"model": "a", "environment": "bc"}, {"model": "ab", "environment": "c"}, False, id="lengths"),
        pytest.param({"model": "\ud800"}, {"model": "?"}, False, id="half-a-character"),
        pytest.param({}, {"feature": "age"}, True, id="all-labels-missing"),
    ],
)
def test_alerts_that_agree_on_the_labels_are_one_incident(one, other, together):
    assert (key(MODEL, **one) == key(MODEL, **other)) is together


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        pytest.param({"a": "1", "b": "2"}, {"b": "2", "a": "1"}, True, id="the-same"),
        pytest.param({"a": "1", "b": ""}, {"a": "1"}, True, id="an-empty-label-is-a-missing-one"),
        pytest.param({"a": "1", "b": "2"}, {"a": "1"}, False, id="a-label-more"),
        pytest.param({"a": "1"}, {"b": "1"}, False, id="another-name"),
    ],
)
def test_three_dots_are_every_label(one, other, together):
    assert (key(EVERYTHING, **one) == key(EVERYTHING, **other)) is together


def test_the_order_in_which_a_rule_names_labels_does_not_matter():
    turned = CorrelateRule("model", ("environment", "model"))
    assert key(turned, model="a", environment="prod") == key(MODEL, model="a", environment="prod")


def test_rules_of_different_names_make_different_incidents():
    assert key(CorrelateRule("a", ("model",)), model="x") != key(CorrelateRule("b", ("model",)), model="x")


def test_a_key_stays_what_it_is_between_releases():
    assert key(MODEL, model="churn", environment="prod") == "v1:e909f8c62949343d06bbcf6e461660a9"


@given(
    one=st.dictionaries(st.text(max_size=3), st.text(min_size=1, max_size=3), max_size=3),
    other=st.dictionaries(st.text(max_size=3), st.text(min_size=1, max_size=3), max_size=3),
)
def test_different_labels_have_different_keys(one, other):
    same = correlation_of(EVERYTHING, one).key == correlation_of(EVERYTHING, other).key
    assert same == (one == other)


@pytest.mark.parametrize(
    ("labels", "rule", "made_of"),
    [
        pytest.param(
            {"model": "churn", "environment": "prod", "team": "a"},
            "model",
            {"model": "churn", "environment": "prod"},
            id="the-first-that-fits",
        ),
        pytest.param({"model": "churn"}, "model", {"model": "churn", "environment": ""}, id="a-label-is-missing"),
        pytest.param(
            {"model": "churn", "alertname": "DiskFull", "team": "infra"},
            "model",
            {"model": "churn", "environment": ""},
            id="not-the-one-that-fits-best",
        ),
        pytest.param(
            {"alertname": "DiskFull", "team": "infra", "host": "db-1"}, "disk", {"host": "db-1"}, id="all-matchers-fit"
        ),
        pytest.param(
            {"alertname": "DiskFull", "host": "db-1"}, "alert", {"alertname": "DiskFull"}, id="one-matcher-does-not-fit"
        ),
        pytest.param({"model": "", "alertname": "Up"}, "alert", {"alertname": "Up"}, id="an-empty-label-is-missing"),
        pytest.param({}, "alert", {"alertname": ""}, id="no-label-at-all"),
    ],
)
def test_the_first_rule_that_fits_decides(labels, rule, made_of):
    listed = (MODEL, DISK, ALERT)
    (named,) = (each for each in listed if each.name == rule)
    assert CorrelateTable(listed).rule_for(labels) is named
    found = correlation_of(named, labels)
    assert (found.labels, list(found.labels)) == (made_of, list(named.by))
    assert found.reopen_within == named.reopen_within


def test_what_no_rule_fits_is_correlated_by_none():
    assert CorrelateTable((MODEL, DISK)).rule_for({"alertname": "Up"}) is None
    assert CorrelateTable(()).rule_for({"alertname": "Up"}) is None


@pytest.mark.parametrize(
    ("rule", "reopen_within"),
    [pytest.param(MODEL, 30 * MINUTE, id="as-the-rule-says"), pytest.param(ALERT, timedelta(0), id="else-never")],
)
def test_how_long_an_incident_opens_again_comes_with_the_rule(rule, reopen_within):
    assert correlation_of(rule, {"model": "churn"}).reopen_within == reopen_within


# Where no rule is written

GROUPED = route(
    group_by=("alertname",),
    routes=(
        route("root/page", matchers=parse_matchers('severity="critical"'), group_by=("host",)),
        route("root/all", matchers=parse_matchers('team="all"'), group_by=("...",), goes_on=True),
        route("root/late", matchers=parse_matchers('team="all"'), group_by=("team",)),
    ),
)


@pytest.mark.parametrize(
    ("known", "labels", "rule"),
    [
        pytest.param((MODEL,), {"model": "churn"}, MODEL, id="a-rule-goes-first"),
        pytest.param((MODEL,), {"alertname": "Up"}, ("root", ("alertname",)), id="no-rule-fits"),
        pytest.param((), {"model": "churn", "alertname": "Up"}, ("root", ("alertname",)), id="no-rule-is-written"),
        pytest.param((), {"severity": "critical", "host": "a"}, ("root/page", ("host",)), id="of-a-child"),
        pytest.param((), {"team": "all", "host": "a"}, ("root/all", ("...",)), id="of-the-first-that-takes-it"),
    ],
)
def test_else_the_group_by_of_the_first_route_decides(known, labels, rule):
    if isinstance(rule, tuple):
        rule = CorrelateRule(f"route:{rule[0]}", rule[1])
    found = correlation_for(rules(root=GROUPED, correlate=known), event(severity=Severity.WARNING, labels=labels))
    assert found == correlation_of(rule, labels)


def test_a_severity_that_is_no_label_leads_to_a_route_and_is_no_part_of_the_key():
    known = rules(root=GROUPED, correlate=())
    page = event(source="events", severity=Severity.CRITICAL, labels={"host": "a", "alertname": "Up"})
    assert correlation_for(known, page) == correlation_of(CorrelateRule("route:root/page", ("host",)), page.labels)
    every = rules(root=route(group_by=("...",)), correlate=())
    assert correlation_for(every, page).labels == {"alertname": "Up", "host": "a"}


@pytest.mark.parametrize(
    ("source", "labels", "severity"),
    [
        pytest.param("events", {}, "error", id="said-in-a-field"),
        pytest.param("events", {"severity": ""}, "error", id="an-empty-label"),
        pytest.param("events", {"severity": "page"}, "page", id="its-own-word-stays"),
        pytest.param("alertmanager", {"severity": "page"}, "page", id="alertmanagers-label"),
        pytest.param("alertmanager", {}, None, id="alertmanager-says-nothing"),
        pytest.param("alertmanager_api", {}, None, id="nor-does-prometheus"),
    ],
)
def test_routes_see_the_severity_that_is_stated(source, labels, severity):
    given_labels = {"alertname": "Up", **labels}
    seen = event_labels(event(source=source, severity=Severity.ERROR, labels=given_labels))
    assert seen == {"alertname": "Up"} | ({"severity": severity} if severity else {})
    assert given_labels == {"alertname": "Up", **labels}


def test_the_sources_that_say_it_by_label_are_those_that_send_alerts():
    assert {alertmanager.SOURCE, alertmanager_api.SOURCE, grafana.SOURCE} == SAY_IT_BY_LABEL


@pytest.mark.parametrize(
    ("labels", "made_of"),
    [
        pytest.param(
            {"model": "churn", "environment": "prod", "feature": "age", "alertname": "Drift"},
            {"model": "churn", "environment": "prod"},
            id="forty-features-of-a-model",
        ),
        pytest.param({"alertname": "DiskFull", "host": "db-1"}, {"alertname": "DiskFull"}, id="no-model"),
        pytest.param(
            {"alertname": "DatasourceNoData", "rulename": "Accuracy", "ref_id": "A"},
            {"rulename": "Accuracy"},
            id="a-rule-without-data",
        ),
    ],
)
def test_by_default_a_model_is_one_incident(labels, made_of):
    rule = CorrelateTable(MODEL_RULES).rule_for(labels)
    assert rule is not None
    assert correlation_of(rule, labels).labels == made_of
