"""What PagerDuty is sent, in which order, and what its answers mean."""

from dataclasses import replace
from datetime import timedelta

import pytest

from alertsvc.channels.base import short_hash
from alertsvc.channels.outcome import Accepted, Fault, Rejected, Retry, Unknown
from alertsvc.channels.pagerduty import PagerDutyConfig, PagerDutyGlobals, open_pagerduty
from alertsvc.channels.samples import DIGEST, INCIDENT, RESOLVED
from alertsvc.core.model import IncidentStatus, Reason, Severity
from tests.channels.scripted import ENVELOPE, Scripted, after, reply

pytestmark = pytest.mark.anyio

KEY = "0123456789abcdefghijABCDEFGHIJ01"
OTHER_KEY = "9" * 32
DEDUP_KEY = f"alertsvc:{INCIDENT.incident_id}"
TAKEN = reply(202, '{"status":"success","message":"Event processed","dedup_key":"alertsvc:1"}')
ENQUEUE = "https://events.pagerduty.com/v2/enqueue"


def opened(http, shared=None, **config):
    entry = PagerDutyConfig.model_validate({"routing_key": KEY, **config})
    return open_pagerduty(entry, PagerDutyGlobals.model_validate(shared or {}), http.tools())


ACTIONS = [
    pytest.param(Reason.OPENED, "trigger", id="opened"),
    pytest.param(Reason.UPDATED, "trigger", id="updated"),
    pytest.param(Reason.RAISED, "trigger", id="raised"),
    pytest.param(Reason.REPEATED, "trigger", id="repeated"),
    pytest.param(Reason.UNACKNOWLEDGED, "trigger", id="given-back"),
    pytest.param(Reason.ACKNOWLEDGED, "acknowledge", id="acknowledged"),
    pytest.param(Reason.RESOLVED, "resolve", id="resolved"),
]


@pytest.mark.parametrize(("reason", "action"), ACTIONS)
async def test_every_change_of_an_incident_is_an_event_about_one_alert(reason, action):
    http = Scripted(TAKEN)
    outcome = await opened(http).send(replace(INCIDENT, reason=reason), ENVELOPE)
    (asked,) = http.asked
    event = asked.json()
    assert asked.url == ENQUEUE
    assert (event["routing_key"], event["event_action"], event["dedup_key"]) == (KEY, action, DEDUP_KEY)
    assert ("payload" in event) == (action == "trigger")
    assert outcome == Accepted("Event processed", {"key": short_hash(KEY)}, 202)


@pytest.mark.parametrize("severity", Severity)
async def test_a_severity_keeps_its_word(severity):
    http = Scripted(TAKEN)
    await opened(http).send(replace(INCIDENT, severity=severity), ENVELOPE)
    assert http.asked[0].json()["payload"]["severity"] == severity.word


LEVELS = [
    pytest.param({"severity_floor": "error"}, Severity.WARNING, "error", id="floor-lifts"),
    pytest.param({"severity_floor": "error"}, Severity.CRITICAL, "critical", id="floor-lowers-nothing"),
    pytest.param({"severity": "warning"}, Severity.CRITICAL, "warning", id="fixed"),
]


@pytest.mark.parametrize(("given", "severity", "word"), LEVELS)
async def test_an_operator_may_set_a_floor_or_fix_the_severity(given, severity, word):
    http = Scripted(TAKEN)
    await opened(http, **given).send(replace(INCIDENT, severity=severity), ENVELOPE)
    assert http.asked[0].json()["payload"]["severity"] == word


async def test_what_is_configured_stands_in_every_trigger():
    http = Scripted(TAKEN)
    channel = opened(
        http,
        client="ML platform",
        client_url="https://ml.example.com",
        description="A model needs a look",
        source="platform",
        component="scoring",
        group="growth",
        details={"team": "growth"},
        links=[{"href": "https://wiki.example.com/on-call", "text": "On call"}],
        **{"class": "drift"},
    )
    await channel.send(INCIDENT, ENVELOPE)
    event = http.asked[0].json()
    payload = event["payload"]
    assert (event["client"], event["client_url"]) == ("ML platform", "https://ml.example.com")
    assert payload["summary"] == "A model needs a look"
    assert [payload[name] for name in ("source", "component", "group", "class")] == [
        "platform",
        "scoring",
        "growth",
        "drift",
    ]
    assert payload["custom_details"]["team"] == "growth"
    assert event["links"][-1] == {"href": "https://wiki.example.com/on-call", "text": "On call"}


