"""From an event to what destinations were told, on both databases."""

from datetime import timedelta

import pytest

from alertsvc.channels.outcome import Accepted, Fault, Outcome, Rejected, Retry, Unknown
from alertsvc.core.correlate import CorrelateRule
from alertsvc.core.model import AlertState, Severity
from alertsvc.engine import commands
from alertsvc.store.database import Database
from tests.world import QUIET, World, destination, event, rules

FIRING, RESOLVED = AlertState.FIRING, AlertState.RESOLVED
CRITICAL, WARNING, INFO = Severity.CRITICAL, Severity.WARNING, Severity.INFO
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


async def test_a_critical_alert_is_told_at_once_and_its_end_too(world: World) -> None:
    receipt = await world.post(event())
    await world.deliver()
    assert world.channel().reasons == ["opened"]
    await world.post(event(state=RESOLVED))
    await world.deliver()
    assert world.channel().reasons == ["opened", "resolved"]
    assert getattr(world.channel().sent[-1], "resolved_by", "") is None  # nobody but the source
    assert (await world.incident(receipt.incident_ids[0])).status == "resolved"
    assert await world.notifications() == [("opened", "delivered"), ("resolved", "delivered")]


async def test_a_duplicate_tells_nobody_and_writes_no_event(world: World) -> None:
    await world.post(event())
    again = await world.post(event())
    await world.deliver()
    assert again.counts.duplicate == 1
    assert world.channel().reasons == ["opened"]
    assert len(await world.rows("event")) == 1


async def test_an_info_alert_is_kept_and_says_why_nobody_was_told(world: World) -> None:
    await world.post(event(INFO))
    await world.pass_time(2 * HOUR)
    assert world.channel().sent == []
    (row,) = await world.rows("notification")
    assert (row.state, row.why) == ("suppressed", "route root: info is kept in history only")


async def test_a_warning_waits_for_its_digest_which_is_sent_once(world: World) -> None:
    await world.post(event(WARNING))
    await world.deliver()
    assert world.channel().sent == []
    await world.pass_time(HOUR + MINUTE, step=MINUTE)
    await world.pass_time(HOUR)
    (digest,) = world.channel().digests
    assert [(item.title, item.status) for item in digest.items] == [("churn: Drift", "firing")]
    assert (digest.window_end - digest.window_start) == HOUR
    assert await world.notifications() == [("opened", "delivered")]


async def test_a_digest_says_what_is_true_when_it_is_sent(world: World) -> None:
    await world.post(event(WARNING))
    await world.post(event(WARNING, model="fraud"))
    await world.post(event(WARNING, RESOLVED))
    await world.pass_time(HOUR + MINUTE)
    (digest,) = world.channel().digests
    assert [(item.title, item.status) for item in digest.items] == [
        ("fraud: Drift", "firing"),
        ("churn: Drift", "resolved"),
    ]
    assert {state for _, state in await world.notifications()} == {"delivered"}


async def test_what_ends_after_a_digest_told_of_it_is_told_by_the_next(world: World) -> None:
    await world.post(event(WARNING))
    await world.pass_time(HOUR + MINUTE)
    await world.post(event(WARNING, RESOLVED))
    await world.pass_time(HOUR)
    assert [[item.status for item in digest.items] for digest in world.channel().digests] == [["firing"], ["resolved"]]


async def test_a_digest_that_holds_nothing_is_not_sent(world: World) -> None:
    await world.post(event(WARNING))
    await world.post(event(CRITICAL, feature="age"))
    await world.pass_time(2 * HOUR)
    assert "digest" not in world.channel().reasons
    assert [row.state for row in await world.rows("digest")] == ["empty"]


async def test_a_warning_that_turns_critical_leaves_the_digest_and_pages(world: World) -> None:
    await world.post(event(WARNING))
    await world.post(event(CRITICAL, feature="age"))
    await world.deliver()
    assert world.channel().reasons == ["raised"]
    assert await world.notifications() == [("opened", "superseded"), ("raised", "delivered")]


