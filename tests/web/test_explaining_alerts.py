"""POST /api/v1/explain: what would become of an alert, why, and who is behind what keeps it back."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from alertsvc.core.correlate import CorrelateRule
from alertsvc.core.intervals import Interval, IntervalEntry, TimeRange
from alertsvc.core.model import AlertState, Deliver, Severity
from alertsvc.core.route import Route
from alertsvc.core.storm import StormRule
from alertsvc.engine import commands
from alertsvc.matchers import parse_matchers
from alertsvc.store.database import Database
from tests.engine.test_muting import DOWN_HIDES_DRIFT, silence
from tests.web.teller import Teller, telling
from tests.world import DELIVER, START, TIMING, destination, event, rules

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
LABELS = {"alertname": "Drift", "model": "churn"}
NIGHTS = Interval("nights", (IntervalEntry(times=(TimeRange(22 * 60, 6 * 60),)),))
NIGHT, MORNING = START + 14 * HOUR, START + 21 * HOUR


@pytest.fixture
async def teller(database: Database) -> AsyncIterator[Teller]:
    """Fraud goes to people who sleep at night; everything else to the team."""
    fraud = Route(
        "root/fraud",
        "fraud",
        replace(TIMING, group_wait=MINUTE),
        {**DELIVER, Severity.ERROR: Deliver.IMMEDIATE},
        "hourly",
        matchers=parse_matchers('team="fraud"'),
        mute_intervals=("nights",),
    )
    known = rules()
    chosen = replace(
        known,
        root=replace(known.root, routes=(fraud,)),
        receivers={**known.receivers, "fraud": (destination("mail", receiver="fraud"),)},
        intervals={"nights": NIGHTS},
        inhibit=(DOWN_HIDES_DRIFT,),
    )
    async with telling(database, chosen) as found:
        yield found


def outcome(found: Any) -> tuple[Any, ...]:
    (each,) = found["outcomes"]
    return each["destination"], each["way"], each["reason"], each["due_at"]


def iso(instant: Any) -> str:
    return instant.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("labels", "severity", "expected"),
    [
        pytest.param({}, "critical", ("team/chat", "now", "opened", iso(START)), id="critical"),
        pytest.param({"severity": "page"}, None, ("team/chat", "now", "opened", iso(START)), id="a-word-of-the-label"),
        pytest.param({}, "warning", ("team/chat", "digest", "opened", iso(START + HOUR)), id="warning"),
        pytest.param({}, "info", ("team/chat", "not told", "opened", None), id="info"),
        pytest.param(
            {"team": "fraud"}, "error", ("fraud/mail", "later", "opened", iso(START + MINUTE)), id="group-wait"
        ),
    ],
)
async def test_a_first_alert_is_foreseen(teller: Teller, labels: Any, severity: Any, expected: Any) -> None:
    found = await teller.expect(labels={**LABELS, **labels}, severity=severity)
    assert outcome(found) == expected
    assert (found["at"], found["notes"], found["alert"]) == (iso(START), [], None)
    assert found["incident"]["labels"] == {"model": "churn"}
    assert found["incident"]["open"] is None
    assert await teller.world.rows("alert") == []


async def test_losing_routes_say_which_matcher_failed_on_what(teller: Teller) -> None:
    found = await teller.expect(labels={**LABELS, "team": "ops"})
    assert found["receivers"] == ["team"]
    (lost,) = found["tree"]["routes"]
    assert (lost["route"], lost["standing"]) == ("root/fraud", "fails")
    assert lost["misfit"] == {"matcher": 'team="fraud"', "label": "team", "found": "ops"}


async def test_a_silence_is_named_with_its_author_as_of_the_instant(teller: Teller) -> None:
    key = await silence(teller.world, lasts=2 * HOUR)
    found = await teller.expect(labels=LABELS, severity="critical")
    assert outcome(found) == ("team/chat", "muted", "opened", None)
    (mute,) = found["mutes"]
    assert (mute["kind"], mute["until"]) == ("silence", iso(START + 2 * HOUR))
    assert mute["silence"] == {
        "id": str(key),
        "created_by": "ann",
        "comment": "we know",
        "starts_at": iso(START),
        "ends_at": iso(START + 2 * HOUR),
        "matchers": ['model="churn"'],
    }
    later = await teller.expect(labels=LABELS, severity="critical", at=iso(START + 3 * HOUR))
    assert outcome(later) == ("team/chat", "now", "opened", iso(START + 3 * HOUR))
    assert later["mutes"] == []
    assert "as of now, 2026-03-02T09:00:00+00:00" in later["notes"][0]


async def test_an_interval_mutes_by_the_clock_of_the_instant(teller: Teller) -> None:
    asked = {"labels": {**LABELS, "team": "fraud"}, "severity": "critical"}
    assert outcome(await teller.expect(**asked)) == ("fraud/mail", "now", "opened", iso(START))
    by_night = await teller.expect(**asked, at=iso(NIGHT))
    assert outcome(by_night) == ("fraud/mail", "muted", "opened", None)
    (mute,) = by_night["taken"][0]["mutes"]
    assert (mute["ref"], mute["until"], mute["silence"]) == ("interval:nights", iso(MORNING), None)


async def test_what_inhibits_is_named_with_its_labels_and_incident(teller: Teller) -> None:
    await teller.world.post(event(alertname="ModelDown"))
    found = await teller.expect(labels=LABELS, severity="critical")
    (mute,) = found["mutes"]
    assert (mute["kind"], mute["until"]) == ("inhibition", None)
    assert mute["alert"]["labels"] == {"alertname": "ModelDown", "model": "churn"}
    assert mute["alert"]["incident"] == found["incident"]["open"]["number"] == 1
    assert found["outcomes"][0]["way"] == "muted"


async def test_an_alert_that_inhibits_does_not_inhibit_itself(teller: Teller) -> None:
    await teller.world.post(event(alertname="ModelDown"))
    found = await teller.expect(labels={"alertname": "ModelDown", "model": "churn"}, severity="critical")
    assert found["mutes"] == []


async def test_in_an_open_incident_it_is_an_update_and_nothing_while_somebody_has_it(teller: Teller) -> None:
    receipt = await teller.world.post(event())
    await teller.world.deliver()
    asked = {"labels": {**LABELS, "feature": "age"}, "severity": "critical"}
    found = await teller.expect(**asked)
    assert outcome(found) == ("team/chat", "later", "updated", iso(START + 5 * MINUTE))
    assert found["incident"]["open"]["title"] == "churn: Drift"
    await teller.world.act(receipt.incident_ids[0], commands.acknowledge)
    assert outcome(await teller.expect(**asked)) == ("team/chat", "not told", "updated", None)


async def test_one_that_fires_already_is_said_to(teller: Teller) -> None:
    await teller.world.post(event())
    found = await teller.expect(labels=LABELS, severity="critical")
    assert found["alert"]["state"] == "firing"
    assert found["alert"]["incident"]["number"] == 1
    assert "fires already" in found["notes"][0]


async def test_the_end_is_told_to_whoever_was_told_that_it_fires(teller: Teller) -> None:
    none = await teller.expect(labels=LABELS, status="resolved")
    assert outcome(none) == ("team/chat", "not told", None, None)
    assert none["notes"] == ["no alert with these labels fires: that it ended is told to nobody"]
    await teller.world.post(event())
    await teller.world.deliver()
    assert outcome(await teller.expect(labels=LABELS, status="resolved")) == (
        "team/chat",
        "now",
        "resolved",
        iso(START),
    )
    assert [row.state for row in await teller.world.rows("alert")] == ["firing"]


async def test_a_channel_that_is_not_told_of_ends_says_so(database: Database) -> None:
    every = destination("chat").hears
    deaf = replace(destination("chat"), hears=every - {"resolved"})
    async with telling(database, rules(deaf)) as teller:
        found = await teller.expect(labels=LABELS, severity="critical")
        assert found["taken"][0]["does_not_hear"] == {"team/chat": ["resolved"]}
        await teller.world.post(event())
        await teller.world.deliver()
        (ended,) = (await teller.expect(labels=LABELS, status="resolved"))["outcomes"]
        assert (ended["way"], ended["why"], ended["hears"]) == ("not told", "send_resolved: false", False)
        await teller.world.post(event(state=AlertState.RESOLVED))


@pytest.mark.parametrize(
    ("asked", "status", "detail"),
    [
        pytest.param({"labels": {}, "sevity": "info"}, 422, "did you mean 'severity'?", id="a-slip"),
        pytest.param({"severity": "critical"}, 422, "labels: missing", id="no-labels"),
        pytest.param({"labels": {}, "severity": "page"}, 422, "severity", id="a-severity-that-is-none"),
        pytest.param({"labels": {}, "status": "open"}, 422, "status", id="a-status-that-is-none"),
        pytest.param({"labels": {}, "at": "2026-03-02T09:00:00"}, 400, "give a time zone", id="no-zone"),
        pytest.param({"labels": {}, "at": "9999-12-31T23:00:00Z"}, 400, "year 1971 to 9000", id="too-far"),
        pytest.param({"labels": {"a": "\0"}}, 422, "control character", id="a-nul"),
        pytest.param({"labels": {"a" * 257: "b"}}, 422, "1 to 256 characters", id="a-long-name"),
        pytest.param({"labels": {str(n): "b" for n in range(129)}}, 422, "at most 128", id="too-many"),
    ],
)
async def test_a_bad_question_is_refused_with_what_would_be_right(
    teller: Teller, asked: Any, status: int, detail: str
) -> None:
    reply = await teller.client.post("/api/v1/explain", json=asked)
    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/problem+json")
    assert detail in reply.json()["detail"]


async def test_the_earliest_and_the_latest_instant_can_be_asked_about(teller: Teller) -> None:
    for at in ("1971-01-01T00:00:00Z", "9000-12-31T23:59:59Z"):
        found = await teller.expect(labels={**LABELS, "team": "fraud"}, severity="warning", at=at)
        assert found["outcomes"][0]["way"] in {"digest", "muted"}


async def test_in_a_storm_the_next_summary_is_foreseen(database: Database) -> None:
    chosen = rules(
        replace(destination("chat"), storm=StormRule(5, MINUTE)), correlate=(CorrelateRule("host", ("host",)),)
    )
    async with telling(database, chosen) as found:
        await found.world.post(*[event(host=f"h{number}") for number in range(30)])
        await found.world.deliver()
        said = await found.expect(labels={"alertname": "Drift", "model": "churn", "host": "new"}, severity="critical")
        (each,) = said["outcomes"]
        assert (each["destination"], each["way"], each["digest"]) == ("team/chat", "digest", "storm team/chat")
        await found.world.post(event(host="new"))
        (window,) = [row for row in await found.world.rows("digest") if row.name == "storm team/chat"]
        assert each["due_at"] == iso(window.due_at)
        assert len(found.world.channel().sent) == 5


async def test_a_severity_that_nobody_states_is_missing_for_routes(teller: Teller) -> None:
    below = replace(teller.world.rules.root.routes[0], matchers=parse_matchers('severity="warning"'))
    teller.put_in_force(root=replace(teller.world.rules.root, routes=(below,)))
    unstated = await teller.expect(labels=LABELS)
    assert (unstated["receivers"], unstated["severity"], unstated["labels"]) == (["team"], "warning", LABELS)
    stated = await teller.expect(labels=LABELS, severity="warning")
    assert (stated["receivers"], stated["labels"]["severity"]) == (["fraud"], "warning")