async def test_without_configuration_the_labels_say_what_it_is_about():
    http = Scripted(TAKEN)
    await opened(http).send(INCIDENT, ENVELOPE)
    payload = http.asked[0].json()["payload"]
    assert (payload["source"], payload["component"], payload["group"]) == ("churn-xgb", "age", "production")


ADDRESSES = [
    pytest.param({}, {}, ENQUEUE, id="united-states"),
    pytest.param({}, {"pagerduty_url": "https://events.eu.pagerduty.com/v2/enqueue"}, None, id="globals"),
    pytest.param(
        {"url": "http://127.0.0.1:9/v2/enqueue"}, {"pagerduty_url": ENQUEUE}, "http://127.0.0.1:9/v2/enqueue", id="own"
    ),
]


@pytest.mark.parametrize(("given", "shared", "url"), ADDRESSES)
async def test_events_go_where_the_entry_says_else_where_the_globals_say(given, shared, url):
    http = Scripted(TAKEN)
    await opened(http, shared, **given).send(INCIDENT, ENVELOPE)
    assert http.asked[0].url == (url or shared["pagerduty_url"])


async def test_a_digest_pages_nobody():
    http = Scripted(TAKEN)
    outcome = await opened(http).send(DIGEST, ENVELOPE)
    (asked,) = http.asked
    assert asked.url == "https://events.pagerduty.com/v2/change/enqueue"
    assert {"event_action", "dedup_key"}.isdisjoint(asked.json())
    assert isinstance(outcome, Accepted)
    assert outcome.anchor is None


async def test_a_digest_needs_an_address_that_leads_to_change_events():
    http = Scripted(TAKEN)
    outcome = await opened(http, url="https://proxy.example.com/pagerduty").send(DIGEST, ENVELOPE)
    assert (type(outcome), outcome.fault) == (Rejected, Fault.CONFIGURATION)
    assert "/enqueue" in outcome.detail
    assert http.asked == []


async def test_a_test_begins_and_ends_an_alert_of_its_own():
    http = Scripted(TAKEN)
    outcome = await opened(http).send(replace(INCIDENT, reason=Reason.TEST), ENVELOPE)
    begin, end = (asked.json() for asked in http.asked)
    assert (begin["event_action"], end["event_action"]) == ("trigger", "resolve")
    assert begin["dedup_key"] == end["dedup_key"] == f"alertsvc:test:{ENVELOPE.delivery_id}"
    assert begin["payload"]["summary"].startswith("[TEST] ")
    assert begin["payload"]["severity"] == "info"
    assert outcome == Accepted("Event processed", status_code=202)


async def test_a_test_that_was_refused_is_not_ended():
    http = Scripted(reply(400, '{"status":"invalid event","message":"Event object is invalid","errors":["bad"]}'))
    outcome = await opened(http).send(replace(INCIDENT, reason=Reason.TEST), ENVELOPE)
    assert isinstance(outcome, Rejected)
    assert len(http.asked) == 1


async def test_a_test_whose_end_fails_says_that_its_alert_stays_open():
    http = Scripted(TAKEN, Retry(Fault.NETWORK, "no connection"))
    outcome = await opened(http).send(replace(INCIDENT, reason=Reason.TEST), ENVELOPE)
    assert isinstance(outcome, Accepted)
    assert "the test alert stays open, its end failed: no connection" in outcome.detail


async def test_an_end_under_another_key_is_told():
    http = Scripted(TAKEN)
    channel = opened(http)
    same = await channel.send(RESOLVED, after(ENVELOPE, key=short_hash(KEY)))
    assert same.detail == "Event processed"
    changed = await channel.send(RESOLVED, after(ENVELOPE, key=short_hash(OTHER_KEY)))
    assert "another routing key" in changed.detail