async def test_forty_features_are_one_incident_and_two_messages(world: World) -> None:
    receipts = [await world.post(event(feature=f"f{number}")) for number in range(40)]
    await world.deliver()
    assert len({receipt.incident_ids[0] for receipt in receipts}) == 1
    assert world.channel().reasons == ["opened"]
    assert (await world.incident(receipts[0].incident_ids[0])).firing_count == 40


async def test_news_is_bundled_by_the_group_interval(world: World) -> None:
    await world.post(event())
    await world.deliver()
    for number in range(5):
        await world.post(event(feature=f"f{number}"))
    await world.deliver()
    assert world.channel().reasons == ["opened"]
    await world.pass_time(6 * MINUTE, step=MINUTE)
    assert world.channel().reasons == ["opened", "updated"]


async def test_what_still_fires_is_repeated_until_somebody_takes_it(world: World) -> None:
    receipt = await world.post(event())
    await world.pass_time(9 * HOUR, step=10 * MINUTE)
    assert world.channel().reasons == ["opened", "repeated", "repeated"]
    await world.act(receipt.incident_ids[0], commands.acknowledge)
    await world.pass_time(9 * HOUR, step=10 * MINUTE)
    assert world.channel().reasons == ["opened", "repeated", "repeated", "acknowledged"]


async def test_a_raise_is_not_covered_by_the_acknowledgement_of_less(world: World) -> None:
    receipt = await world.post(event(Severity.ERROR))
    await world.deliver()
    await world.act(receipt.incident_ids[0], commands.acknowledge)
    await world.deliver()
    await world.post(event(CRITICAL, feature="age"))
    await world.deliver()
    assert world.channel().reasons == ["opened", "acknowledged", "raised"]
    before = [message.previous_severity for message in world.channel().sent]
    assert before == [None, None, Severity.ERROR], "whoever is told that it is worse is told than what"
    assert (await world.incident(receipt.incident_ids[0])).status == "firing"


async def test_what_never_left_is_cancelled_visibly(world: World) -> None:
    world.channel().otherwise = Retry(Fault.NETWORK, "connection refused")
    await world.post(event())
    await world.deliver()
    await world.post(event(state=RESOLVED))
    world.channel().otherwise = Accepted()
    await world.pass_time(HOUR)
    assert world.channel().sent == []
    assert await world.notifications() == [("opened", "superseded"), ("resolved", "suppressed")]
    assert [row.outcome for row in await world.rows("delivery")] == ["superseded"]


async def test_what_may_have_left_is_followed_by_its_end(world: World) -> None:
    world.channel().answers = [Unknown("no answer")]
    await world.post(event())
    await world.deliver()
    await world.post(event(state=RESOLVED))
    await world.pass_time(HOUR, step=MINUTE)
    assert world.channel().reasons == ["resolved"]
    (attempt, *_) = await world.rows("attempt")
    assert attempt.outcome == "unknown"


async def test_a_delivery_is_tried_until_it_is_taken(world: World) -> None:
    world.channel().answers = [Retry(Fault.SERVER_ERROR, "500")] * 5
    await world.post(event())
    await world.pass_time(10 * MINUTE, step=timedelta(seconds=1))
    assert world.channel().reasons == ["opened"]
    (row,) = await world.rows("delivery")
    assert (row.outcome, row.attempt_count) == ("accepted", 6)


async def test_a_refused_delivery_fails_visibly_and_can_be_retried(world: World) -> None:
    world.channel().answers = [Rejected(Fault.CLIENT_ERROR, "no_such_channel", 404)]
    receipt = await world.post(event())
    await world.deliver()
    (row,) = await world.rows("delivery")
    assert (row.outcome, row.detail) == ("failed", "no_such_channel")
    assert await world.notifications() == [("opened", "failed")]
    again = await commands.retry_delivery(world.database, row.id, commands.Actor("ann", "api"), world.moment())
    await world.deliver()
    assert again != row.id
    assert world.channel().reasons == ["opened"]
    assert await world.notifications() == [("opened", "failed"), ("opened", "delivered")]
    await world.post(event(state=RESOLVED))
    await world.deliver()
    assert world.channel().reasons == ["opened", "resolved"]
    assert receipt.incident_ids


