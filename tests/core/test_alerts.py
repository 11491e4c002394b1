"""What an arrival is to its alert. Times are of one day; what arrives does so at 09:05 unless a row says otherwise.

The alert began at 09:00, was last seen at 09:00, and where it has ended it ended at 09:02.
"""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import event as label
from hypothesis import strategies as st

from alertsvc.core.alerts import (
    RESOLVE_HOLD,
    TOUCH_EVERY,
    UNCHANGED,
    Alert,
    Change,
    advance,
    content_hash,
    is_duplicate,
)
from alertsvc.core.model import Link, Severity
from tests.core.builders import (
    CRITICAL,
    ERROR,
    FIRING,
    INFO,
    MINUTE,
    NOW,
    RESOLVED,
    SECOND,
    WARNING,
    alert,
    event,
    numbered,
    observation,
    uid,
)


def at(clock: str) -> datetime:
    """That time of the day."""
    return NOW.replace(hour=int(clock[:2]), minute=int(clock[3:5]), second=int(clock[6:] or 0))


def begun(clock: str, **changes):
    """It fires, and its sender says since when."""
    return event(FIRING, **{"starts_at": at(clock), **changes})


def over(clock: str, **changes):
    """It fires no more, and its sender says since when it did."""
    return event(RESOLVED, **{"starts_at": at(clock), **changes})


def seen(clock: str, state=FIRING, **changes):
    """Somebody looked then."""
    return observation(state, observed_at=at(clock), **changes)


OPEN = alert()
SEEN_LATER = alert(last_seen_at=at("09:04"))
MOVED = alert(latest_start_at=at("09:04"), last_seen_at=at("09:04:30"))
SECOND_EPISODE = alert(floor_at=at("08:00"))
CLOSED = alert(RESOLVED, closed_at=at("09:02"), closed_by="source")
CLOSED_MOVED = replace(CLOSED, latest_start_at=at("09:01"))
CLOSED_BY_ANN = replace(CLOSED, closed_by="person")
LOOKED = alert(starts_at=at("09:00"), observed_at=at("09:00"))
LOOKED_CLOSED = replace(CLOSED, observed_at=at("09:02"))
LOOKED_CLOSED_BY_ANN = replace(CLOSED_BY_ANN, observed_at=at("09:00"))

DUPLICATE, STALE, OPENED = Change.DUPLICATE, Change.STALE, Change.OPENED
REFIRED, REOPENED, RESTARTED = Change.REFIRED, Change.REOPENED, Change.RESTARTED
ENDED, ENDED_UNSEEN, CONFIRMED = Change.ENDED, Change.ENDED_UNSEEN, Change.CONFIRMED
RAISED, LOWERED, UPDATED = Change.RAISED, Change.LOWERED, Change.UPDATED


def uid_99():
    return uid(99)


def stepped(known: Alert | None, arrives, received: str = "09:05"):
    return advance(known, arrives, at(received), numbered())


# What it is