INVALID = '{"status":"invalid event","message":"Event object is invalid","errors":["%s"]}'
ANSWERS = [
    pytest.param(
        reply(400, INVALID % "'payload.severity' is invalid"),
        Rejected(Fault.CLIENT_ERROR, "HTTP 400: Event object is invalid; 'payload.severity' is invalid", 400),
        id="invalid-event",
    ),
    pytest.param(
        reply(400, INVALID % "Length of 'routing_key' is incorrect (should be 32 characters)"),
        Retry(
            Fault.CONFIGURATION,
            "HTTP 400: Event object is invalid; Length of 'routing_key' is incorrect (should be 32 characters)",
            status_code=400,
            whole_destination=True,
        ),
        id="invalid-key",
    ),
    pytest.param(reply(400, "?"), Rejected(Fault.CLIENT_ERROR, "HTTP 400: invalid event", 400), id="400-without-words"),
    pytest.param(
        reply(200, INVALID % "late"),
        Rejected(Fault.CLIENT_ERROR, "HTTP 200: Event object is invalid; late", 200),
        id="invalid-with-200",
    ),
    pytest.param(
        reply(401), Retry(Fault.AUTH_ERROR, "HTTP 401", status_code=401, whole_destination=True), id="unauthorized"
    ),
    pytest.param(
        reply(403), Retry(Fault.AUTH_ERROR, "HTTP 403", status_code=403, whole_destination=True), id="forbidden"
    ),
    pytest.param(
        reply(429), Retry(Fault.RATE_LIMITED, "HTTP 429", status_code=429, whole_destination=True), id="limited"
    ),
    pytest.param(
        reply(429, retry_after="20"),
        Retry(Fault.RATE_LIMITED, "HTTP 429", timedelta(seconds=20), 429, whole_destination=True),
        id="limited-for-20-seconds",
    ),
    pytest.param(reply(413), Rejected(Fault.TOO_LARGE, "HTTP 413", 413), id="too-large"),
    pytest.param(reply(500), Retry(Fault.SERVER_ERROR, "HTTP 500", status_code=500), id="server-error"),
    pytest.param(
        reply(503, "<html>down</html>"), Retry(Fault.SERVER_ERROR, "HTTP 503", status_code=503), id="unavailable"
    ),
    pytest.param(Unknown("no answer in time"), Unknown("no answer in time"), id="nobody-knows"),
    pytest.param(Retry(Fault.NETWORK, "no connection"), Retry(Fault.NETWORK, "no connection"), id="not-sent"),
]


@pytest.mark.parametrize(("said", "outcome"), ANSWERS)
async def test_an_answer_has_one_meaning(said, outcome):
    assert await opened(Scripted(said)).send(INCIDENT, ENVELOPE) == outcome


async def test_an_answer_may_not_repeat_the_key():
    said = reply(400, INVALID % f"key {KEY} is not known")
    assert KEY not in repr(await opened(Scripted(said)).send(INCIDENT, ENVELOPE))


KEYS = [
    pytest.param("", "is empty", id="empty"),
    pytest.param("not a key", "a routing key has 32 letters and digits", id="no-key"),
]


@pytest.mark.parametrize(("content", "said"), KEYS)
async def test_while_the_key_is_unfit_nothing_is_sent(tmp_path, content, said):
    http = Scripted(TAKEN)
    file = tmp_path / "key"
    file.write_text(content)
    outcome = await opened(http, routing_key=None, routing_key_file=str(file)).send(INCIDENT, ENVELOPE)
    assert (type(outcome), outcome.fault, outcome.whole_destination) == (Retry, Fault.CONFIGURATION, True)
    assert said in outcome.detail
    assert http.asked == []


async def test_a_key_that_is_rotated_is_used_at_once(tmp_path):
    http = Scripted(TAKEN)
    file = tmp_path / "key"
    file.write_text(KEY)
    channel = opened(http, routing_key=None, routing_key_file=str(file))
    file.write_text(OTHER_KEY + "\n")
    await channel.send(INCIDENT, ENVELOPE)
    assert http.asked[0].json()["routing_key"] == OTHER_KEY


async def test_what_is_acknowledged_here_says_who_did_it_on_the_next_trigger():
    http = Scripted(TAKEN)
    known = replace(
        INCIDENT,
        reason=Reason.UPDATED,
        status=IncidentStatus.ACKNOWLEDGED,
        acknowledged_at=INCIDENT.opened_at,
        acknowledged_by="ana@example.org",
    )
    await opened(http).send(known, ENVELOPE)
    assert "ana@example.org" in http.asked[0].json()["payload"]["custom_details"]["acknowledged"]


async def test_closing_closes_the_connections():
    http = Scripted(TAKEN)
    await opened(http).close()
    assert http.closed


def test_the_pace_stays_below_what_pagerduty_stands():
    assert opened(Scripted(TAKEN)).rate * 60 <= 120
