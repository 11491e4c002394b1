"""Who is told what when something eases or is over, and what is taken back once it makes no sense any more.

It is 09:01. Whoever knows of the incident was told at 09:00. `tests.core.reading` shows how the lines are to be read.
"""

from dataclasses import replace

import pytest

from alertsvc.core.model import Deliver
from tests.core.builders import CHAT, HOUR, MAIL, NOW, SILENT, WARNING, covered, incident
from tests.core.scenes import (
    ACKNOWLEDGED,
    AT,
    BUNDLED,
    ENDED,
    GIVEN_BACK,
    HAD_FAILED,
    HEARD_THE_END,
    IN_MADE_DIGEST,
    KNOWS,
    LISTED,
    OPENED,
    RAISED,
    READ_IT,
    REPEATED,
    RESOLVED,
    TAKEN,
    UNTOLD,
    UPDATED,
    WAITS,
    maybe_left,
    read,
    sending,
    telling,
    unsent,
)

ACKED, OVER = incident(ACKNOWLEDGED), incident(RESOLVED)
NEVER_HEARD = replace(HEARD_THE_END, told_at=None, last_told_at=None)
"""It ended for a destination that had not been told that it fires."""

# It eases


@pytest.mark.parametrize(
    ("known", "now", "lines"),
    [
        pytest.param([], incident(), [], id="nobody-heard-of-it"),
        pytest.param([HEARD_THE_END], incident(), [], id="for-whom-it-ended-it-does-not-ease"),
        pytest.param([KNOWS], incident(), [f"team/chat | updated | at 09:05 | {BUNDLED}"], id="told-a-moment-ago"),
        pytest.param(
            [replace(KNOWS, last_told_at=NOW - HOUR)],
            incident(),
            [f"team/chat | updated | now | {BUNDLED}"],
            id="told-long-ago",
        ),
        pytest.param([KNOWS, unsent(UPDATED)], incident(), [], id="an-update-waits-already"),
        pytest.param([UNTOLD, unsent(OPENED)], incident(), [], id="the-opening-has-not-left-and-will-say-so"),
        pytest.param(
            [UNTOLD, sending(OPENED)],
            incident(),
            [f"team/chat | updated | at 09:06, behind another | {BUNDLED}"],
            id="the-opening-is-being-sent",
        ),
        pytest.param(
            [UNTOLD], incident(), [f"team/chat | opened | now | {HAD_FAILED}"], id="the-opening-failed-and-rest-goes-on"
        ),
        pytest.param([KNOWS], ACKED, ["team/chat | updated | never | acknowledged by ann"], id="somebody-has-it"),
        pytest.param([WAITS, LISTED], incident(), [], id="the-digest-lists-it-already"),
        pytest.param(
            [READ_IT],
            incident(),
            ["team/chat | updated | in the digest of 10:00 | route root: waits for the digest"],
            id="a-digest-told-of-it",
        ),
        pytest.param(
            [READ_IT, IN_MADE_DIGEST],
            incident(),
            ["team/chat | updated | in the digest of 10:00 | route root: waits for the digest"],
            id="a-made-digest-says-no-more",
        ),
    ],
)
def test_what_follows_when_an_alert_ends_and_the_incident_goes_on(known, now, lines):
    found = telling(*known, now=now)
    found[0].eases(CHAT)
    assert read(found) == lines


# It is over

NOBODY_REMINDED = "nobody is reminded"
BOTH_CANCEL = "over; the opening had not left: both cancel"
AGAIN = "said again: opened may have come after it"
TOO_LATE = "ended before it left"