@pytest.mark.parametrize(
    ("known", "arrives", "received", "change"),
    [
        # never seen
        pytest.param(None, begun("09:00"), "09:05", OPENED, id="unknown-fires"),
        pytest.param(None, over("09:00"), "09:05", ENDED_UNSEEN, id="unknown-ends"),
        pytest.param(None, seen("09:00"), "09:05", OPENED, id="unknown-is-observed-firing"),
        pytest.param(None, seen("09:00", RESOLVED), "09:05", ENDED_UNSEEN, id="unknown-is-observed-well"),
        # it fires, and so it says again
        pytest.param(OPEN, begun("09:00"), "09:05", DUPLICATE, id="fires-again-the-same"),
        pytest.param(OPEN, begun("08:59"), "09:05", DUPLICATE, id="fires-start-moved-back"),
        pytest.param(SEEN_LATER, begun("09:03"), "09:05", DUPLICATE, id="fires-start-moved-on"),
        pytest.param(SEEN_LATER, begun("09:04"), "09:05", DUPLICATE, id="fires-start-moved-to-when-it-was-last-seen"),
        pytest.param(MOVED, begun("09:00"), "09:05", DUPLICATE, id="fires-start-moved-and-back-again"),
        pytest.param(OPEN, begun("09:03"), "09:05", RESTARTED, id="fires-anew-its-end-was-missed"),
        pytest.param(OPEN, begun("09:03", severity=WARNING), "09:05", RESTARTED, id="fires-anew-and-less"),
        pytest.param(SECOND_EPISODE, begun("08:00"), "09:05", STALE, id="fires-of-the-episode-before"),
        pytest.param(SECOND_EPISODE, begun("07:00"), "09:05", STALE, id="fires-of-an-older-episode"),
        pytest.param(
            SECOND_EPISODE, begun("08:01"), "09:05", DUPLICATE, id="fires-start-moved-back-after-the-one-before"
        ),
        pytest.param(OPEN, event(starts_at=None), "09:05", DUPLICATE, id="fires-and-names-no-start"),
        # it fires, and something is different
        pytest.param(alert(severity=ERROR), begun("09:00"), "09:05", RAISED, id="worse"),
        pytest.param(OPEN, begun("09:00", severity=ERROR), "09:05", LOWERED, id="better"),
        pytest.param(OPEN, begun("09:00", value=0.4), "09:05", UPDATED, id="another-number"),
        pytest.param(alert(severity=ERROR), begun("09:00", value=0.4), "09:05", RAISED, id="worse-and-another-number"),
        pytest.param(
            SECOND_EPISODE, begun("08:00", severity=INFO), "09:05", STALE, id="of-the-episode-before-and-less"
        ),
        # it fires, and ends
        pytest.param(OPEN, over("09:00"), "09:05", ENDED, id="ends"),
        pytest.param(OPEN, over("08:59:59"), "09:05", STALE, id="an-older-episode-ends"),
        pytest.param(MOVED, over("09:00"), "09:05", ENDED, id="ends-by-its-first-start"),
        pytest.param(MOVED, over("09:04"), "09:05", ENDED, id="ends-by-its-moved-start"),
        pytest.param(OPEN, over("09:03"), "09:05", ENDED, id="ends-by-a-start-nobody-told-us-of"),
        pytest.param(OPEN, event(RESOLVED, starts_at=None), "09:05", ENDED, id="ends-and-names-no-start"),
        # it ended at its source
        pytest.param(CLOSED, over("09:00"), "09:05", DUPLICATE, id="ended-ends-again"),
        pytest.param(CLOSED, over("08:00"), "09:05", DUPLICATE, id="ended-an-older-one-ends"),
        pytest.param(CLOSED, over("09:03"), "09:05", DUPLICATE, id="ended-a-newer-one-ends-unseen"),
        pytest.param(CLOSED, begun("09:00"), "09:05", REOPENED, id="ended-same-start-fires-again"),
        pytest.param(CLOSED_MOVED, begun("09:01"), "09:05", REOPENED, id="ended-moved-start-fires-again"),
        pytest.param(CLOSED, begun("09:00"), "23:59", REOPENED, id="ended-same-start-fires-again-much-later"),
        pytest.param(CLOSED, begun("09:04"), "09:05", REFIRED, id="ended-fires-anew"),
        pytest.param(CLOSED_MOVED, begun("09:01:01"), "09:05", REFIRED, id="ended-fires-anew-after-a-moved-start"),
        pytest.param(CLOSED, begun("08:59:59"), "09:05", STALE, id="ended-an-older-one-fires"),
        pytest.param(replace(CLOSED, closed_at=None), begun("08:59"), "09:05", STALE, id="ended-nobody-knows-when"),
        pytest.param(CLOSED, event(starts_at=None), "09:05", REFIRED, id="ended-fires-and-names-no-start"),
        # a person said it is over
        pytest.param(CLOSED_BY_ANN, begun("09:00"), "09:05", DUPLICATE, id="held-same-start"),
        pytest.param(CLOSED_BY_ANN, begun("09:00"), "13:01:59", DUPLICATE, id="held-for-four-hours"),
        pytest.param(CLOSED_BY_ANN, begun("09:00"), "13:02", REOPENED, id="not-held-for-longer"),
        pytest.param(CLOSED_BY_ANN, begun("09:00", severity=ERROR), "09:05", DUPLICATE, id="held-whatever-it-says"),
        pytest.param(CLOSED_BY_ANN, begun("09:03"), "09:05", REFIRED, id="not-held-a-new-start"),
        pytest.param(CLOSED_BY_ANN, begun("08:59"), "09:05", STALE, id="held-an-older-one-fires"),
        pytest.param(CLOSED_BY_ANN, over("09:00"), "09:05", CONFIRMED, id="the-source-agrees"),
        pytest.param(CLOSED_BY_ANN, over("08:59"), "09:05", DUPLICATE, id="an-older-end-agrees-with-nothing"),
        pytest.param(
            CLOSED_BY_ANN, event(RESOLVED, starts_at=None), "09:05", CONFIRMED, id="the-source-agrees-no-start"
        ),
        # sources that know no episodes, only when they looked
        pytest.param(LOOKED, seen("09:00"), "09:05", DUPLICATE, id="observed-the-same-window-again"),
        pytest.param(LOOKED, seen("09:04"), "09:05", DUPLICATE, id="observed-a-newer-window"),
        pytest.param(LOOKED, seen("08:59"), "09:05", STALE, id="observed-an-older-window-fires"),
        pytest.param(LOOKED, seen("08:59", RESOLVED), "09:05", STALE, id="an-older-window-closes-no-newer-one"),
        pytest.param(LOOKED, seen("09:00", RESOLVED), "09:05", ENDED, id="observed-the-same-window-judged-well-now"),
        pytest.param(LOOKED, seen("09:04", RESOLVED), "09:05", ENDED, id="observed-well"),
        pytest.param(LOOKED_CLOSED, seen("09:01"), "09:05", STALE, id="an-older-window-opens-nothing"),
        pytest.param(LOOKED_CLOSED, seen("09:04"), "09:05", REFIRED, id="a-newer-window-fires"),
        pytest.param(LOOKED_CLOSED, seen("09:04", RESOLVED), "09:05", DUPLICATE, id="still-well"),
        pytest.param(LOOKED_CLOSED_BY_ANN, seen("09:01"), "09:05", DUPLICATE, id="held-observed-before-the-resolve"),
        pytest.param(LOOKED_CLOSED_BY_ANN, seen("09:02"), "09:05", DUPLICATE, id="held-observed-at-the-resolve"),
        pytest.param(
            LOOKED_CLOSED_BY_ANN, seen("09:02:01"), "09:05", REFIRED, id="not-held-observed-after-the-resolve"
        ),
        pytest.param(CLOSED_BY_ANN, event(starts_at=None), "09:05", REFIRED, id="not-held-no-time-at-all"),
        pytest.param(OPEN, seen("08:00"), "09:05", DUPLICATE, id="never-observed-before"),
        pytest.param(LOOKED, begun("09:00"), "09:05", DUPLICATE, id="told-by-a-source-that-does-not-observe"),
    ],
)
def test_what_an_arrival_is(known, arrives, received, change):
    assert stepped(known, arrives, received).change is change