async def test_a_refused_credential_is_tried_slowly_until_somebody_mends_it(world: World) -> None:
    world.channel().answers = [Rejected(Fault.AUTH_ERROR, "invalid_auth", 401)]
    await world.post(event())
    await world.pass_time(20 * MINUTE, step=MINUTE)
    assert world.channel().reasons == ["opened"]


async def test_a_delivery_past_its_horizon_fails(world: World) -> None:
    world.channel().otherwise = Retry(Fault.SERVER_ERROR, "503")
    await world.post(event())
    await world.pass_time(73 * HOUR, step=HOUR / 2)
    (row, *_) = await world.rows("delivery")
    assert row.outcome == "failed"
    assert "passed" in row.detail


async def test_each_destination_is_told_only_what_it_hears(database: Database) -> None:
    world = World(database, rules(destination("chat"), destination("mail", QUIET)))
    receipt = await world.post(event())
    await world.deliver()
    await world.act(receipt.incident_ids[0], commands.acknowledge)
    await world.deliver()
    assert world.channel("team/chat").reasons == ["opened", "acknowledged"]
    assert world.channel("team/mail").reasons == ["opened"]
    await world.balance()


async def test_a_person_resolves_and_whoever_was_told_is_told(world: World) -> None:
    receipt = await world.post(event())
    await world.deliver()
    await world.act(receipt.incident_ids[0], commands.resolve)
    await world.deliver()
    assert world.channel().reasons == ["opened", "resolved"]
    held = await world.post(event())
    assert held.counts.duplicate == 1
    world.now += 5 * HOUR
    reopened = await world.post(event())
    await world.deliver()
    assert reopened.counts.new == 1
    assert world.channel().reasons == ["opened", "resolved", "opened"]


async def test_a_resolve_can_be_taken_back(world: World) -> None:
    receipt = await world.post(event(), event(feature="age"))
    await world.deliver()
    await world.act(receipt.incident_ids[0], commands.resolve)
    await world.deliver()
    await world.act(receipt.incident_ids[0], commands.reopen)
    await world.deliver()
    assert world.channel().reasons == ["opened", "resolved", "opened"]
    assert (await world.incident(receipt.incident_ids[0])).firing_count == 2


async def test_the_news_of_an_end_is_taken_back_when_it_fires_again_first(database: Database) -> None:
    one_for_an_hour = CorrelateRule("model", ("model",), reopen_within=HOUR)
    world = World(database, rules(correlate=(one_for_an_hour,)))
    await world.post(event())
    await world.deliver()
    world.channel().otherwise = Retry(Fault.NETWORK, "down")
    await world.post(event(state=RESOLVED))
    await world.deliver()
    world.channel().otherwise = Accepted()
    await world.post(event(start=world.now + MINUTE))
    await world.pass_time(HOUR, step=MINUTE)
    assert world.channel().reasons == ["opened", "updated"]
    await world.balance()


async def test_of_two_recipients_the_one_who_has_it_is_told_of_the_end(world: World) -> None:
    world.channel().answers = [Retry(Fault.SERVER_ERROR, "bob later", progress={"ann@x": "250 fine"})]
    receipt = await world.post(event())
    claimed = await world.claim()
    await world.act(receipt.incident_ids[0], commands.resolve)
    await world.settle(await world.send(claimed))
    await world.pass_time(MINUTE)
    assert world.channel().reasons == ["resolved"]


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        pytest.param(
            [Retry(Fault.SERVER_ERROR, "bob", progress={"ann@x": "250 fine"}), Rejected(Fault.CLIENT_ERROR, "no")],
            ["resolved"],
            id="some-before",
        ),
        pytest.param([Unknown("no answer"), Rejected(Fault.CLIENT_ERROR, "no")], ["resolved"], id="maybe-before"),
        pytest.param([Rejected(Fault.CLIENT_ERROR, "no")], [], id="surely-not"),
    ],
)
async def test_who_may_have_heard_from_a_message_that_failed_in_the_end_is_told_of_the_end(
    world: World, answers: list[Outcome], told: list[str]
) -> None:
    world.channel().answers = list(answers)
    await world.post(event())
    await world.deliver()
    await world.pass_time(timedelta(minutes=1))
    assert await world.notifications() == [("opened", "failed")]
    await world.post(event(state=AlertState.RESOLVED))
    await world.deliver()
    assert world.channel().reasons == told


