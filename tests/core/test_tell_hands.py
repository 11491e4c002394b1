"""Who is told what when a person takes an incident, gives it back or reopens it, and who is reminded when.

It is 09:01. Whoever knows of the incident was told at 09:00. `tests.core.reading` shows how the lines are to be read.
"""

from dataclasses import replace

import pytest

from tests.core.builders import CHAT, DAY, MAIL, NOW, SILENT, covered, incident
from tests.core.reading import believe, told
from tests.core.scenes import (
    ACKNOWLEDGED,
    BUNDLED,
    ENDED,
    FIRED_AGAIN,
    GIVEN_BACK,
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
MAILED = replace(KNOWS, destination=MAIL.id)
"""By a channel that shows no change of hands."""
NEVER_HEARD = replace(HEARD_THE_END, told_at=None, last_told_at=None)

# Somebody takes it

BY_ANN = "acknowledged by ann"
SHOWN = f"team/chat | acknowledged | now | {BY_ANN}"


@pytest.mark.parametrize(
    ("known", "lines"),
    [
        pytest.param([], [], id="nobody-heard-of-it"),
        pytest.param([KNOWS], [SHOWN], id="a-channel-that-can-show-it"),
        pytest.param([MAILED], [], id="a-channel-that-cannot-show-it"),
        pytest.param([HEARD_THE_END], [], id="for-whom-it-ended"),
        pytest.param([KNOWS, unsent(UPDATED)], [SHOWN, f"team/chat | updated | taken back | {BY_ANN}"], id="an-update"),
        pytest.param(
            [KNOWS, unsent(REPEATED)], [SHOWN, f"team/chat | repeated | taken back | {BY_ANN}"], id="a-reminder"
        ),
        pytest.param(
            [KNOWS, maybe_left(REPEATED)],
            [SHOWN, f"team/chat | repeated | taken back | {BY_ANN}"],
            id="a-reminder-that-may-have-left-is-not-sent-again",
        ),
        pytest.param(
            [KNOWS, unsent(GIVEN_BACK)],
            [SHOWN, f"team/chat | unacknowledged | taken back | {BY_ANN}"],
            id="that-it-was-given-back-is-old-news",
        ),
        pytest.param(
            [KNOWS, sending(UPDATED)],
            [f"team/chat | acknowledged | now, behind another | {BY_ANN}"],
            id="an-update-is-being-sent",
        ),
        pytest.param(
            [UNTOLD, unsent(OPENED)],
            [f"team/chat | acknowledged | now, behind another | {BY_ANN}"],
            id="the-opening-is-still-told-first",
        ),
        pytest.param(
            [KNOWS, unsent(RAISED)],
            [f"team/chat | acknowledged | now, behind another | {BY_ANN}"],
            id="a-raise-is-still-told-first",
        ),
        pytest.param([UNTOLD], [], id="the-opening-failed"),
        pytest.param([READ_IT], [], id="a-digest-told-of-it"),
        pytest.param([WAITS, LISTED], [], id="a-digest-will-tell-of-it"),
    ],
)
def test_what_follows_when_somebody_takes_it(known, lines):
    found = telling(*known, before=incident(), now=ACKED)
    found[0].is_acknowledged("ann")
    assert read(found) == [*lines, "nobody is reminded"]


# Somebody gives it back

BACK = "unacknowledged by ann"


@pytest.mark.parametrize(
    ("known", "lines"),
    [
        pytest.param([], [], id="nobody-heard-of-it"),
        pytest.param([HEARD_THE_END], [], id="for-whom-it-ended"),
        pytest.param(
            [KNOWS],
            [f"team/chat | unacknowledged | now | {BACK}", "team/chat | repeat | at 13:00"],
            id="reminders-go-on-from-when-it-was-told",
        ),
        pytest.param(
            [replace(KNOWS, last_told_at=NOW - DAY)],
            [f"team/chat | unacknowledged | now | {BACK}", "team/chat | repeat | at 09:01"],
            id="a-reminder-that-is-overdue-comes-now",
        ),
        pytest.param(
            [replace(KNOWS, repeat_interval_seconds=120)],
            [f"team/chat | unacknowledged | now | {BACK}", "team/chat | repeat | at 09:02"],
            id="the-interval-is-its-own",
        ),
        pytest.param([MAILED], ["team/mail | repeat | at 13:00"], id="a-channel-that-cannot-show-it"),
        pytest.param(
            [KNOWS, unsent(TAKEN)],
            [
                f"team/chat | unacknowledged | now | {BACK}",
                f"team/chat | acknowledged | taken back | {BACK}",
                "team/chat | repeat | at 13:00",
            ],
            id="that-it-was-taken-is-old-news",
        ),
        pytest.param(
            [KNOWS, sending(TAKEN)],
            [f"team/chat | unacknowledged | now, behind another | {BACK}", "team/chat | repeat | at 13:00"],
            id="that-it-was-taken-is-being-sent",
        ),
        pytest.param([UNTOLD], ["team/chat | repeat | at 13:01"], id="the-opening-failed"),
        pytest.param([READ_IT], ["team/chat | repeat | at 13:00"], id="a-digest-told-of-it"),
    ],
)
def test_what_follows_when_somebody_gives_it_back(known, lines):
    found = telling(*known, before=ACKED, now=incident())
    found[0].is_unacknowledged(BACK)
    assert read(found) == lines


def test_who_hears_of_worse_anyway_is_not_told_that_nobody_has_it():
    found = telling(KNOWS, unsent(TAKEN), before=ACKED, now=incident())
    found[0].is_unacknowledged("outgrown", told_anyway=frozenset({CHAT.id}))
    assert read(found) == ["team/chat | acknowledged | taken back | outgrown", "team/chat | repeat | at 13:00"]


# Somebody reopens it

AGAIN = "reopened by ann"


@pytest.mark.parametrize(
    ("believer", "around", "lines", "belief"),
    [
        pytest.param(
            HEARD_THE_END,
            [],
            [f"team/chat | opened | now | {AGAIN}"],
            "team/chat pending immediate critical",
            id="who-heard-the-end-is-told-anew",
        ),
        pytest.param(
            HEARD_THE_END,
            [unsent(ENDED)],
            [f"team/chat | updated | at 09:05 | {BUNDLED}", f"team/chat | resolved | taken back | {FIRED_AGAIN}"],
            "team/chat told immediate critical",
            id="the-end-had-not-left",
        ),
        pytest.param(
            HEARD_THE_END,
            [sending(ENDED)],
            [f"team/chat | opened | now, behind another | {AGAIN}"],
            "team/chat pending immediate critical",
            id="the-end-is-being-sent",
        ),
        pytest.param(
            HEARD_THE_END,
            [maybe_left(ENDED)],
            [f"team/chat | opened | now, behind another | {AGAIN}"],
            "team/chat pending immediate critical",
            id="the-end-may-have-left",
        ),
        pytest.param(
            NEVER_HEARD,
            [],
            [f"team/chat | opened | now | {AGAIN}"],
            "team/chat pending immediate critical",
            id="opening-and-end-had-cancelled-each-other",
        ),
        pytest.param(
            NEVER_HEARD,
            [sending(OPENED), unsent(ENDED)],
            [
                f"team/chat | updated | at 09:06, behind another | {BUNDLED}",
                f"team/chat | resolved | taken back | {FIRED_AGAIN}",
            ],
            "team/chat pending immediate critical",
            id="the-opening-is-still-being-sent",
        ),
        pytest.param(
            replace(HEARD_THE_END, last_told_at=None),
            [unsent(ENDED)],
            [f"team/chat | opened | now | {AGAIN}", f"team/chat | resolved | taken back | {FIRED_AGAIN}"],
            "team/chat pending immediate critical",
            id="it-only-may-have-heard-the-opening",
        ),
        pytest.param(
            replace(READ_IT, state="ended", ended_at=NOW),
            [covered(ENDED)],
            [
                "team/chat | updated | in the digest of 10:00 | route root: waits for the digest",
                f"team/chat | resolved | out of the digest | {FIRED_AGAIN}",
            ],
            "team/chat told digest warning",
            id="a-digest-was-to-tell-of-the-end",
        ),
        pytest.param(
            replace(HEARD_THE_END, destination=SILENT.id),
            [],
            [f"team/silent | opened | now | {AGAIN}"],
            "team/silent pending immediate critical",
            id="a-channel-that-carries-no-ends",
        ),
    ],
)
def test_what_follows_when_somebody_reopens_it(believer, around, lines, belief):
    decided, about = telling(believer, *around, before=OVER, now=incident())
    decided.fires_again_for(believer, AGAIN)
    effects = decided.finish()
    assert told(effects, about) == lines
    assert believe(effects) == [belief]


def test_who_is_told_anew_has_not_been_told():
    found = telling(HEARD_THE_END, before=OVER, now=incident())
    found[0].fires_again_for(HEARD_THE_END, AGAIN)
    ((_, after),) = found[0].finish().believers
    assert (after.told_at, after.last_told_at, after.ended_at) == (None, None, None)


# The repeat interval passed

PASSED = "repeat_interval 4:00:00 passed"


@pytest.mark.parametrize(
    ("known", "now", "lines"),
    [
        pytest.param([], incident(), [], id="nobody-heard-of-it"),
        pytest.param([KNOWS], incident(), [f"team/chat | repeated | now | {PASSED}"], id="still-fires"),
        pytest.param(
            [replace(KNOWS, repeat_interval_seconds=90)],
            incident(),
            ["team/chat | repeated | now | repeat_interval 0:01:30 passed"],
            id="the-interval-is-its-own",
        ),
        pytest.param([KNOWS], ACKED, [], id="somebody-has-it"),
        pytest.param([KNOWS], OVER, [], id="it-is-over"),
        pytest.param([HEARD_THE_END], incident(), [], id="it-is-over-for-this-one"),
        pytest.param([UNTOLD], incident(), [f"team/chat | opened | now | {PASSED}"], id="the-opening-failed"),
        pytest.param([UNTOLD, unsent(OPENED)], incident(), [], id="the-opening-is-still-to-come"),
        pytest.param([KNOWS, unsent(UPDATED)], incident(), [], id="news-is-about-to-leave"),
        pytest.param([KNOWS, sending(REPEATED)], incident(), [], id="a-reminder-is-being-sent"),
        pytest.param([KNOWS, maybe_left(REPEATED)], incident(), [], id="a-reminder-will-be-tried-again"),
        pytest.param(
            [KNOWS, unsent(GIVEN_BACK)],
            incident(),
            [f"team/chat | repeated | now, behind another | {PASSED}"],
            id="a-change-of-hands-is-no-reminder",
        ),
        pytest.param(
            [READ_IT],
            incident(),
            [f"team/chat | repeated | in the digest of 10:00 | {PASSED}", "team/chat | repeat | at 13:01"],
            id="a-digest-reminds",
        ),
        pytest.param([WAITS, LISTED], incident(), ["team/chat | repeat | at 13:01"], id="the-digest-lists-it-already"),
        pytest.param(
            [READ_IT, IN_MADE_DIGEST],
            incident(),
            [f"team/chat | repeated | in the digest of 10:00 | {PASSED}", "team/chat | repeat | at 13:01"],
            id="the-next-digest-reminds",
        ),
    ],
)
def test_who_is_reminded_when_the_interval_has_passed(known, now, lines):
    found = telling(*known, now=now)
    found[0].is_still_firing(CHAT.id)
    assert read(found) == lines
