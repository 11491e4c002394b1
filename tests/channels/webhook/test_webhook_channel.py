"""A call of a webhook: what it says, whose it is, and what its answer means."""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook as Receiver

from alertsvc.channels.message import DigestMessage
from alertsvc.channels.outcome import Accepted, Fault, Rejected, Retry, Unknown
from alertsvc.channels.samples import DIGEST, INCIDENT
from alertsvc.channels.webhook import WebhookConfig, open_webhook
from tests.channels.scripted import ENVELOPE, Scripted, reply

pytestmark = pytest.mark.anyio

URL = "https://hooks.example.com/in/0123456789abcdef"
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
BEFORE = "whsec_" + base64.b64encode(bytes(range(1, 33))).decode()


def opened(http, **config):
    return open_webhook(WebhookConfig.model_validate({"url": URL, **config}), None, http.tools())


async def test_a_receiver_can_verify_what_it_gets():
    http, now = Scripted(reply(204)), datetime.now(UTC)
    await opened(http, hmac_secret=SECRET).send(INCIDENT, replace(ENVELOPE, sent_at=now))
    (asked,) = http.asked
    said = Receiver(SECRET).verify(asked.content, dict(asked.headers))
    assert (asked.url, said["type"], said["data"]["number"]) == (URL, "incident.opened", 12)
    assert asked.headers["content-type"].startswith("application/json")
    assert asked.headers["webhook-id"] == str(ENVELOPE.delivery_id)


async def test_a_repeat_has_the_same_id_and_the_same_body():
    http = Scripted(reply(503), reply(204))
    channel = opened(http, hmac_secret=SECRET)
    await channel.send(INCIDENT, ENVELOPE)
    await channel.send(INCIDENT, replace(ENVELOPE, attempt=2, sent_at=ENVELOPE.sent_at + timedelta(minutes=5)))
    first, second = http.asked
    assert (first.content, first.headers["webhook-id"]) == (second.content, second.headers["webhook-id"])
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 300


async def test_a_secret_that_is_rotated_is_used_at_once(tmp_path, monkeypatch):
    http, now = Scripted(reply(204)), datetime.now(UTC)
    file = tmp_path / "secret"
    file.write_text(BEFORE + "\n")
    channel = opened(http, hmac_secret_file=str(file), previous_hmac_secret_env="HOOK_BEFORE")
    monkeypatch.setenv("HOOK_BEFORE", BEFORE)
    file.write_text(SECRET)
    await channel.send(INCIDENT, replace(ENVELOPE, sent_at=now))
    (asked,) = http.asked
    for secret in (SECRET, BEFORE):
        Receiver(secret).verify(asked.content, dict(asked.headers))


async def test_without_a_secret_nothing_is_signed():
    http = Scripted(reply(204))
    await opened(http).send(DIGEST, ENVELOPE)
    assert http.asked[0].json()["type"] == "digest"
    assert "webhook-signature" not in http.asked[0].headers


@pytest.mark.parametrize("secret", [pytest.param("", id="empty"), pytest.param("whsec_not!base64", id="not-base64")])
async def test_while_the_secret_is_unfit_nothing_is_sent(tmp_path, secret):
    http = Scripted(reply(204))
    file = tmp_path / "secret"
    file.write_text(secret)
    outcome = await opened(http, hmac_secret_file=str(file)).send(INCIDENT, ENVELOPE)
    assert (type(outcome), outcome.fault, outcome.whole_destination) == (Retry, Fault.CONFIGURATION, True)
    assert "hmac_secret" in outcome.detail
    assert http.asked == []