@pytest.mark.parametrize(
    ("known", "arrives", "change"),
    [
        # a clock ahead by an hour: what begins at 09:00 is said to begin at 10:00
        pytest.param(None, begun("10:00"), OPENED, id="ahead-fires"),
        pytest.param(
            alert(starts_at=at("10:00"), latest_start_at=at("10:00")), begun("10:00"), DUPLICATE, id="ahead-again"
        ),
        pytest.param(alert(starts_at=at("10:00"), latest_start_at=at("10:00")), over("10:00"), ENDED, id="ahead-ends"),
        pytest.param(
            replace(CLOSED, starts_at=at("10:00"), latest_start_at=at("10:00")),
            begun("10:03"),
            REFIRED,
            id="ahead-fires-anew",
        ),
        pytest.param(
            replace(CLOSED, starts_at=at("10:00"), latest_start_at=at("10:00")),
            begun("09:04"),
            REFIRED,
            id="ahead-then-put-right-fires-anew",
        ),
        pytest.param(
            replace(CLOSED, starts_at=at("10:00"), latest_start_at=at("10:00")),
            begun("09:02"),
            STALE,
            id="ahead-then-put-right-what-began-before-the-end-is-late",
        ),
        pytest.param(LOOKED, seen("10:04"), DUPLICATE, id="ahead-observes"),
        # a clock behind by an hour: what begins at 09:00 is said to begin at 08:00
        pytest.param(alert(starts_at=at("08:00"), latest_start_at=at("08:00")), over("08:00"), ENDED, id="behind-ends"),
        pytest.param(
            replace(CLOSED, starts_at=at("08:00"), latest_start_at=at("08:00")),
            begun("08:03"),
            REFIRED,
            id="behind-fires-anew",
        ),
        pytest.param(
            alert(starts_at=at("08:00"), latest_start_at=at("08:00")),
            begun("08:03"),
            DUPLICATE,
            id="behind-a-restart-looks-like-a-moved-start-and-it-fires-on",
        ),
    ],
)
def test_a_wrong_clock_at_the_sender_loses_nothing(known, arrives, change):
    assert stepped(known, arrives).change is change


