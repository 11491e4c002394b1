"""How large a webhook gets, and what it leaves out to stay small."""

from dataclasses import replace

import pytest

from alertsvc.channels.heading import Heading
from alertsvc.channels.json_body import encoded
from alertsvc.channels.samples import DIGEST, INCIDENT
from alertsvc.channels.webhook.body import MAX_BYTES, webhook_payload
from alertsvc.core.model import Link

URL = "https://alerts.example.com/" + "a" * 1900
CHARACTERS = [
    pytest.param("a", id="one-byte"),
    pytest.param('"', id="escaped"),
    pytest.param("é", id="two-bytes"),
    pytest.param("\U0001f600", id="four-bytes"),
]


def pairs(char, start):
    return {f"{start}{number:02}{char * 3000}": f"{number:02}{char * 3000}" for number in range(30)}


def full_incident(char):
    """An incident with as much of everything as it can have."""
    text = char * 3000
    alert = replace(
        INCIDENT.alerts[0],
        name=text,
        fingerprint=text,
        labels=pairs(char, "l"),
        annotations=pairs(char, "a"),
        links=(Link(text, URL),) * 20,
    )
    names = ("title", "summary", "description", "comment", "owner", "receiver", "route", "destination")
    return replace(
        INCIDENT,
        **dict.fromkeys((*names, "acknowledged_by", "resolved_by"), text),
        **dict.fromkeys(("incident_url", "acknowledge_url", "runbook_url"), URL),
        labels=pairs(char, "s"),
        alerts=(alert,) * 20,
        links=(Link(text, URL),) * 20,
        firing_count=20,
    )


def full_digest(char):
    """A digest likewise."""
    text = char * 3000
    item = replace(
        DIGEST.items[0],
        **dict.fromkeys(("title", "summary", "acknowledged_by"), text),
        labels=pairs(char, "l"),
        incident_url=URL,
    )
    return replace(
        DIGEST, **dict.fromkeys(("name", "receiver", "destination"), text), digest_url=URL, items=(item,) * 200
    )


@pytest.mark.parametrize("char", CHARACTERS)
@pytest.mark.parametrize("full", [full_incident, full_digest])
def test_whatever_texts_are_made_of_a_webhook_stays_within_its_bound(full, char):
    payload = webhook_payload(full(char), Heading(char * 3000, char * 30_000))
    assert len(encoded(payload)) <= MAX_BYTES
    assert payload["data"]["shortened"] is True
    assert payload["data"]["url"] == URL


def test_what_fits_is_sent_whole():
    few = replace(INCIDENT, description="x" * 9_000)
    data = webhook_payload(few, Heading("t", "s"))["data"]
    assert (data["description"], data["shortened"]) == (few.description, False)


def test_all_alerts_are_counted_even_when_few_are_listed():
    many = replace(INCIDENT, alerts=INCIDENT.alerts * 100, firing_count=5000)
    data = webhook_payload(many, Heading("t", "s"))["data"]
    assert 0 < len(data["alerts"]) < 100
    assert (data["firing_count"], data["shortened"]) == (5000, True)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")], ids=str)
def test_a_number_that_json_has_no_word_for_is_left_out(value):
    odd = replace(INCIDENT, alerts=(replace(INCIDENT.alerts[0], value=value, threshold=value),))
    (alert,) = webhook_payload(odd, Heading("t", "s"))["data"]["alerts"]
    assert (alert["value"], alert["threshold"]) == (None, None)