@pytest.mark.parametrize(
    ("known", "lines"),
    [
        pytest.param([], [], id="nobody-heard-of-it"),
        pytest.param([KNOWS], ["team/chat | resolved | now | over"], id="who-was-told-is-told"),
        pytest.param([HEARD_THE_END], [], id="nobody-is-told-twice"),
        pytest.param(
            [UNTOLD, unsent(OPENED)],
            [
                f"team/chat | resolved | never | {BOTH_CANCEL}",
                f"team/chat | opened | taken back for resolved | {TOO_LATE}",
            ],
            id="what-surely-never-left-is-cancelled",
        ),
        pytest.param(
            [UNTOLD, sending(OPENED)],
            ["team/chat | resolved | now, behind another | over"],
            id="the-opening-is-being-sent",
        ),
        pytest.param(
            [UNTOLD, maybe_left(OPENED)],
            [
                "team/chat | resolved | now, behind another | over",
                f"team/chat | opened | taken back for resolved | {TOO_LATE}",
            ],
            id="the-opening-may-have-left",
        ),
        pytest.param([UNTOLD], [f"team/chat | resolved | never | {BOTH_CANCEL}"], id="the-opening-failed"),
        pytest.param(
            [KNOWS, unsent(UPDATED)],
            [
                "team/chat | resolved | now, behind another | over",
                f"team/chat | updated | taken back for resolved | {TOO_LATE}",
            ],
            id="an-update-that-waits-is-not-sent",
        ),
        pytest.param(
            [KNOWS, sending(REPEATED), unsent(UPDATED)],
            [
                "team/chat | resolved | now, behind another | over",
                f"team/chat | updated | taken back for resolved | {TOO_LATE}",
            ],
            id="a-reminder-that-is-being-sent-goes-first",
        ),
        pytest.param(
            [KNOWS, unsent(TAKEN)],
            [
                "team/chat | resolved | now, behind another | over",
                f"team/chat | acknowledged | taken back for resolved | {TOO_LATE}",
            ],
            id="who-had-it-matters-no-more",
        ),
        pytest.param(
            [WAITS, LISTED],
            ["team/chat | resolved | in the digest of 10:00 | over"],
            id="the-digest-that-lists-it-says-that-it-ended",
        ),
        pytest.param(
            [READ_IT],
            ["team/chat | resolved | in the digest of 10:00 | over"],
            id="a-digest-told-and-the-next-does-too",
        ),
        pytest.param(
            [WAITS, IN_MADE_DIGEST],
            ["team/chat | resolved | in the digest of 10:00 | over"],
            id="a-digest-that-was-made-may-be-read",
        ),
        pytest.param([WAITS], [f"team/chat | resolved | never | {BOTH_CANCEL}"], id="the-digest-failed"),
        pytest.param(
            [replace(WAITS, deliver=Deliver.IMMEDIATE), unsent(RAISED)],
            [
                f"team/chat | resolved | never | {BOTH_CANCEL}",
                f"team/chat | raised | taken back for resolved | {TOO_LATE}",
            ],
            id="it-left-the-digest-and-not-the-house",
        ),
        pytest.param(
            [UNTOLD, LISTED, unsent(OPENED)],
            [
                "team/chat | resolved | in the digest of 10:00 | over",
                f"team/chat | opened | taken back for resolved | {TOO_LATE}",
            ],
            id="only-a-digest-lists-an-earlier-and-milder-time",
        ),
        pytest.param(
            [replace(KNOWS, destination=SILENT.id)],
            ["team/silent | resolved | never | send_resolved: false"],
            id="a-channel-that-carries-no-ends",
        ),
        pytest.param(
            [replace(KNOWS, destination="gone/chat")],
            ["gone/chat | resolved | now | over"],
            id="a-destination-that-is-not-configured-now-may-come-back",
        ),
        pytest.param(
            [KNOWS, replace(KNOWS, destination=MAIL.id)],
            ["team/chat | resolved | now | over", "team/mail | resolved | now | over"],
            id="everybody-who-was-told",
        ),
    ],
)
def test_what_follows_when_it_is_over(known, lines):
    found = telling(*known, before=incident(), now=OVER)
    found[0].ends("over")
    assert read(found) == [*lines, NOBODY_REMINDED]


@pytest.mark.parametrize(
    "known",
    [
        pytest.param(KNOWS, id="told"),
        pytest.param(UNTOLD, id="not-told"),
        pytest.param(READ_IT, id="told-by-a-digest"),
        pytest.param(replace(KNOWS, destination=SILENT.id), id="not-to-be-told-of-the-end"),
    ],
)
def test_once_it_is_over_nobody_believes_that_it_fires(known):
    found = telling(known, before=incident(), now=OVER)
    found[0].ends("over")
    effects = found[0].finish()
    ((_, after),) = effects.believers
    assert (after.state, after.ended_at) == ("ended", AT)
    assert (after.told_at, after.last_told_at) == (known.told_at, known.last_told_at)
    assert effects.quiet == [OVER.id]


def test_whose_opening_may_have_left_may_know_of_it():
    found = telling(UNTOLD, maybe_left(OPENED), before=incident(), now=OVER)
    found[0].ends("over")
    ((_, after),) = found[0].finish().believers
    assert (after.state, after.told_at, after.last_told_at) == ("ended", AT, None)


# A try was not taken