ANSWERS = [
    pytest.param(reply(200, "whatever"), Accepted("HTTP 200", status_code=200), id="200"),
    pytest.param(reply(202), Accepted("HTTP 202", status_code=202), id="202"),
    pytest.param(reply(299), Accepted("HTTP 299", status_code=299), id="any-2xx"),
    pytest.param(
        reply(410), Rejected(Fault.CLIENT_ERROR, "HTTP 410: the receiver says it is gone for good", 410), id="gone"
    ),
    pytest.param(reply(400, "no"), Retry(Fault.CLIENT_ERROR, "HTTP 400: no", status_code=400), id="400"),
    pytest.param(reply(413), Retry(Fault.TOO_LARGE, "HTTP 413", status_code=413), id="413"),
    pytest.param(reply(422, "no"), Retry(Fault.CLIENT_ERROR, "HTTP 422: no", status_code=422), id="422"),
    pytest.param(
        reply(401), Retry(Fault.AUTH_ERROR, "HTTP 401", status_code=401, whole_destination=True), id="unauthorized"
    ),
    pytest.param(
        reply(404), Retry(Fault.CONFIGURATION, "HTTP 404", status_code=404, whole_destination=True), id="not-there-yet"
    ),
    pytest.param(
        reply(308, location="https://elsewhere.example"),
        Retry(
            Fault.CONFIGURATION,
            "HTTP 308: a redirect, and redirects are not followed",
            status_code=308,
            whole_destination=True,
        ),
        id="redirect",
    ),
    pytest.param(
        reply(429, retry_after="30"),
        Retry(Fault.RATE_LIMITED, "HTTP 429", timedelta(seconds=30), 429, whole_destination=True),
        id="limited",
    ),
    pytest.param(
        reply(503, retry_after="Tue, 24 Nov 2026 12:01:00 GMT"),
        Retry(Fault.SERVER_ERROR, "HTTP 503", timedelta(minutes=1), 503, whole_destination=True),
        id="unavailable-until",
    ),
    pytest.param(
        reply(429, retry_after="soon"),
        Retry(Fault.RATE_LIMITED, "HTTP 429", None, 429, whole_destination=True),
        id="limited-with-junk",
    ),
    pytest.param(reply(500), Retry(Fault.SERVER_ERROR, "HTTP 500", status_code=500), id="500"),
    pytest.param(
        reply(502), Retry(Fault.SERVER_ERROR, "HTTP 502", status_code=502, whole_destination=True), id="slow-down-502"
    ),
    pytest.param(
        reply(504), Retry(Fault.SERVER_ERROR, "HTTP 504", status_code=504, whole_destination=True), id="slow-down-504"
    ),
    pytest.param(Unknown("no answer in time"), Unknown("no answer in time"), id="nobody-knows"),
    pytest.param(Retry(Fault.NETWORK, "no connection"), Retry(Fault.NETWORK, "no connection"), id="not-sent"),
]


@pytest.mark.parametrize(("said", "outcome"), ANSWERS)
async def test_only_the_end_of_a_receiver_ends_a_call(said, outcome):
    assert await opened(Scripted(said)).send(INCIDENT, ENVELOPE) == outcome


async def test_an_answer_may_not_repeat_the_address():
    outcome = await opened(Scripted(reply(400, f"POST {URL}: 0123456789abcdef is unknown"))).send(INCIDENT, ENVELOPE)
    assert "0123456789abcdef" not in repr(outcome)


async def test_an_operator_may_bound_the_alerts_of_a_call():
    many = replace(INCIDENT, alerts=INCIDENT.alerts * 5, firing_count=5)
    http = Scripted(reply(204))
    await opened(http, max_alerts=2).send(many, ENVELOPE)
    data = http.asked[0].json()["data"]
    assert (len(data["alerts"]), data["firing_count"], data["shortened"]) == (2, 5, True)


@pytest.mark.parametrize("message", [pytest.param(INCIDENT, id="incident"), pytest.param(DIGEST, id="digest")])
async def test_a_flaw_of_a_template_is_told_and_silences_nobody(message):
    http = Scripted(reply(204))
    title = "digest_title.txt" if isinstance(message, DigestMessage) else "title.txt"
    channel = open_webhook(WebhookConfig.model_validate({"url": URL}), None, http.tools({f"{title}.j2": "{{ 1 / 0 }}"}))
    outcome = await channel.send(message, ENVELOPE)
    assert isinstance(outcome, Accepted)
    assert f"template {title}.j2" in outcome.detail


async def test_closing_closes_the_connections():
    http = Scripted(reply(204))
    await opened(http).close()
    assert http.closed


def test_a_lease_outlasts_the_patience_that_is_configured():
    assert opened(Scripted(reply(204)), timeout="30s").budget > timedelta(seconds=30)
