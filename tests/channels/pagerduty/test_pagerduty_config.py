"""What an operator may say about PagerDuty."""

import pytest
from pydantic import ValidationError

from alertsvc.channels.pagerduty import PagerDutyConfig, PagerDutyGlobals
from alertsvc.core.model import Reason

KEY = "0123456789abcdefghijABCDEFGHIJ01"
ALERTMANAGERS_OWN = {
    "client": '{{ template "pagerduty.default.client" . }}',
    "client_url": '{{ template "pagerduty.default.clientURL" . }}',
    "description": '{{ template "pagerduty.default.description" .}}',
    "details": {
        "firing": "{{ .Alerts.Firing | toJson }}",
        "resolved": "{{ .Alerts.Resolved | toJson }}",
        "num_firing": "{{ .Alerts.Firing | len }}",
        "num_resolved": "{{ .Alerts.Resolved | len }}",
    },
}
"""What it fills in by itself and prints with its configuration."""


def config(**given):
    return PagerDutyConfig.model_validate(given)


GOOD = [
    pytest.param({"routing_key": KEY}, id="key"),
    pytest.param({"routing_key": KEY + "\n"}, id="key-with-line-end"),
    pytest.param({"routing_key_file": "/run/secrets/pagerduty"}, id="key-in-file"),
    pytest.param({"routing_key_env": "PAGERDUTY"}, id="key-in-environment"),
    pytest.param({"routing_key": KEY, "send_resolved": False, "timeout": "10s"}, id="common-keys"),
    pytest.param({"routing_key": KEY, "severity": "error", "class": "drift", "group": "ml"}, id="constants"),
    pytest.param({"routing_key": KEY, **ALERTMANAGERS_OWN}, id="alertmanagers-own-defaults"),
]


@pytest.mark.parametrize("given", GOOD)
def test_a_block_of_alertmanagers_works(given):
    assert config(**given)


def test_what_alertmanager_fills_in_says_nothing():
    found = config(routing_key=KEY, **ALERTMANAGERS_OWN)
    assert (found.client, found.client_url, found.description, found.details) == (None, None, None, {})


V1 = "the Events API v1 is not supported"
GO = "Go templates are not carried over"
MISTAKES = [
    pytest.param({}, "one of routing_key, routing_key_file and routing_key_env is needed", id="no-key"),
    pytest.param({"routing_key": KEY, "routing_key_env": "X"}, "give only one of routing_key", id="two-keys"),
    pytest.param({"routing_key": "short"}, "a routing key has 32 letters and digits", id="short-key"),
    pytest.param({"routing_key": "x" * 31 + "!"}, "a routing key has 32 letters and digits", id="odd-key"),
    pytest.param({"service_key": KEY}, V1, id="old-key"),
    pytest.param({"service_key_file": "/x"}, V1, id="old-key-in-file"),
    pytest.param({"routing_key": KEY, "description": "{{ .GroupLabels }}"}, GO, id="template"),
    pytest.param({"routing_key": KEY, "details": {"a": "{{ .X }}"}}, GO, id="template-in-details"),
    pytest.param({"routing_key": KEY, "severity": "{{ .X }}"}, GO, id="template-in-severity"),
    pytest.param({"routing_key": KEY, "severity": "high"}, "'critical', 'error', 'warning' or 'info'", id="severity"),
    pytest.param(
        {"routing_key": KEY, "severity": "info", "severity_floor": "error"}, "give one of them", id="floor-and-fixed"
    ),
    pytest.param({"routing_key": KEY, "url": "events.pagerduty.com"}, "https:// or http://", id="no-address"),
    pytest.param({"routing_key": KEY, "links": [{"href": "javascript:1"}]}, "https:// or http://", id="no-link"),
    pytest.param({"routing_key": KEY, "colour": "red"}, "Extra inputs are not permitted", id="unknown-key"),
]


@pytest.mark.parametrize(("given", "said"), MISTAKES)
def test_a_mistake_is_told_without_the_key(given, said):
    with pytest.raises(ValidationError) as refused:
        config(**given)
    told = "; ".join(error["msg"] for error in refused.value.errors())
    assert said in told
    assert KEY not in told


def test_a_label_tells_keys_apart_and_shows_none():
    first, second = config(routing_key=KEY).label(), config(routing_key="9" * 32).label()
    assert first.startswith("key-")
    assert first != second
    assert KEY not in first


def test_pagerduty_hears_that_somebody_took_it():
    assert config(routing_key=KEY).hears() == frozenset(Reason)
    assert config(routing_key=KEY, send_resolved=False).hears() == frozenset(Reason) - {Reason.RESOLVED}


def test_the_key_is_never_shown():
    assert KEY not in repr(config(routing_key=KEY))


def test_the_address_of_all_is_a_global():
    assert PagerDutyGlobals.model_validate({"pagerduty_url": "https://events.eu.pagerduty.com/v2/enqueue"})
    with pytest.raises(ValidationError):
        PagerDutyGlobals.model_validate({"pagerduty_url": "events.eu.pagerduty.com"})