def test_our_clock_set_back_silences_nobody():
    looked_in_our_future = alert(RESOLVED, observed_at=at("10:00"), closed_at=at("10:00"), last_seen_at=at("10:00"))
    as_it_arrives = stepped(looked_in_our_future, seen("09:05"))
    assert as_it_arrives.change is REFIRED
    assert as_it_arrives.after.observed_at == at("09:05")
    assert stepped(looked_in_our_future, seen("09:04:59")).change is STALE


# What it leaves behind


def test_an_alert_never_seen_begins_its_first_episode():
    after = stepped(None, begun("09:00", severity=ERROR)).after
    assert (after.state, after.severity, after.fingerprint) == (FIRING, ERROR, "f1")
    assert (after.starts_at, after.latest_start_at, after.floor_at) == (at("09:00"), at("09:00"), None)
    assert (after.last_seen_at, after.closed_at, after.closed_by) == (at("09:05"), None, None)
    assert after.episode_id is not None
    assert (after.incident_id, after.revision) == (None, 0)


def test_an_end_of_something_never_seen_is_kept_without_an_episode():
    after = stepped(None, over("09:00")).after
    assert (after.state, after.starts_at) == (RESOLVED, at("09:00"))
    assert (after.closed_at, after.closed_by, after.episode_id) == (at("09:05"), "source", None)


def test_the_firing_that_comes_after_its_own_end_opens_an_episode():
    ended = stepped(None, over("09:00")).after
    step = advance(ended, begun("09:00"), at("09:06"), uid_99)
    assert (step.change, step.after.state, step.after.episode_id) == (REOPENED, FIRING, uid(99))


@pytest.mark.parametrize(
    ("arrives", "start"),
    [
        pytest.param(begun("08:30"), "08:30", id="the-start-it-names"),
        pytest.param(seen("08:45"), "08:45", id="else-when-it-was-observed"),
        pytest.param(seen("10:00"), "09:05", id="an-observation-is-not-later-than-its-arrival"),
        pytest.param(event(starts_at=None), "09:05", id="else-when-it-arrived"),
    ],
)
@pytest.mark.parametrize("known", [pytest.param(None, id="never-seen"), pytest.param(CLOSED_MOVED, id="ended")])
def test_an_episode_begins_at(known, arrives, start):
    if known is not None:
        known = replace(known, starts_at=at("08:00"), latest_start_at=at("08:10"))
    after = stepped(known, arrives).after
    assert after.starts_at == after.latest_start_at == at(start)


