"""The jobs of the metronome, when one of the things they look after is broken."""

from datetime import datetime, timedelta

import pytest

from alertsvc.channels.outcome import Fault, Outcome, Rejected, Retry, Unknown
from alertsvc.core.acts import Actor
from alertsvc.core.digests import DigestRule
from alertsvc.core.model import AlertState, Severity
from alertsvc.engine import commands
from tests.world import World, event

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


class Broken:
    """A schedule with a bug."""

    def next_after(self, instant: datetime) -> datetime:
        raise ArithmeticError("a bug")

    def last_before(self, instant: datetime) -> datetime:
        raise ArithmeticError("a bug")


async def test_an_incident_that_cannot_be_reminded_of_holds_up_no_other_and_no_digest(world: World) -> None:
    await world.post(event(Severity.WARNING, model="broken"))
    await world.pass_time(2 * HOUR, step=MINUTE)
    await world.post(event(Severity.CRITICAL, model="good"))
    await world.deliver()
    await world.post(event(Severity.WARNING, model="waiting"))
    await world.claim()
    world.rules.digests["hourly"] = DigestRule("hourly", Broken())
    await world.pass_time(5 * HOUR, step=10 * MINUTE)
    assert world.channel().reasons == ["digest", "opened", "digest", "repeated"]


async def test_a_failed_delivery_is_retried_once_however_often_that_is_asked_for(world: World) -> None:
    world.channel().otherwise = Rejected(Fault.CLIENT_ERROR, "bad request")
    await world.post(event())
    await world.deliver()
    (failed,) = await world.rows("delivery")
    first = await commands.retry_delivery(world.database, failed.id, Actor("ann", "api"), world.moment())
    again = await commands.retry_delivery(world.database, failed.id, Actor("ann", "api"), world.moment())
    assert again == first
    assert len(await world.rows("outbox")) == 1


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        pytest.param(Retry(Fault.NETWORK, "connection refused"), [], id="surely-not-told"),
        pytest.param(Unknown("no answer"), ["resolved"], id="maybe-told"),
        pytest.param(Rejected(Fault.CLIENT_ERROR, "bad request"), [], id="given-up"),
    ],
)
async def test_what_ended_while_its_page_was_refused_is_not_paged(
    world: World, answer: Outcome, told: list[str]
) -> None:
    world.channel().answers = [answer]
    await world.post(event())
    tried = await world.send(await world.claim())
    await world.post(event(state=AlertState.RESOLVED))
    await world.settle(tried)
    await world.pass_time(HOUR, step=MINUTE)
    assert world.channel().reasons == told
    assert [row for row in await world.rows("notification") if row.state == "pending"] == []
