"""What holds for every channel that speaks HTTP, whatever its provider does. A new one joins with a line in `WAYS`."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import pytest

from alertsvc.channels.base import Channel, Tools
from alertsvc.channels.http import Patience, open_http
from alertsvc.channels.msteams import TeamsConfig, open_msteams
from alertsvc.channels.outcome import Accepted, Fault, Rejected, Retry, Unknown
from alertsvc.channels.pagerduty import PagerDutyConfig, PagerDutyGlobals, open_pagerduty
from alertsvc.channels.samples import DIGEST, INCIDENT
from alertsvc.channels.slack import SlackConfig, SlackGlobals, open_slack
from alertsvc.channels.webhook import WebhookConfig, open_webhook
from alertsvc.core.model import Reason
from tests.channels.loopback import (
    Behaviour,
    answer,
    close_silently,
    cut_body,
    drip_body,
    drip_head,
    echo,
    garbage,
    hang,
    huge,
    in_turn,
    loopback,
    reset,
)
from tests.channels.scenes import envelope, reason, render

pytestmark = pytest.mark.anyio

CANARY = "CANARYc4n4ryCANARYc4n4ryCANARY99"
"""Stands in every secret. Where it is seen, a secret is."""
SHORT = Patience(connect=2.5, read=0.6, write=2.5, pool=2.5, whole=2.5)
"""Short where a test waits for its end, and long where only a busy machine needs it."""
POSTED = '{"ok":true,"channel":"C0ML","ts":"1700000000.000100"}'


@dataclass(frozen=True)
class Way:
    """How a channel is opened on a server of ours, and what its provider answers when all is well.

    `fine_status` comes with that answer; `needs_body` says that the status alone is no success. `failing` is a body
    that tells of a failure under status 200.
    """

    open: Callable[[str, Tools], Channel]
    fine: Behaviour
    fine_status: int
    needs_body: bool = False
    failing: str = ""


WAYS: Mapping[str, Way] = {
    "slack-webhook": Way(
        lambda url, tools: open_slack(SlackConfig(api_url=f"{url}/services/T0/B0/{CANARY}"), SlackGlobals(), tools),
        answer(200, "ok"),
        200,
        needs_body=True,
        failing="no_service",
    ),
    "slack-app": Way(
        lambda url, tools: open_slack(
            SlackConfig(app_token=f"xoxb-{CANARY}", app_url=f"{url}/api", channel="#ml"), SlackGlobals(), tools
        ),
        answer(200, POSTED),
        200,
        needs_body=True,
        failing='{"ok":false,"error":"invalid_auth"}',
    ),
    "msteams": Way(
        lambda url, tools: open_msteams(TeamsConfig(webhook_url=f"{url}/workflows/1?sig={CANARY}"), None, tools),
        answer(202),
        202,
        failing="Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429",
    ),
    "pagerduty": Way(
        lambda url, tools: open_pagerduty(
            PagerDutyConfig(routing_key=CANARY, url=f"{url}/v2/enqueue"), PagerDutyGlobals(), tools
        ),
        answer(202, '{"status":"success","message":"Event processed","dedup_key":"k"}'),
        202,
        failing='{"status":"invalid event","message":"Event object is invalid","errors":[]}',
    ),
    "webhook": Way(
        lambda url, tools: open_webhook(
            WebhookConfig(url=f"{url}/in/{CANARY}?token={CANARY}", hmac_secret=CANARY), None, tools
        ),
        answer(204),
        204,
    ),
}


@pytest.fixture(params=WAYS)
def way(request):
    return WAYS[request.param]


@pytest.fixture
def send(way, caplog):
    """Sends once to `url`, and makes sure that no secret is told on the way and that it ends in time."""
    caplog.set_level(logging.DEBUG)

    async def send_once(url, message=INCIDENT):
        channel = opened(way, url)
        since = time.monotonic()
        outcome = await channel.send(message, envelope())
        assert time.monotonic() - since < channel.budget.total_seconds() / 4
        await channel.close()
        for shown in (repr(outcome), caplog.text, repr(channel), repr(vars(channel))):
            assert CANARY not in shown
        assert len(outcome.detail) < 500
        return outcome

    return send_once


def opened(way, url):
    return way.open(url, Tools(render, lambda *, concurrency, **_: open_http(concurrency=concurrency, patience=SHORT)))


@pytest.mark.parametrize("why", Reason)
async def test_every_reason_is_taken(way, send, why):
    async with loopback(way.fine) as server:
        assert isinstance(await send(server.url, reason(INCIDENT, why)), Accepted)
    assert server.requests


async def test_a_digest_is_taken(way, send):
    async with loopback(way.fine) as server:
        assert isinstance(await send(server.url, DIGEST), Accepted)


LATER = [
    pytest.param(301, Fault.CONFIGURATION, True, id="301"),
    pytest.param(302, Fault.CONFIGURATION, True, id="302"),
    pytest.param(303, Fault.CONFIGURATION, True, id="303"),
    pytest.param(307, Fault.CONFIGURATION, True, id="307"),
    pytest.param(308, Fault.CONFIGURATION, True, id="308"),
    pytest.param(401, Fault.AUTH_ERROR, True, id="401"),
    pytest.param(403, Fault.AUTH_ERROR, True, id="403"),
    pytest.param(404, Fault.CONFIGURATION, True, id="404"),
    pytest.param(408, Fault.TIMEOUT, False, id="408"),
    pytest.param(425, Fault.TIMEOUT, False, id="425"),
    pytest.param(429, Fault.RATE_LIMITED, True, id="429"),
    pytest.param(500, Fault.SERVER_ERROR, False, id="500"),
    pytest.param(503, Fault.SERVER_ERROR, False, id="503"),
    pytest.param(599, Fault.SERVER_ERROR, False, id="599"),
]


@pytest.mark.parametrize(("status", "fault", "whole_destination"), LATER)
async def test_what_may_be_mended_is_tried_again(send, status, fault, whole_destination):
    async with loopback(answer(status)) as server:
        outcome = await send(server.url)
    assert (type(outcome), outcome.fault, outcome.status_code) == (Retry, fault, status)
    assert outcome.whole_destination is whole_destination
    assert outcome.after is None


@pytest.mark.parametrize("status", [pytest.param(status, id=str(status)) for status in (400, 409, 413, 422, 451)])
async def test_what_the_message_did_wrong_is_never_taken_for_success(send, status):
    async with loopback(answer(status, "no")) as server:
        outcome = await send(server.url)
    assert (type(outcome), outcome.status_code) in {(Rejected, status), (Retry, status)}
    assert outcome.fault is (Fault.TOO_LARGE if status == 413 else Fault.CLIENT_ERROR)


async def test_a_redirect_is_not_followed(send):
    async with loopback(answer(200, "ok")) as other, loopback(answer(307, "", Location=other.url)) as server:
        await send(server.url)
    assert other.connections == 0


WAITS = [
    pytest.param("7", timedelta(seconds=7), id="seconds"),
    pytest.param("Tue, 24 Nov 2026 12:00:30 GMT", timedelta(seconds=30), id="date"),
    pytest.param("Fri, 31 Dec 2027 23:59:59 GMT", timedelta(days=366), id="date-far-away"),
    pytest.param("9" * 40, timedelta(days=366), id="huge"),
    pytest.param("soon", None, id="junk"),
    pytest.param("-1", None, id="negative"),
]


@pytest.mark.parametrize(("asked", "after"), WAITS)
async def test_a_limit_closes_the_whole_destination_for_as_long_as_it_asks(send, asked, after):
    async with loopback(answer(429, "", Retry_After=asked)) as server:
        outcome = await send(server.url)
    assert (type(outcome), outcome.fault, outcome.whole_destination) == (Retry, Fault.RATE_LIMITED, True)
    assert outcome.after == after


@pytest.mark.parametrize("name", [name for name, way in WAYS.items() if way.failing])
async def test_a_success_whose_body_tells_of_a_failure_is_none(name):
    async with loopback(answer(200, WAYS[name].failing)) as server:
        channel = opened(WAYS[name], server.url)
        outcome = await channel.send(INCIDENT, envelope())
        await channel.close()
    assert isinstance(outcome, Rejected | Retry)


BROKEN = [
    pytest.param(hang, Fault.TIMEOUT, id="hangs-before-headers"),
    pytest.param(drip_head, Fault.TIMEOUT, id="drips-headers"),
    pytest.param(reset, Fault.NETWORK, id="resets-after-the-request"),
    pytest.param(close_silently, Fault.NETWORK, id="hangs-up"),
    pytest.param(garbage, Fault.NETWORK, id="no-http"),
]


@pytest.mark.parametrize(("behave", "fault"), BROKEN)
async def test_without_an_answer_nobody_knows(send, behave, fault):
    async with loopback(behave) as server:
        outcome = await send(server.url)
    assert (type(outcome), outcome.fault) == (Unknown, fault)
    assert len(server.requests) == 1


async def test_nobody_listening_means_that_it_was_not_sent(send):
    async with loopback(hang) as server:
        url = server.url
    assert await send(url) == Retry(Fault.NETWORK, "no connection: connection refused")


async def test_a_forbidden_address_is_the_operators_to_mend(send):
    outcome = await send("http://169.254.169.254")
    assert (type(outcome), outcome.fault, outcome.whole_destination) == (Retry, Fault.CONFIGURATION, True)


async def test_an_answer_whose_body_never_ends_is_judged_by_what_came(send):
    async with loopback(drip_body(503)) as server:
        outcome = await send(server.url)
    assert (type(outcome), outcome.fault) == (Retry, Fault.SERVER_ERROR)


@pytest.mark.parametrize("behave", [drip_body, partial(cut_body, body=b"half")], ids=["drips", "breaks-off"])
async def test_a_success_is_not_unsaid_by_a_body_that_does_not_end(way, send, behave):
    async with loopback(behave(way.fine_status)) as server:
        outcome = await send(server.url)
    assert isinstance(outcome, Unknown if way.needs_body else Accepted)


async def test_of_fifty_megabytes_little_is_read_and_less_is_told(send):
    async with loopback(hang) as server:
        server.behave = huge(500, lambda: server)
        outcome = await send(server.url)
        assert (type(outcome), outcome.fault) == (Retry, Fault.SERVER_ERROR)
        assert server.written < 20 * 1024 * 1024


@pytest.mark.parametrize("status", [pytest.param(status, id=str(status)) for status in (200, 202, 400, 403, 500)])
async def test_an_answer_that_repeats_all_it_was_told_gives_no_secret_away(send, status):
    async with loopback(lambda request, writer: echo(request, writer, status)) as server:
        await send(server.url)
    assert CANARY in server.requests[0].whole().decode()


async def test_lost_requests_take_no_place_from_later_ones(way):
    async with loopback(in_turn(*[hang, reset] * 30, way.fine)) as server:
        channel = opened(way, server.url)
        sends = [asyncio.create_task(channel.send(INCIDENT, envelope())) for _ in range(60)]
        await asyncio.sleep(0.1)
        for given_up in sends[::3]:
            given_up.cancel()
        await asyncio.gather(*sends, return_exceptions=True)
        server.behave = way.fine
        await asyncio.sleep(SHORT.whole)  # what nobody waits for any more ends by itself
        again = await asyncio.gather(*(channel.send(INCIDENT, envelope()) for _ in range(channel.concurrency)))
        await channel.close()
    assert [type(outcome) for outcome in again] == [Accepted] * channel.concurrency