@pytest.mark.parametrize(
    ("known", "arrives", "first", "latest"),
    [
        pytest.param(OPEN, begun("08:59"), "08:59", "09:00", id="moved-back"),
        pytest.param(SEEN_LATER, begun("09:03"), "09:00", "09:03", id="moved-on"),
        pytest.param(MOVED, begun("09:02"), "09:00", "09:04", id="between"),
        pytest.param(OPEN, over("09:03"), "09:00", "09:03", id="ended-by-a-newer-start"),
        pytest.param(MOVED, over("09:01"), "09:00", "09:04", id="ended-between"),
        pytest.param(CLOSED, over("09:03"), "09:00", "09:03", id="ended-again-by-a-newer-start"),
        pytest.param(CLOSED, over("08:00"), "09:00", "09:00", id="ended-again-by-an-older-start"),
    ],
)
def test_an_episode_spans_the_starts_it_was_named_by(known, arrives, first, latest):
    after = stepped(known, arrives).after
    assert (after.starts_at, after.latest_start_at) == (at(first), at(latest))
    assert after.episode_id == known.episode_id


def test_of_two_sources_that_tell_of_one_alert_the_one_that_goes_on_is_heard():
    arrivals = (begun("08:00"), begun("08:03"), begun("08:00"), over("08:03"), begun("08:00"), over("08:00"))
    known, changes = None, []
    for minute, arrives in zip((1, 4, 5, 6, 7, 8), arrivals, strict=True):
        step = stepped(known, arrives, f"08:0{minute}")
        known = step.after
        changes.append(step.change)
    assert changes == [OPENED, RESTARTED, DUPLICATE, ENDED, REOPENED, ENDED]


@pytest.mark.parametrize(
    ("known", "arrives", "floor"),
    [
        pytest.param(CLOSED, begun("09:04"), "09:00", id="fires-anew"),
        pytest.param(CLOSED_MOVED, begun("09:04"), "09:01", id="fires-anew-after-a-moved-start"),
        pytest.param(OPEN, begun("09:04"), None, id="restarted-and-nobody-said-that-it-ended"),
        pytest.param(SECOND_EPISODE, begun("09:04"), "08:00", id="restarted-after-another"),
        pytest.param(
            replace(CLOSED, starts_at=at("10:00"), latest_start_at=at("10:00")), begun("09:04"), None, id="clock"
        ),
    ],
)
def test_a_new_episode_remembers_where_the_one_before_ended(known, arrives, floor):
    after = stepped(known, arrives).after
    assert after.floor_at == (floor and at(floor))
    assert after.episode_id not in {None, known.episode_id}
    assert (after.state, after.closed_at, after.closed_by) == (FIRING, None, None)
    assert after.last_seen_at == at("09:05")
    assert after.incident_id == known.incident_id


def test_a_new_episode_says_what_its_own_event_says():
    after = stepped(LOOKED_CLOSED, seen("09:04", severity=WARNING, value=0.7)).after
    assert (after.severity, after.content_hash) == (WARNING, content_hash(event(value=0.7)))
    assert after.observed_at == at("09:04")
    assert stepped(LOOKED_CLOSED, begun("09:04")).after.observed_at == at("09:02")


def test_an_episode_that_fires_again_is_the_same_episode():
    known = replace(LOOKED_CLOSED, closed_by="person")
    after = stepped(known, begun("09:00", severity=WARNING, value=0.7), "13:02").after
    assert (after.state, after.severity, after.episode_id) == (FIRING, WARNING, known.episode_id)
    assert after.content_hash == content_hash(event(value=0.7))
    assert (after.closed_at, after.closed_by, after.last_seen_at) == (None, None, at("13:02"))
    assert after.observed_at == at("09:02")
    assert stepped(known, begun("09:00", observed_at=at("13:00")), "13:02").after.observed_at == at("13:00")


