"""Sending to Teams: one card for each piece of news, and what is known of it afterwards."""

from dataclasses import replace
from datetime import timedelta

import pytest

from alertsvc.channels.msteams import TeamsConfig, open_msteams
from alertsvc.channels.outcome import Accepted, Fault, Rejected, Retry, Unknown
from alertsvc.channels.samples import DIGEST, INCIDENT, RESOLVED
from alertsvc.core.model import Reason
from tests.channels.msteams.cards import shown
from tests.channels.scenes import envelope
from tests.channels.scripted import Scripted, reply
from tests.channels.validators import check_teams

FLOW = "https://x.environment.api.powerplatform.com:443/powerautomate/workflows/abc/triggers/manual?sig=secretsecret"
BEGUN = "the flow accepted it; whether it was posted is not told"


def teams(http, templates=None, **entry):
    return open_msteams(TeamsConfig.model_validate({"webhook_url": FLOW, **entry}), None, http.tools(templates))


async def test_every_piece_of_news_is_a_card_of_its_own():
    http = Scripted(reply(202))
    channel = teams(http)
    for message in (INCIDENT, RESOLVED, DIGEST, replace(INCIDENT, reason=Reason.TEST)):
        assert await channel.send(message, envelope(anchor={"channel": "C1", "ts": "1.1"})) == Accepted(
            BEGUN, status_code=202
        )
    for asked in http.asked:
        assert asked.url == FLOW
        assert asked.headers == {"content-type": "application/json; charset=utf-8"}
        check_teams(asked.json())
    await channel.close()
    assert http.closed


async def test_configured_words_stand_in_for_an_incidents_own_but_not_for_a_digests():
    http = Scripted(reply(202))
    channel = teams(http, title="Model trouble", text="Have a look.", mentions=[{"id": "a@example.com", "name": "Ana"}])
    await channel.send(INCIDENT, envelope())
    await channel.send(DIGEST, envelope())
    incident, digest = (shown(asked.json()["attachments"][0]["content"]) for asked in http.asked)
    assert incident.startswith("🔴 Critical\nModel trouble\nHave a look.")
    assert incident.endswith("<at>Ana</at>")
    assert "Hourly digest" in digest


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(reply(200, "Webhook message delivery failed with error: HTTP error 413"), Rejected, id="refused"),
        pytest.param(reply(429, "", retry_after="5"), Retry, id="limited"),
        pytest.param(reply(401, ""), Retry, id="to-be-mended"),
        pytest.param(Retry(Fault.NETWORK, "no connection"), Retry, id="not-reached"),
        pytest.param(Unknown("no answer in time"), Unknown, id="no-answer"),
    ],
)
async def test_a_card_is_posted_once_whatever_comes_back(answer, kind):
    http = Scripted(answer)
    assert isinstance(await teams(http).send(INCIDENT, envelope()), kind)
    assert len(http.asked) == 1


def test_a_flow_is_used_once_in_two_seconds():
    channel = teams(Scripted(reply(202)), timeout="10s")
    assert (channel.rate, channel.burst) == (0.5, 4)
    assert channel.budget >= timedelta(seconds=10)