@pytest.mark.parametrize(
    ("known", "now", "lines"),
    [
        pytest.param([unsent(UPDATED)], incident(), [], id="nobody-is-known"),
        pytest.param([KNOWS, unsent(UPDATED)], incident(), [], id="news-still-makes-sense"),
        pytest.param([UNTOLD, unsent(OPENED)], incident(), [], id="the-opening-still-makes-sense"),
        pytest.param(
            [KNOWS, unsent(UPDATED)],
            ACKED,
            ["team/chat | updated | taken back | acknowledged by ann"],
            id="somebody-has-it-and-needs-no-update",
        ),
        pytest.param(
            [KNOWS, unsent(REPEATED)],
            ACKED,
            ["team/chat | repeated | taken back | acknowledged by ann"],
            id="somebody-has-it-and-needs-no-reminder",
        ),
        pytest.param([UNTOLD, unsent(OPENED)], ACKED, [], id="somebody-has-it-and-the-opening-is-still-told"),
        pytest.param([KNOWS, unsent(RAISED)], ACKED, [], id="somebody-has-it-and-a-raise-is-still-told"),
        pytest.param(
            [HEARD_THE_END, unsent(UPDATED, 11), unsent(ENDED, 12, state="waiting")],
            OVER,
            [f"team/chat | updated | taken back | {TOO_LATE}"],
            id="over-who-knows-hears-the-end-alone",
        ),
        pytest.param(
            [NEVER_HEARD, unsent(OPENED, 11), unsent(ENDED, 12, state="waiting")],
            OVER,
            [
                f"team/chat | opened | taken back | {TOO_LATE}",
                f"team/chat | resolved | taken back | {TOO_LATE}",
            ],
            id="over-who-never-heard-hears-nothing",
        ),
        pytest.param(
            [NEVER_HEARD, maybe_left(OPENED), unsent(ENDED, 12, state="waiting")],
            OVER,
            [f"team/chat | opened | taken back | {TOO_LATE}"],
            id="over-who-may-have-heard-hears-the-end",
        ),
        pytest.param(
            [NEVER_HEARD, unsent(ENDED), IN_MADE_DIGEST], OVER, [], id="over-a-digest-may-tell-so-the-end-is-told"
        ),
        pytest.param(
            [UNTOLD, unsent(TAKEN)],
            ACKED,
            [f"team/chat | acknowledged | taken back | {HAD_FAILED}"],
            id="the-opening-failed-so-who-has-it-is-no-news",
        ),
        pytest.param(
            [UNTOLD, unsent(TAKEN, 12), unsent(GIVEN_BACK, 13, state="waiting")],
            incident(),
            [
                f"team/chat | acknowledged | taken back | {HAD_FAILED}",
                f"team/chat | unacknowledged | taken back | {HAD_FAILED}",
            ],
            id="the-opening-failed-so-no-change-of-hands-is-news",
        ),
        pytest.param(
            [UNTOLD, unsent(GIVEN_BACK, 12), unsent(UPDATED, 13, state="waiting"), unsent(TAKEN, 14, state="waiting")],
            incident(),
            [f"team/chat | unacknowledged | taken back | {HAD_FAILED}"],
            id="the-opening-failed-so-a-change-of-hands-is-no-news-before-the-next-is",
        ),
        pytest.param(
            [UNTOLD, unsent(OPENED, 11), unsent(TAKEN, state="waiting")],
            ACKED,
            [],
            id="the-opening-is-tried-again-and-the-rest-follows",
        ),
        pytest.param(
            [UNTOLD, maybe_left(OPENED), unsent(TAKEN, state="waiting")],
            ACKED,
            [],
            id="the-opening-may-have-been-taken-and-the-rest-follows",
        ),
        pytest.param([KNOWS, unsent(TAKEN)], ACKED, [], id="who-knows-hears-who-has-it"),
    ],
)
def test_what_is_taken_back_after_a_try_that_was_not_taken(known, now, lines):
    found = telling(*known, now=now)
    found[0].was_not_taken(CHAT.id, OPENED)
    assert read(found) == lines


# A try lasted longer than its lease


@pytest.mark.parametrize(
    ("known", "now", "late", "lines"),
    [
        pytest.param([], OVER, OPENED, [], id="nobody-is-known"),
        pytest.param(
            [HEARD_THE_END], OVER, OPENED, [f"team/chat | resolved | now | {AGAIN}"], id="over-news-came-late"
        ),
        pytest.param([HEARD_THE_END], OVER, ENDED, [], id="over-the-end-came-late"),
        pytest.param([HEARD_THE_END, unsent(ENDED)], OVER, OPENED, [], id="over-the-end-is-still-to-be-told"),
        pytest.param(
            [HEARD_THE_END, sending(ENDED)],
            OVER,
            OPENED,
            [f"team/chat | resolved | now, behind another | {AGAIN}"],
            id="over-the-end-may-be-there-before",
        ),
        pytest.param([KNOWS], incident(), OPENED, [], id="it-fires-and-news-came-late"),
        pytest.param(
            [KNOWS],
            incident(),
            ENDED,
            ["team/chat | repeated | now | said again: resolved may have come after it"],
            id="it-fires-and-an-end-came-late",
        ),
        pytest.param([KNOWS, unsent(UPDATED)], incident(), ENDED, [], id="it-fires-and-news-of-it-is-still-to-be-told"),
        pytest.param([KNOWS], ACKED, ENDED, [], id="somebody-has-it-and-an-end-came-late"),
        pytest.param([UNTOLD, unsent(OPENED)], incident(), ENDED, [], id="it-fires-and-is-still-to-be-told"),
    ],
)
def test_what_is_so_is_said_again_where_something_may_have_come_after_it(known, now, late, lines):
    found = telling(*known, now=now)
    found[0].may_have_come_late(CHAT.id, late)
    assert read(found) == lines


def test_an_end_that_is_being_told_stays_though_it_fired_and_ended_again_meanwhile():
    """What is known of who hears is of the later beginning, which never left; the end is for who heard the first."""
    found = telling(NEVER_HEARD, unsent(ENDED), now=OVER)
    found[0].was_not_taken(CHAT.id, ENDED)
    assert read(found) == []


def test_a_digest_that_waits_is_not_taken_back_by_a_failed_message():
    found = telling(replace(WAITS, severity=WARNING), covered(OPENED), now=OVER, before=incident())
    found[0].was_not_taken(CHAT.id, OPENED)
    assert read(found) == []