def test_an_end_says_when_and_by_whom_and_keeps_the_severity_it_had():
    after = stepped(LOOKED, seen("09:04", RESOLVED, severity=INFO, value=0.1)).after
    assert (after.state, after.severity) == (RESOLVED, CRITICAL)
    assert (after.closed_at, after.closed_by) == (at("09:05"), "source")
    assert (after.last_seen_at, after.observed_at) == (at("09:05"), at("09:04"))
    assert after.content_hash == content_hash(event(value=0.1))


def test_after_the_source_agreed_with_a_person_its_next_firing_is_news():
    agreed = stepped(CLOSED_BY_ANN, over("09:00")).after
    assert (agreed.closed_by, agreed.closed_at, agreed.last_seen_at) == ("source", at("09:02"), at("09:05"))
    assert stepped(agreed, begun("09:00"), "09:06").change is REOPENED


@pytest.mark.parametrize(
    ("known", "arrives", "severity", "text_is_new"),
    [
        pytest.param(alert(severity=ERROR), begun("09:00", value=0.4), CRITICAL, True, id="raised"),
        pytest.param(OPEN, begun("09:00", severity=WARNING, value=0.4), WARNING, True, id="lowered"),
        pytest.param(OPEN, begun("09:00", value=0.4), CRITICAL, True, id="updated"),
        pytest.param(OPEN, begun("09:00"), CRITICAL, False, id="duplicate"),
    ],
)
def test_while_it_fires_the_latest_word_counts(known, arrives, severity, text_is_new):
    after = stepped(known, arrives).after
    assert after.severity is severity
    assert (after.content_hash != known.content_hash) is text_is_new
    assert after.last_seen_at == at("09:05")
    assert after.episode_id == known.episode_id


# Touches


@pytest.mark.parametrize(
    ("known", "arrives", "received", "last_seen"),
    [
        pytest.param(OPEN, begun("09:00"), "09:00:29", "09:00:00", id="not-again-within-30-seconds"),
        pytest.param(OPEN, begun("09:00"), "09:00:30", "09:00:30", id="after-30-seconds"),
        pytest.param(CLOSED, over("09:00"), "09:00:29", "09:00:00", id="ended-not-again-within-30-seconds"),
        pytest.param(CLOSED, over("09:00"), "09:00:30", "09:00:30", id="ended-after-30-seconds"),
        pytest.param(CLOSED_BY_ANN, begun("09:00"), "09:05", "09:05:00", id="held"),
        pytest.param(LOOKED_CLOSED_BY_ANN, seen("09:01"), "09:05", "09:05:00", id="held-observed"),
        pytest.param(OPEN, begun("09:00"), "08:00", "09:00:00", id="our-clock-was-set-back"),
        pytest.param(SECOND_EPISODE, begun("08:00"), "09:05", "09:00:00", id="stale-is-not-seeing-it"),
        pytest.param(OPEN, over("08:59"), "09:05", "09:00:00", id="a-stale-end-is-not-seeing-it"),
        pytest.param(CLOSED, begun("08:59"), "09:05", "09:00:00", id="a-stale-firing-is-not-seeing-it"),
        pytest.param(OPEN, begun("09:00", value=0.4), "09:00:01", "09:00:01", id="an-update-moves-it-at-once"),
    ],
)
def test_when_it_was_last_seen_moves_at_most_every_half_minute(known, arrives, received, last_seen):
    step = stepped(known, arrives, received)
    assert step.after.last_seen_at == at(last_seen)
    if step.change in UNCHANGED and step.after.last_seen_at == known.last_seen_at:
        assert step.after is step.before, "a row would be written for nothing"