@pytest.mark.parametrize("answer", [Accepted(), Unknown("no answer")], ids=["accepted", "unknown"])
async def test_a_sender_that_sleeps_past_its_lease_changes_nothing(world: World, answer: Accepted | Unknown) -> None:
    world.channel().answers = [answer]
    await world.post(event())
    stale = await world.send(await world.claim())
    world.now += 5 * MINUTE
    await world.ticker.sweep()
    world.worker = "worker-2"
    await world.deliver()
    settled = await world.settle(stale)
    assert [each.state for each in settled] == ["fenced"]
    (row,) = await world.rows("delivery")
    assert (row.outcome, row.attempt_count, row.unknown_count) == ("accepted", 2, 1)


@pytest.mark.parametrize("answer", [Accepted(), Unknown("no answer")], ids=["accepted", "unknown"])
async def test_an_end_is_told_again_after_a_sender_that_slept_past_its_lease(
    world: World, answer: Accepted | Unknown
) -> None:
    await world.post(event())
    claimed = await world.claim()
    world.now += 5 * MINUTE
    await world.ticker.sweep()
    world.worker = "worker-2"
    await world.deliver()
    await world.post(event(state=RESOLVED))
    await world.deliver()
    assert world.channel().reasons == ["opened", "resolved"]
    world.channel().answers = [answer]
    await world.settle(await world.send(claimed))
    await world.deliver()
    late = ["opened"] if isinstance(answer, Accepted) else []
    assert world.channel().reasons == ["opened", "resolved", *late, "resolved"]
    await world.balance()


@pytest.mark.parametrize("answer", [Rejected(Fault.CLIENT_ERROR, "no"), Retry(Fault.TIMEOUT, "not connected")])
async def test_nothing_is_told_again_after_a_late_try_that_surely_told_nobody(
    world: World, answer: Rejected | Retry
) -> None:
    await world.post(event())
    claimed = await world.claim()
    world.now += 5 * MINUTE
    await world.ticker.sweep()
    world.worker = "worker-2"
    await world.deliver()
    await world.post(event(state=RESOLVED))
    await world.deliver()
    told = world.channel().reasons
    world.channel().answers = [answer]
    await world.settle(await world.send(claimed))
    assert await world.claim() == []
    assert told == ["opened", "resolved"]


async def test_messages_of_a_lane_leave_in_order(world: World) -> None:
    receipt = await world.post(event())
    claimed = await world.claim()
    await world.act(receipt.incident_ids[0], commands.acknowledge)
    await world.act(receipt.incident_ids[0], commands.unacknowledge)
    await world.post(event(state=RESOLVED))
    assert await world.claim() == []
    await world.settle(await world.send(claimed))
    await world.deliver()
    assert world.channel().reasons == ["opened", "resolved"]


async def test_a_dead_destination_delays_no_other(database: Database) -> None:
    world = World(database, rules(destination("chat"), destination("mail")))
    world.channel("team/mail").otherwise = Retry(Fault.TIMEOUT, "timed out")
    for number in range(30):
        await world.post(event(model=f"m{number}"))
    await world.deliver()
    assert len(world.channel("team/chat").sent) == 30
    assert world.channel("team/mail").sent == []
    world.channel("team/mail").otherwise = Accepted()
    await world.pass_time(HOUR, step=MINUTE)
    assert len(world.channel("team/mail").sent) == 30
    await world.balance()
