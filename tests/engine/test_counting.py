"""What is counted for Prometheus, on both databases: every end, once, and only what was committed."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from alertsvc.channels.outcome import Fault, Rejected, Retry, Unknown
from alertsvc.clock import new_id
from alertsvc.core.model import AlertState, Severity
from alertsvc.core.rules import Moment
from alertsvc.engine.admit import admit_one_by_one
from alertsvc.engine.counting import Counting
from alertsvc.engine.digesting import CLOCK_TOLERANCE
from alertsvc.engine.submissions import Submission
from alertsvc.observe.metrics import Metrics
from alertsvc.store import housekeeping, tally
from alertsvc.store.database import ConflictError, Database
from alertsvc.store.tally import Tally
from tests.store.test_plans import a_busy_day
from tests.world import World, destination, event, rules

HOUR = timedelta(hours=1)
WARNING = Severity.WARNING
CHAT = "team/chat"


class Counted:
    """A world whose ends are counted: what is counted must be what is stored, at the end of every test."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.metrics = Metrics("test")
        self.counting = Counting(self.metrics)
        self.counting.follow(world.channels)
        world.database.listener = self.counting.listener

    def value(self, name: str, **labels: str) -> float | None:
        """A sample; None when there is none."""
        return self.metrics.registry.get_sample_value(f"alertsvc_{name}", labels)

    def ends(self, of: str, name: str = CHAT) -> dict[str, float]:
        """How the deliveries or notifications of a destination ended, without those that are 0."""
        (family,) = [each for each in self.metrics.registry.collect() if each.name == f"alertsvc_{of}"]
        return {
            sample.labels["state"]: sample.value
            for sample in family.samples
            if sample.labels["destination"] == name and sample.value
        }

    async def deliver(self) -> None:
        """Send everything that is due, and count the tries."""
        for each in await self.world.settle(await self.world.send(await self.world.claim())):
            self.counting.settled(each)


@pytest.fixture
async def counted(database: Database) -> AsyncIterator[Counted]:
    made = Counted(World(database, rules()))
    yield made
    await made.world.balance()
    for of, column in (("notification", "state"), ("delivery", "outcome")):
        ended = Counter(getattr(row, column) for row in await made.world.rows(of))
        del ended["pending"]
        assert made.ends("notifications" if of == "notification" else "deliveries") == ended


async def test_what_is_delivered_is_counted_as_both(counted: Counted) -> None:
    await counted.world.post(event())
    await counted.deliver()
    assert counted.ends("deliveries") == {"accepted": 1}
    assert counted.ends("notifications") == {"delivered": 1}


async def test_what_fails_for_good_is_counted_with_its_fault(counted: Counted) -> None:
    await counted.world.post(event())
    counted.world.channel().answers.append(Rejected(Fault.CLIENT_ERROR, "no"))
    await counted.deliver()
    assert counted.ends("deliveries") == counted.ends("notifications") == {"failed": 1}
    assert counted.value("attempts_total", destination=CHAT, outcome="rejected") == 1
    assert counted.value("attempt_faults_total", destination=CHAT, fault="client_error") == 1


async def test_a_try_without_an_answer_is_a_risk_and_no_end(counted: Counted) -> None:
    await counted.world.post(event())
    counted.world.channel().answers.append(Unknown("silence"))
    await counted.deliver()
    assert counted.value("duplicate_risk_total", destination=CHAT) == 1
    assert (counted.ends("deliveries"), counted.ends("notifications")) == ({}, {})


async def test_an_opening_that_never_left_is_superseded_by_its_end(counted: Counted) -> None:
    await counted.world.post(event())
    await counted.world.post(event(state=AlertState.RESOLVED))
    assert counted.ends("deliveries") == {"superseded": 1}
    assert counted.ends("notifications") == {"superseded": 1, "suppressed": 1}, "and its end is told to nobody"


async def test_many_notifications_of_one_digest_are_one_delivery(counted: Counted) -> None:
    await counted.world.post(*(event(WARNING, model=model) for model in "abc"))
    counted.world.now += HOUR + CLOCK_TOLERANCE
    await counted.world.ticker.sweep()
    await counted.deliver()
    assert counted.ends("deliveries") == {"accepted": 1}
    assert counted.ends("notifications") == {"delivered": 3}


async def test_what_is_not_to_be_told_is_counted_by_why(counted: Counted) -> None:
    await counted.world.post(event(Severity.INFO))
    assert counted.ends("notifications") == {"suppressed": 1}
    assert counted.value("notifications_suppressed_total", reason="decision") == 1


async def test_what_is_given_up_because_nobody_configures_it_is_counted(counted: Counted) -> None:
    world = counted.world
    await world.post(event())
    world.now += 100 * HOUR
    moment = world.moment()
    await world.database.transaction(lambda conn: housekeeping.give_up_unknown(conn, [], moment.now, moment.new_id))
    assert counted.ends("deliveries") == counted.ends("notifications") == {"failed": 1}