@pytest.mark.parametrize(
    ("observed", "received", "after"),
    [
        pytest.param("09:00", "09:00:10", "09:00", id="the-same"),
        pytest.param("09:00:05", "09:00:10", "09:00:05", id="a-newer-one"),
        pytest.param("10:00", "09:00:10", "09:00:10", id="not-later-than-its-arrival"),
    ],
)
def test_the_latest_observation_is_remembered_at_once(observed, received, after):
    assert stepped(LOOKED, seen(observed), received).after.observed_at == at(after)


# What surely is a duplicate

TOLD_TWICE = begun("09:02")
KNOWN_TWICE = alert(latest_start_at=at("09:04"), last_seen_at=at("09:05"))


@pytest.mark.parametrize(
    ("known", "arrives", "received", "surely"),
    [
        pytest.param(KNOWN_TWICE, TOLD_TWICE, "09:05", True, id="the-same"),
        pytest.param(KNOWN_TWICE, begun("09:00"), "09:05", True, id="by-its-first-start"),
        pytest.param(KNOWN_TWICE, begun("09:04"), "09:05", True, id="by-its-latest-start"),
        pytest.param(KNOWN_TWICE, event(starts_at=None), "09:05", True, id="by-no-start"),
        pytest.param(LOOKED, seen("09:00"), "09:00:29", True, id="the-same-observation"),
        pytest.param(KNOWN_TWICE, TOLD_TWICE, "09:05:29", True, id="within-half-a-minute"),
        pytest.param(KNOWN_TWICE, TOLD_TWICE, "09:05:30", False, id="it-wants-a-touch"),
        pytest.param(KNOWN_TWICE, begun("08:59"), "09:05", False, id="an-earlier-start"),
        pytest.param(KNOWN_TWICE, begun("09:04:01"), "09:05", False, id="a-later-start"),
        pytest.param(KNOWN_TWICE, over("09:02"), "09:05", False, id="it-ends"),
        pytest.param(replace(KNOWN_TWICE, state=RESOLVED), TOLD_TWICE, "09:05", False, id="it-had-ended"),
        pytest.param(KNOWN_TWICE, begun("09:02", severity=ERROR), "09:05", False, id="another-severity"),
        pytest.param(KNOWN_TWICE, begun("09:02", value=0.4), "09:05", False, id="another-number"),
        pytest.param(LOOKED, seen("09:00:01"), "09:00:29", False, id="another-observation"),
        pytest.param(LOOKED, begun("09:00"), "09:00:29", False, id="no-observation"),
        pytest.param(OPEN, event(None), "09:00:29", False, id="nobody-said-what-it-means"),
    ],
)
def test_what_surely_changes_nothing_is_known_without_a_lock(known, arrives, received, surely):
    assert is_duplicate(known, arrives, at(received)) is surely


@pytest.mark.parametrize(
    ("other", "same"),
    [
        pytest.param({"labels": {"alertname": "Drift", "pod": "b"}}, True, id="labels-are-identity-not-text"),
        pytest.param({"links": (Link("plot", "https://a.example"),)}, True, id="what-a-link-is-called"),
        pytest.param({"annotations": {"summary": "other"}}, False, id="an-annotation"),
        pytest.param({"annotations": {"title": "drift"}}, False, id="the-name-of-an-annotation"),
        pytest.param({"value": 0.31}, False, id="the-value"),
        pytest.param({"threshold": 0.2}, False, id="the-threshold"),
        pytest.param({"links": (Link("chart", "https://b.example"),)}, False, id="where-a-link-leads"),
        pytest.param({"value": 0.1, "threshold": 0.3}, False, id="value-and-threshold-changed-places"),
        pytest.param({"annotations": {"summary": "\ud800"}}, False, id="half-a-character"),
    ],
)
def test_what_a_person_reads_is_the_content(other, same):
    read = event(
        annotations={"summary": "drift"}, value=0.3, threshold=0.1, links=(Link("chart", "https://a.example"),)
    )
    assert (content_hash(replace(read, **other)) == content_hash(read)) is same


