"""The story of an incident and of a notification: who was told what, what kept the rest back, and what comes next."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from alertsvc.channels.outcome import Fault, Rejected, Retry
from alertsvc.core.intervals import Interval, IntervalEntry, TimeRange
from alertsvc.core.model import AlertState, Reason, Severity
from alertsvc.engine import commands
from alertsvc.engine.story import MOST_ALERTS
from alertsvc.store.database import Database
from tests.engine.test_flapping import flap
from tests.engine.test_muting import DOWN_HIDES_DRIFT, expire, silence
from tests.web.teller import Teller, telling
from tests.world import QUIET, START, destination, event, rules

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
RESOLVED, WARNING = AlertState.RESOLVED, Severity.WARNING
DAYTIME = Interval("daytime", (IntervalEntry(times=(TimeRange(8 * 60, 18 * 60),)),))
UNKNOWN = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
async def teller(database: Database) -> AsyncIterator[Teller]:
    async with telling(database, rules()) as found:
        yield found


def iso(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


def notes(told: Any) -> list[tuple[str, str]]:
    return [(each["reason"], each["state"]) for each in told["notifications"]]


def following(told: Any) -> list[tuple[str, str | None]]:
    return [(each["what"], each["at"]) for each in told["next"]]


async def test_who_was_told_is_shown_with_the_try_and_the_repeat_to_come(teller: Teller) -> None:
    await teller.world.post(event())
    assert following(await teller.of()) == [("delivery", iso(START))]
    await teller.world.deliver()
    told = await teller.of()
    assert told["belief"]["state"] == "told"
    assert notes(told) == [("opened", "delivered")]
    (note,) = told["notifications"]
    assert note["why"] == "route root: critical is delivered immediately"
    assert (note["mute"], note["digest"], note["took_its_place"]) == (None, None, None)
    assert (note["delivery"]["state"], note["delivery"]["attempts"][0]["outcome"]) == ("accepted", "accepted")
    assert following(told) == [("repeat", iso(START + 4 * HOUR))]
    assert (told["today"]["route"], told["today"]["deliver"], told["differs"]) == ("root", "immediate", None)


async def test_what_was_silenced_names_the_silence_even_when_it_is_over(teller: Teller) -> None:
    key = await silence(teller.world)
    await teller.world.post(event())
    told = await teller.of()
    assert notes(told) == [("opened", "suppressed")]
    for mute in (told["notifications"][0]["mute"], told["kept_back"][0], told["today"]["mutes"][0]):
        assert mute["kind"] == "silence"
        assert (mute["silence"]["created_by"], mute["silence"]["comment"]) == ("ann", "we know")
        assert mute["silence"]["ends_at"] == mute["until"] == iso(START + HOUR)
    assert following(told) == [("mute_check", iso(START + HOUR))]
    await teller.world.pass_time(MINUTE)
    await expire(teller.world, key)
    await teller.world.pass_time(MINUTE, timedelta(seconds=10))
    told = await teller.of()
    assert notes(told) == [("opened", "suppressed"), ("unmuted", "delivered")]
    mute = told["notifications"][0]["mute"]
    assert mute["silence"]["ends_at"] == mute["until"] == iso(START + MINUTE)
    assert (told["kept_back"], told["today"]["mutes"]) == ([], [])


async def test_what_a_recurring_silence_kept_back_says_when_that_stretch_ends(teller: Teller) -> None:
    world = teller.world
    times = {"schedule": "30 8 * * *", "timezone": "UTC", "duration_seconds": 3600.0}
    await silence(world, lasts=timedelta(days=30), **times)
    await world.post(event())
    for _ in range(3):
        note = (await teller.of())["notifications"][0]
        assert (note["state"], note["mute"]["until"]) == ("suppressed", iso(START + 30 * MINUTE))
        await world.pass_time(timedelta(days=1))


async def test_what_another_alert_inhibits_names_that_alert(database: Database) -> None:
    async with telling(database, rules(inhibit=(DOWN_HIDES_DRIFT,), correlate=())) as teller:
        teller.put_in_force(root=replace(teller.world.rules.root, group_by=("alertname",)))
        await teller.world.post(event(alertname="ModelDown"))
        await teller.world.post(event())
        told = await teller.of(number=2)
        assert notes(told) == [("opened", "suppressed")]
        assert told["notifications"][0]["mute"]["alert"] == {
            "fingerprint": event(alertname="ModelDown").fingerprint,
            "labels": {"alertname": "ModelDown", "model": "churn"},
            "incident": 1,
        }
        assert following(told) == [("mute_check", None)]
        await teller.world.deliver()


async def test_what_the_clock_mutes_says_until_when(database: Database) -> None:
    root = replace(rules().root, mute_intervals=("daytime",))
    async with telling(database, rules(root=root, intervals={"daytime": DAYTIME})) as teller:
        await teller.world.post(event())
        told = await teller.of()
        (mute,) = told["kept_back"]
        assert (mute["ref"], mute["until"]) == ("interval:daytime", iso(START + 9 * HOUR))
        assert (mute["silence"], mute["alert"]) == (None, None)
        assert told["notifications"][0]["why"] == "muted by the time interval daytime"


async def test_what_waits_for_a_digest_says_for_which_and_then_when_it_was_sent(teller: Teller) -> None:
    await teller.world.post(event(WARNING))
    told = await teller.of()
    assert notes(told) == [("opened", "pending")]
    (window,) = [each["digest"] for each in told["notifications"]]
    assert (window["name"], window["state"], window["due_at"]) == ("hourly", "open", iso(START + HOUR))
    assert following(told) == [("digest", iso(START + HOUR))]
    await teller.world.pass_time(61 * MINUTE, MINUTE)
    (note,) = (await teller.of())["notifications"]
    assert (note["state"], note["digest"]["state"], note["delivery"]["state"]) == ("delivered", "sent", "accepted")


async def test_a_digest_whose_news_is_muted_meanwhile_does_not_promise_it(teller: Teller) -> None:
    await teller.world.post(event(WARNING))
    await silence(teller.world, lasts=2 * HOUR)
    told = await teller.of()
    assert told["next"][0]["said"] == (
        "the digest hourly is sent and says it (opened); not if all that fires is muted then, as it is now"
    )
    await teller.world.pass_time(61 * MINUTE, MINUTE)
    (note,) = (await teller.of())["notifications"]
    assert (note["state"], note["mute"]["silence"]["created_by"]) == ("suppressed", "ann")


async def test_what_waits_behind_another_message_says_so(teller: Teller) -> None:
    world = teller.world
    await world.post(event())
    claimed = await world.claim()
    await world.post(event(state=RESOLVED))
    told = await teller.of()
    assert [each["said"] for each in told["next"]] == [
        "opened is being sent, try 1",
        "resolved leaves once the message before it has ended",
    ]
    await world.settle(await world.send(claimed))
    await world.deliver()
    assert notes(await teller.of()) == [("opened", "delivered"), ("resolved", "delivered")]


async def test_what_somebody_has_is_not_repeated(teller: Teller) -> None:
    receipt = await teller.world.post(event())
    await teller.world.deliver()
    await teller.world.act(receipt.incident_ids[0], commands.acknowledge)
    await teller.world.deliver()
    await teller.world.post(event(feature="age"))
    story = await teller.story()
    (told,) = story["destinations"]
    assert notes(told) == [("opened", "delivered"), ("acknowledged", "delivered"), ("updated", "suppressed")]
    assert told["notifications"][2]["why"] == "acknowledged by ann"
    assert story["incident"]["acknowledged_by"] == "ann"
    assert following(told) == []


async def test_a_channel_without_resolved_is_said_not_to_be_told_of_the_end(database: Database) -> None:
    async with telling(database, rules(destination("chat", QUIET - {Reason.RESOLVED}))) as teller:
        await teller.world.post(event())
        await teller.world.deliver()
        await teller.world.post(event(state=RESOLVED))
        told = await teller.of()
        assert notes(told) == [("opened", "delivered"), ("resolved", "suppressed")]
        assert told["notifications"][1]["why"] == "send_resolved: false"
        assert (told["today"], told["differs"], following(told)) == (None, None, [])


async def test_what_is_kept_in_history_only_was_never_to_be_told(teller: Teller) -> None:
    await teller.world.post(event(Severity.INFO))
    told = await teller.of()
    assert (told["receiver"], told["belief"], following(told)) == ("team", None, [])
    assert notes(told) == [("opened", "suppressed")]
    assert told["notifications"][0]["why"] == "route root: info is kept in history only"


async def test_what_flaps_says_until_when_it_is_quiet(teller: Teller) -> None:
    await flap(teller.world, 5)
    last = (await teller.world.rows("incident"))[-1].number
    story = await teller.story(last)
    assert story["flapping"] == {"alert_count": 1, "until": iso(START + 23 * MINUTE)}
    assert [notes(each) for each in story["destinations"]] == [[("flapping", "delivered")]]


async def test_what_failed_shows_every_answer_of_the_provider(teller: Teller) -> None:
    world = teller.world
    world.channel().answers = [
        Retry(Fault.NETWORK, "connection refused"),
        Rejected(Fault.CLIENT_ERROR, "no such channel", 400),
    ]
    await world.post(event())
    await world.settle(await world.send(await world.claim()))
    told = await teller.of()
    assert told["next"][0]["said"] == "opened is tried again; tries so far: 1"
    await world.pass_time(MINUTE, timedelta(seconds=5))
    (note,) = (await teller.of())["notifications"]
    tries = [(each["outcome"], each["status_code"], each["detail"]) for each in note["delivery"]["attempts"]]
    assert tries[0] == ("retry", None, "connection refused")
    assert tries[1] == ("rejected", 400, "no such channel")
    assert (note["state"], note["delivery"]["state"]) == ("failed", "failed")


async def test_what_was_superseded_names_what_took_its_place(teller: Teller) -> None:
    await teller.world.post(event(WARNING))
    await teller.world.post(event(Severity.CRITICAL))
    await teller.world.deliver()
    told = await teller.of()
    opened, raised = told["notifications"]
    assert (opened["reason"], opened["state"]) == ("opened", "superseded")
    assert opened["ended_why"] == "left the digest: severity raised"
    assert opened["took_its_place"] == {"id": raised["id"], "reason": "raised", "state": "delivered"}


async def test_routing_that_says_something_else_today_is_visible(teller: Teller) -> None:
    world = teller.world
    await world.post(event())
    await world.deliver()
    other = destination("pager", receiver="oncall")
    root = replace(world.rules.root, receiver="oncall")
    teller.put_in_force(root=root, receivers={**world.rules.receivers, "oncall": (other,)})
    assert (await teller.of())["differs"] == "root led here then; today no route does"
    (alert,) = (await teller.story())["alerts"]
    assert [(each["route"], each["receiver"], each["deliver"]) for each in alert["routes"]] == [
        ("root", "oncall", "immediate")
    ]
    new = await teller.of("oncall/pager")
    assert (new["belief"], new["notifications"]) == (None, [])
    assert new["differs"] == "today root leads here (immediate); nobody was told when it began"


async def test_a_story_is_bounded_and_told_page_by_page(teller: Teller) -> None:
    count = MOST_ALERTS + 10
    await teller.world.post(*(event(feature=str(number)) for number in range(count)))
    await teller.world.deliver()
    story = await teller.story()
    assert (len(story["alerts"]), story["firing_count"]) == (MOST_ALERTS, count)
    await teller.world.post(event(feature="more"))
    await teller.world.pass_time(6 * MINUTE)
    first = await teller.get("/incidents/1/explain?limit=1")
    second = await teller.get(f"/incidents/1/explain?limit=1&cursor={first['next_cursor']}")
    assert [notes(each) for page in (first, second) for each in page["destinations"]] == [
        [("opened", "delivered")],
        [("updated", "delivered")],
    ]
    assert second["next_cursor"] is None


async def test_one_notification_has_its_own_story(teller: Teller) -> None:
    await silence(teller.world)
    await teller.world.post(event())
    (known,) = (await teller.of())["notifications"]
    found = await teller.get(f"/notifications/{known['id']}/explain")
    assert found["notification"] == known
    assert found["incident"]["number"] == 1
    assert found["destination"]["destination"] == "team/chat"
    assert found["destination"]["notifications"] == []
    assert following(found["destination"]) == [("mute_check", iso(START + HOUR))]


@pytest.mark.parametrize("path", ["incidents/7", f"incidents/{UNKNOWN}", f"notifications/{UNKNOWN}", "notifications/7"])
async def test_what_is_not_there_has_no_story(teller: Teller, path: str) -> None:
    reply = await teller.client.get(f"/api/v1/{path}/explain")
    assert (reply.status_code, reply.headers["content-type"]) == (404, "application/problem+json")