async def test_a_lease_that_expired_is_counted(counted: Counted) -> None:
    await counted.world.post(event())
    await counted.world.claim(timedelta(seconds=30))
    counted.world.now += timedelta(minutes=1)
    await counted.world.ticker.sweep()
    assert counted.value("lease_expired_total") == 1


async def test_a_message_that_was_put_off_is_as_late_as_it_is_old(counted: Counted) -> None:
    world = counted.world
    await world.post(event())
    world.channel().answers.append(Retry(Fault.NETWORK, "down", after=timedelta(minutes=10)))
    await counted.deliver()
    world.now += 2 * HOUR
    await counted.deliver()
    assert counted.value("notification_latency_seconds_sum", severity="critical") == pytest.approx(7200)


async def test_a_message_that_was_to_wait_is_not_late_for_that(counted: Counted) -> None:
    world = counted.world
    await world.post(event())
    await counted.deliver()
    await world.post(event(feature="another"))  # bundled with what follows, for the group's interval
    world.now += timedelta(minutes=5)
    await counted.deliver()
    assert counted.value("notification_latency_seconds_count", severity="critical") == 2
    assert counted.value("notification_latency_seconds_sum", severity="critical") == pytest.approx(0)


async def test_what_was_rolled_back_is_not_counted(counted: Counted) -> None:
    heard: list[Tally] = []
    counted.world.database.listener = type(counted.counting.listener)(counted=heard.append)
    turns = iter([True, False])

    def work(conn: Connection) -> None:
        tally.count(conn, tally.DELIVERY, CHAT, "accepted")
        if next(turns):
            raise ConflictError("again")

    await counted.world.database.transaction(work)
    assert heard == [{(tally.DELIVERY, CHAT, "accepted"): 1}]


async def test_an_event_that_cannot_be_applied_leaves_no_counts_behind(database: Database) -> None:
    """Its two notifications have one identity, so that the database refuses them when they are counted already."""
    counted = Counted(World(database, rules(destination("chat"), destination("mail"))))
    world = counted.world
    same = new_id()
    moment = Moment(world.rules, world.now, lambda: same)
    submission = Submission(new_id(), "alertmanager", world.now, [event(Severity.INFO)], b"{}")
    receipt = await database.transaction(lambda conn: admit_one_by_one(conn, submission, moment))
    assert (receipt.counts.new, receipt.counts.quarantined) == (0, 1)
    assert counted.ends("notifications") == {}
    assert counted.value("notifications_suppressed_total", reason="decision") == 0


def test_what_may_be_counted_is_there_from_the_start_with_0() -> None:
    counting_nothing = Metrics("test")
    Counting(counting_nothing).follow([CHAT])
    read = counting_nothing.registry.get_sample_value
    for name, labels in (
        ("deliveries_total", {"destination": CHAT, "state": "failed"}),
        ("notifications_total", {"destination": CHAT, "state": "superseded"}),
        ("attempts_total", {"destination": CHAT, "outcome": "unknown"}),
        ("attempt_faults_total", {"destination": CHAT, "fault": "auth_error"}),
        ("duplicate_risk_total", {"destination": CHAT}),
        ("storm_summarised_total", {"destination": CHAT}),
        ("provider_request_seconds_count", {"destination": CHAT}),
        ("notifications_suppressed_total", {"reason": "inhibition"}),
        ("ingest_requests_total", {"source": "alertmanager", "code": "503"}),
        ("ingest_requests_total", {"source": "alertmanager_api", "code": "200"}),
        ("ingest_events_total", {"source": "events", "result": "rejected"}),
        ("ingest_shed_total", {"source": "events"}),
        ("truncated_upstream_total", {"source": "alertmanager"}),
        ("notification_latency_seconds_count", {"severity": "info"}),
        ("database_retries_total", {"cause": "deadlock"}),
        ("auth_failures_total", {"reason": "forbidden"}),
    ):
        assert read(f"alertsvc_{name}", labels) == 0, name


def test_a_reload_begins_what_is_new_and_forgets_what_has_gone() -> None:
    metrics = Metrics("test")
    counting = Counting(metrics)
    counting.follow(["team/chat", "team/mail"])
    metrics.deliveries.labels("team/chat", "accepted").inc(3)
    counting.follow(["team/chat", "team/page"])
    text = metrics.text().decode()
    assert 'alertsvc_deliveries_total{destination="team/chat",state="accepted"} 3.0' in text
    assert 'alertsvc_deliveries_total{destination="team/page",state="failed"} 0.0' in text
    assert "team/mail" not in text


async def test_a_day_with_everything_in_it_is_counted_as_it_is_stored(counted: Counted) -> None:
    await a_busy_day(counted.world)
    assert counted.ends("notifications")["delivered"] > 5