# For every alert there can be

MOMENTS = st.integers(-4, 4).map(lambda minutes: NOW + minutes * MINUTE)
SPANS = st.sampled_from([timedelta(0), SECOND, TOUCH_EVERY, 2 * MINUTE, RESOLVE_HOLD, -MINUTE])
EVENTS = st.builds(
    event,
    st.sampled_from([FIRING, FIRING, RESOLVED]),
    st.sampled_from([WARNING, CRITICAL]),
    starts_at=MOMENTS | st.none(),
    observed_at=st.none() | MOMENTS,
    value=st.sampled_from([None, None, 0.4]),
)


@st.composite
def lives(draw):
    """An alert as some arrivals and maybe a person left it, and when the last of them came."""
    now = NOW
    known = None
    for arrives, span, person_resolves in draw(
        st.lists(st.tuples(EVENTS, SPANS, st.integers(0, 5).map(lambda n: n == 0)), min_size=1, max_size=6)
    ):
        now += span
        known = advance(known, arrives, now, numbered()).after
        if person_resolves and known.state is FIRING:
            known = replace(known, state=RESOLVED, closed_at=now, closed_by="person")
    return known, now


@st.composite
def repetitions(draw):
    """An alert that fires, much the same event once more, and when that arrives."""
    known, now = draw(lives())
    known = advance(known, event(FIRING, draw(st.sampled_from([WARNING, CRITICAL])), starts_at=None), now, uid_99).after
    start = draw(st.sampled_from([None, known.starts_at, known.latest_start_at, known.latest_start_at, NOW]))
    arrives = event(
        draw(st.sampled_from([FIRING] * 7 + [RESOLVED])),
        draw(st.sampled_from([known.severity] * 7 + [ERROR])),
        starts_at=start,
        observed_at=draw(st.sampled_from([known.observed_at] * 7 + [NOW])),
        value=draw(st.sampled_from([None] * 7 + [0.4])),
    )
    return known, arrives, now + draw(st.sampled_from([timedelta(0), SECOND, 29 * SECOND, TOUCH_EVERY, -MINUTE]))


@given(repetitions())
def test_a_sure_duplicate_is_a_duplicate_and_leaves_nothing_to_save(repetition):
    known, arrives, received = repetition
    assume(is_duplicate(known, arrives, received))
    step = advance(known, arrives, received, numbered())
    assert step.change is DUPLICATE
    clock_was_set_back = known.observed_at is not None and received < known.observed_at
    label("our clock was set back" if clock_was_set_back else "as usual")
    if clock_was_set_back:  # the observation was in what is our future now; no decision hangs on it
        assert replace(step.after, observed_at=known.observed_at, last_seen_at=known.last_seen_at) == known
    else:
        assert step.after is known


@given(life=lives(), arrives=EVENTS, span=SPANS)
def test_a_request_that_is_repeated_changes_nothing_the_second_time(life, arrives, span):
    known, now = life
    tells_when = arrives.starts_at or (arrives.observed_at and arrives.observed_at <= now + span)
    assume(tells_when)  # one that does not speaks of the moment it arrives, each time anew
    once = advance(known, arrives, now + span, numbered())
    twice = advance(once.after, arrives, now + span + SECOND, numbered())
    assert twice.change in UNCHANGED
    assert (twice.after.state, twice.after.severity) == (once.after.state, once.after.severity)
    assert twice.after.episode_id == once.after.episode_id
    label(once.change)


@given(life=lives())
def test_an_alert_is_always_whole(life):
    known, _ = life
    assert known.starts_at <= known.latest_start_at
    assert known.floor_at is None or known.floor_at < known.starts_at
    assert (known.closed_at is None) == (known.closed_by is None) == (known.state is FIRING)
    assert known.state is RESOLVED or known.episode_id is not None
    assert isinstance(known.severity, Severity)
