"""When it is a storm, what breaks through, when its summaries come, and when it is over."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from alertsvc.core.effects import digest_id
from alertsvc.core.model import Deliver, IncidentStatus, Reason, Severity
from alertsvc.core.storm import (
    MOST_CLASSES,
    Single,
    StormRule,
    StormState,
    admit,
    class_of,
    goes_on,
    is_due,
    is_over,
)
from alertsvc.core.storms import KnownStorm, Storms, window_name
from alertsvc.core.tell import Telling
from tests.core.builders import (
    CHAT,
    CRITICAL,
    ERROR,
    MINUTE,
    NOW,
    SECOND,
    believer,
    covered,
    incident,
    live,
    moment,
    route,
    rules,
    situation,
    uid,
)

RULE = StormRule(3, MINUTE)
DISK, NET = class_of("Disk", CRITICAL), class_of("Net", CRITICAL)
ON = StormState(since=NOW, next_at=NOW + 30 * SECOND, classes=frozenset({DISK}))


def singles(count: int, at=NOW, klass: str = DISK) -> tuple[Single, ...]:
    return tuple(Single(at, klass) for _ in range(count))


def broken(count: int, at=NOW) -> tuple:
    return (at,) * count


@pytest.mark.parametrize(
    ("state", "klass", "alone"),
    [
        pytest.param(StormState(), DISK, True, id="nothing-was-told"),
        pytest.param(StormState(recent=singles(2)), DISK, True, id="the-last-that-has-room"),
        pytest.param(StormState(recent=singles(3)), DISK, False, id="one-too-many-of-a-known-kind"),
        pytest.param(StormState(recent=singles(3)), NET, True, id="one-too-many-of-a-new-kind"),
        pytest.param(StormState(recent=singles(3)), "", False, id="one-too-many-of-no-kind"),
        pytest.param(StormState(recent=singles(3, NOW - MINUTE)), DISK, True, id="those-before-are-long-ago"),
        pytest.param(StormState(recent=singles(3, NOW + 2 * MINUTE)), DISK, True, id="a-clock-was-set-back"),
        pytest.param(ON, DISK, False, id="a-storm-is-on"),
        pytest.param(ON, NET, True, id="new-in-the-storm"),
        pytest.param(ON, class_of("Disk", ERROR), True, id="another-severity-is-new"),
        pytest.param(replace(ON, breakthroughs=broken(5)), NET, False, id="five-a-minute"),
        pytest.param(replace(ON, breakthroughs=broken(5, NOW - MINUTE)), NET, True, id="five-a-minute-ago"),
        pytest.param(replace(ON, breakthroughs=broken(10, NOW - MINUTE)), NET, False, id="ten-in-a-storm"),
        pytest.param(replace(ON, classes=frozenset(map(str, range(MOST_CLASSES)))), NET, False, id="too-many-kinds"),
        pytest.param(StormState(ended_at=NOW - MINUTE), DISK, True, id="one-after-a-storm"),
        pytest.param(StormState(ended_at=NOW - MINUTE, recent=singles(1)), DISK, False, id="it-comes-back"),
        pytest.param(StormState(ended_at=NOW - 10 * MINUTE, recent=singles(1)), DISK, True, id="long-after-a-storm"),
    ],
)
def test_a_message_leaves_by_itself_or_is_summed_up(state, klass, alone):
    assert admit(state, RULE, klass, NOW)[0] is alone


def test_what_is_summed_up_changes_nothing_once_the_storm_is_on():
    assert admit(ON, RULE, DISK, NOW + SECOND) == (False, ON)


def test_a_storm_begins_with_what_was_told_before_it():
    _, state = admit(StormState(recent=(*singles(2), Single(NOW, ""))), RULE, DISK, NOW)
    assert (state.since, state.next_at, state.classes) == (NOW, NOW + 30 * SECOND, frozenset({DISK}))


def test_a_kind_breaks_through_once():
    alone, state = admit(ON, RULE, NET, NOW)
    assert alone
    assert not admit(state, RULE, NET, NOW)[0]


def test_summaries_come_after_30_s_1_min_2_min_and_then_every_5_min():
    state, came = ON, []
    while len(came) < 6:
        came.append(state.next_at - NOW)
        state = goes_on(state, [uid(len(came))], CRITICAL, state.next_at + 2 * SECOND)
    assert came == [30 * SECOND, MINUTE, 2 * MINUTE, 7 * MINUTE, 12 * MINUTE, 17 * MINUTE]
    assert state.told_in == tuple(uid(number) for number in range(1, 7))
    assert (state.worst, state.since) == (CRITICAL, NOW)


def test_a_storm_that_comes_back_goes_on_with_its_longer_waits():
    over = is_over(replace(ON, step=1, next_at=NOW + MINUTE), NOW + MINUTE)
    later = NOW + 2 * MINUTE
    assert admit(over, RULE, DISK, later)[0]
    state = admit(admit(over, RULE, DISK, later)[1], RULE, DISK, later)[1]
    assert (state.since, state.next_at) == (later, later + MINUTE)
    assert goes_on(state, [], CRITICAL, state.next_at).next_at == later + 6 * MINUTE


@pytest.mark.parametrize(
    ("next_at", "due"),
    [
        pytest.param(None, False, id="no-storm"),
        pytest.param(NOW + SECOND, False, id="ahead"),
        pytest.param(NOW, True, id="now"),
        pytest.param(NOW - timedelta(days=1), True, id="overdue"),
        pytest.param(NOW + 5 * MINUTE, False, id="the-longest-wait"),
        pytest.param(NOW + timedelta(days=1), True, id="set-by-a-clock-that-was-ahead"),
    ],
)
def test_a_summary_is_due(next_at, due):
    assert is_due(StormState(since=NOW, next_at=next_at), NOW) is due


@pytest.mark.parametrize(
    "late", [timedelta(hours=3), -timedelta(hours=3)], ids=["nobody-was-there", "the-clock-was-set"]
)
def test_after_a_disturbance_waits_count_from_now(late):
    state = goes_on(ON, [], CRITICAL, ON.next_at + late)
    assert state.next_at == ON.next_at + late + 30 * SECOND


# How news is told in a storm

STORMY = replace(CHAT, storm=RULE)
PAGER = replace(CHAT, storm=replace(RULE, ends_singly=True))
WINDOW = digest_id(window_name(CHAT.id), "team", NOW + 30 * SECOND)


def in_storm(about, *parts, destination=STORMY, state=ON, now=None):
    here = moment(rules(destination), NOW)
    storms = Storms(here.rules.storm_rules, {CHAT.id: KnownStorm(state, 7)})
    known = situation(about, *parts)
    return Telling(now or about, known, replace(here, storms=storms)), storms


def waits(reason: Reason = Reason.OPENED):
    return covered(reason, digest_id=WINDOW)


def told(telling: Telling) -> list[tuple[str, str, UUID | None]]:
    return [(each.reason, each.state, each.digest_id) for each in telling.finish().notifications]


def test_news_joins_the_summary_and_says_so():
    telling, storms = in_storm(incident())
    telling.fires(STORMY, route(), CRITICAL, "Disk")
    effects = telling.finish()
    assert effects.deliveries == []
    (window,) = effects.digests
    assert (window.id, window.name, window.due_at) == (WINDOW, "storm team/chat", NOW + 30 * SECOND)
    (note,) = effects.notifications
    assert note.digest_id == WINDOW
    assert note.why.endswith("joined the storm summary of 09:00:30")
    assert (storms.joined, storms.changed) == ({CHAT.id}, {})
    (believing,) = effects.new_believers
    assert (believing[1].sequence, believing[1].deliver) == (0, Deliver.IMMEDIATE)


def test_without_a_rule_nothing_is_summed_up():
    telling, _ = in_storm(incident(), destination=CHAT)
    telling.fires(CHAT, route(), CRITICAL, "Disk")
    assert len(telling.finish().deliveries) == 1


def test_more_news_of_what_waits_adds_nothing():
    telling, _ = in_storm(incident(), believer("pending", sequence=0), waits())
    telling.fires(STORMY, route(), CRITICAL, "Disk")
    telling.eases(STORMY)
    telling.is_still_firing(CHAT.id)
    assert told(telling) == []


def test_the_end_of_what_waits_joins_it():
    telling, _ = in_storm(incident(), believer("pending", sequence=0), waits())
    telling.ends("over")
    assert told(telling) == [("resolved", "pending", WINDOW)]


def test_what_waits_and_becomes_a_new_kind_is_told_at_once_and_waits_no_more():
    telling, _ = in_storm(incident(severity=CRITICAL), believer("pending", severity=ERROR, sequence=0), waits())
    telling.fires(STORMY, route(), CRITICAL, "Net")
    effects = telling.finish()
    assert [each.reason for each in effects.deliveries] == [Reason.RAISED]
    assert [(each.id, each.state) for each in effects.ended] == [(uid(20), "superseded")]


def test_what_waits_and_gets_worse_within_a_known_kind_waits_once():
    telling, _ = in_storm(incident(severity=CRITICAL), believer("pending", severity=ERROR, sequence=0), waits())
    telling.fires(STORMY, route(), CRITICAL, "Disk")
    effects = telling.finish()
    (raised,) = effects.notifications
    assert (raised.reason, raised.digest_id) == (Reason.RAISED, WINDOW)
    assert [(each.id, each.superseded_by) for each in effects.ended] == [(uid(20), raised.id)]


@pytest.mark.parametrize(
    ("destination", "sequence", "singly"),
    [
        pytest.param(STORMY, 1, False, id="people-read-it-in-the-summary"),
        pytest.param(PAGER, 1, True, id="a-program-hears-of-each-it-was-told-of"),
        pytest.param(PAGER, 0, False, id="a-program-that-knows-it-from-a-summary-only"),
    ],
)
def test_an_end_in_a_storm(destination, sequence, singly):
    telling, _ = in_storm(incident(), believer(sequence=sequence), destination=destination)
    telling.ends("over")
    effects = telling.finish()
    assert bool(effects.deliveries) is singly
    assert [each.digest_id for each in effects.notifications] == [None if singly else WINDOW]


def test_a_change_of_hands_is_no_part_of_a_storm():
    telling, _ = in_storm(incident(), believer())
    telling.is_acknowledged("ann")
    assert [each.reason for each in telling.finish().deliveries] == [Reason.ACKNOWLEDGED]


def test_what_has_not_left_takes_further_news_along_in_a_storm_too():
    telling, storms = in_storm(incident(), believer("pending"), live(Reason.OPENED))
    telling.fires(STORMY, route(), CRITICAL, "Disk")
    assert told(telling) == []
    assert storms.joined == set()


def test_severities_are_part_of_a_kind():
    assert class_of("Disk", Severity.WARNING) == "Disk/warning"


@pytest.mark.parametrize(
    ("knows", "told_at"),
    [pytest.param("told", NOW, id="who-knows-that-it-fires"), pytest.param("pending", None, id="who-knows-nothing")],
)
def test_an_end_that_waits_for_a_summary_is_taken_back_when_it_fires_again(knows, told_at):
    over, open_again = incident(IncidentStatus.RESOLVED), incident()
    ended = replace(believer(knows), state="ended", ended_at=NOW)
    end = replace(waits(Reason.RESOLVED), id=uid(21))
    parts = (ended, end) if told_at else (ended, waits(), end)
    telling, _ = in_storm(over, *parts, now=open_again)
    telling.fires(STORMY, route(), CRITICAL, "Net")  # a kind that is new in the storm
    effects = telling.finish()
    assert effects.deliveries == [], "nobody is told again that it begins"
    (taken,) = effects.ended
    assert (taken.id, taken.state, taken.why) == (end.id, "superseded", "fired again before it left")
    ((_, after),) = effects.believers
    assert (after.state, after.told_at) == (knows, told_at)
