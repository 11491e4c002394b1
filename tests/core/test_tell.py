"""Who is told what about one incident, when, and why.

It is 09:01. Whoever knows of the incident was told at 09:00. `tests.core.reading` shows how the lines are to be read.
"""

from dataclasses import replace

import pytest

from alertsvc.core.incidents import Believer
from alertsvc.core.route import Timing
from tests.core.builders import (
    CHAT,
    CRITICAL,
    DELIVER,
    ERROR,
    HOUR,
    INFO,
    MINUTE,
    NOW,
    SECOND,
    WARNING,
    incident,
    route,
)
from tests.core.reading import believe
from tests.core.scenes import (
    AT,
    BUNDLED,
    CRITICAL_NOW,
    DIGEST,
    ENDED,
    ERROR_NOW,
    FIRED_AGAIN,
    HAD_FAILED,
    HEARD_THE_END,
    IN_MADE_DIGEST,
    INFO_NEVER,
    KNOWS,
    LISTED,
    OPENED,
    READ_IT,
    REPEATED,
    RESOLVED,
    TAKEN,
    UNTOLD,
    UPDATED,
    WAITS,
    WARNING_LATER,
    maybe_left,
    read,
    sending,
    telling,
    unsent,
)

# It fires

IS_WARNING = incident(severity=WARNING)
WAITING_A_BIT = route(timing=Timing(30 * SECOND, 5 * MINUTE, 4 * HOUR))
LATER = route("root/later", deliver=dict.fromkeys(DELIVER, DIGEST))


@pytest.mark.parametrize(
    ("known", "severity", "by", "lines"),
    [
        # nobody knows of it
        pytest.param([], CRITICAL, route(), [f"team/chat | opened | now | {CRITICAL_NOW}"], id="critical"),
        pytest.param([], ERROR, route(), [f"team/chat | opened | now | {ERROR_NOW}"], id="error"),
        pytest.param(
            [], WARNING, route(), [f"team/chat | opened | in the digest of 10:00 | {WARNING_LATER}"], id="warning"
        ),
        pytest.param([], INFO, route(), [f"team/chat | opened | never | {INFO_NEVER}"], id="info"),
        pytest.param(
            [], ERROR, WAITING_A_BIT, [f"team/chat | opened | at 09:01:30 | {ERROR_NOW}"], id="error-waits-group-wait"
        ),
        pytest.param(
            [], CRITICAL, WAITING_A_BIT, [f"team/chat | opened | now | {CRITICAL_NOW}"], id="critical-waits-for-nothing"
        ),
        # it was told
        pytest.param(
            [KNOWS], CRITICAL, route(), [f"team/chat | updated | at 09:05 | {BUNDLED}"], id="told-a-moment-ago"
        ),
        pytest.param(
            [replace(KNOWS, last_told_at=NOW - HOUR)],
            CRITICAL,
            route(),
            [f"team/chat | updated | now | {BUNDLED}"],
            id="told-long-ago",
        ),
        pytest.param(
            [replace(KNOWS, group_interval_seconds=90)],
            ERROR,
            route(),
            ["team/chat | updated | at 09:01:30 | bundled by group_interval 0:01:30"],
            id="told-the-interval-is-its-own",
        ),
        pytest.param(
            [KNOWS], WARNING, route(), [f"team/chat | updated | at 09:05 | {BUNDLED}"], id="told-a-warning-more"
        ),
        pytest.param([KNOWS], INFO, route(), [f"team/chat | updated | never | {INFO_NEVER}"], id="told-an-info-more"),
        pytest.param([KNOWS, unsent(UPDATED)], CRITICAL, route(), [], id="told-an-update-waits-already"),
        pytest.param([KNOWS, unsent(REPEATED)], CRITICAL, route(), [], id="told-a-reminder-waits-already"),
        pytest.param(
            [KNOWS, sending(UPDATED)],
            CRITICAL,
            route(),
            [f"team/chat | updated | at 09:05, behind another | {BUNDLED}"],
            id="told-an-update-is-being-sent",
        ),
        pytest.param(
            [KNOWS, unsent(TAKEN)],
            CRITICAL,
            route(),
            [f"team/chat | updated | at 09:05, behind another | {BUNDLED}"],
            id="told-other-news-waits",
        ),
        # it is to be told
        pytest.param([UNTOLD, unsent(OPENED)], CRITICAL, route(), [], id="the-opening-waits"),
        pytest.param([UNTOLD, unsent(OPENED, state="waiting")], CRITICAL, route(), [], id="the-opening-waits-behind"),
        pytest.param(
            [UNTOLD, sending(OPENED)],
            CRITICAL,
            route(),
            [f"team/chat | updated | at 09:06, behind another | {BUNDLED}"],
            id="the-opening-is-being-sent",
        ),
        pytest.param(
            [UNTOLD, maybe_left(OPENED)],
            CRITICAL,
            route(),
            [f"team/chat | updated | at 09:06, behind another | {BUNDLED}"],
            id="the-opening-may-have-left",
        ),
        pytest.param(
            [UNTOLD], CRITICAL, route(), [f"team/chat | opened | now | {HAD_FAILED}"], id="the-opening-failed"
        ),
        # it reads digests
        pytest.param([WAITS, LISTED], WARNING, route(), [], id="the-digest-lists-it-already"),
        pytest.param(
            [READ_IT],
            WARNING,
            route(),
            ["team/chat | updated | in the digest of 10:00 | route root: waits for the digest"],
            id="a-digest-told-of-it",
        ),
        pytest.param(
            [READ_IT, IN_MADE_DIGEST],
            WARNING,
            route(),
            ["team/chat | updated | in the digest of 10:00 | route root: waits for the digest"],
            id="a-digest-that-lists-it-was-made",
        ),
        # it had been told the end
        pytest.param([HEARD_THE_END], CRITICAL, route(), [f"team/chat | opened | now | {CRITICAL_NOW}"], id="ended"),
        pytest.param(
            [HEARD_THE_END],
            WARNING,
            route(),
            [f"team/chat | opened | in the digest of 10:00 | {WARNING_LATER}"],
            id="ended-a-warning",
        ),
        pytest.param(
            [HEARD_THE_END], INFO, route(), [f"team/chat | opened | never | {INFO_NEVER}"], id="ended-an-info"
        ),
        pytest.param(
            [HEARD_THE_END, unsent(ENDED)],
            INFO,
            route(),
            [f"team/chat | opened | never | {INFO_NEVER}"],
            id="ended-an-info-takes-nothing-back",
        ),
        pytest.param(
            [HEARD_THE_END, sending(ENDED)],
            CRITICAL,
            route(),
            [f"team/chat | opened | now, behind another | {CRITICAL_NOW}"],
            id="the-end-is-being-sent",
        ),
        pytest.param(
            [HEARD_THE_END, maybe_left(ENDED)],
            CRITICAL,
            route(),
            [f"team/chat | opened | now, behind another | {CRITICAL_NOW}"],
            id="the-end-may-have-left",
        ),
        pytest.param(
            [HEARD_THE_END, unsent(ENDED)],
            CRITICAL,
            route(),
            [f"team/chat | updated | at 09:05 | {BUNDLED}", f"team/chat | resolved | taken back | {FIRED_AGAIN}"],
            id="the-end-had-not-left",
        ),
        pytest.param(
            [replace(HEARD_THE_END, told_at=None, last_told_at=None), sending(OPENED), unsent(ENDED)],
            CRITICAL,
            route(),
            [
                f"team/chat | updated | at 09:06, behind another | {BUNDLED}",
                f"team/chat | resolved | taken back | {FIRED_AGAIN}",
            ],
            id="the-end-waits-behind-the-opening",
        ),
        pytest.param(
            [replace(HEARD_THE_END, last_told_at=None), unsent(ENDED)],
            CRITICAL,
            route(),
            [f"team/chat | opened | now | {HAD_FAILED}", f"team/chat | resolved | taken back | {FIRED_AGAIN}"],
            id="the-end-of-what-may-have-been-told-had-not-left",
        ),
    ],
)
def test_what_follows_when_an_alert_fires(known, severity, by, lines):
    found = telling(*known)
    found[0].fires(CHAT, by, severity)
    assert read(found) == lines


@pytest.mark.parametrize(
    ("known", "before", "severity", "by", "lines"),
    [
        pytest.param(
            [replace(KNOWS, severity=WARNING)],
            IS_WARNING,
            CRITICAL,
            route(),
            [f"team/chat | raised | now | raised from warning; {CRITICAL_NOW}"],
            id="told-of-less",
        ),
        pytest.param(
            [replace(KNOWS, severity=ERROR), unsent(UPDATED)],
            incident(severity=ERROR),
            CRITICAL,
            WAITING_A_BIT,
            [
                "team/chat | raised | with updated, which leaves at 09:01 as raised critical | "
                f"raised from error; {CRITICAL_NOW}"
            ],
            id="an-update-of-less-waits",
        ),
        pytest.param(
            [replace(UNTOLD, severity=ERROR), unsent(OPENED, due_at=NOW + HOUR)],
            incident(severity=ERROR),
            CRITICAL,
            route(),
            [
                "team/chat | raised | with opened, which leaves at 09:01 as opened critical | "
                f"raised from error; {CRITICAL_NOW}"
            ],
            id="the-opening-of-less-waits",
        ),
        pytest.param(
            [replace(UNTOLD, severity=ERROR), sending(OPENED)],
            incident(severity=ERROR),
            CRITICAL,
            route(),
            [f"team/chat | raised | now, behind another | raised from error; {CRITICAL_NOW}"],
            id="the-opening-of-less-is-being-sent",
        ),
        pytest.param(
            [WAITS, LISTED],
            IS_WARNING,
            CRITICAL,
            route(),
            [
                f"team/chat | raised | now | raised from warning; {CRITICAL_NOW}",
                "team/chat | opened | out of the digest for raised | left the digest: severity raised",
            ],
            id="a-warning-that-waits-leaves-the-digest-and-pages",
        ),
        pytest.param(
            [READ_IT, IN_MADE_DIGEST],
            IS_WARNING,
            CRITICAL,
            route(),
            [f"team/chat | raised | now | raised from warning; {CRITICAL_NOW}"],
            id="a-digest-that-was-made-stays-whole",
        ),
        pytest.param(
            [READ_IT],
            IS_WARNING,
            ERROR,
            LATER,
            ["team/chat | updated | in the digest of 10:00 | route root: waits for the digest"],
            id="worse-and-its-route-says-digest",
        ),
        pytest.param(
            [WAITS, LISTED], IS_WARNING, ERROR, LATER, [], id="worse-its-route-says-digest-and-that-lists-it-already"
        ),
        pytest.param(
            [replace(KNOWS, severity=WARNING)],
            IS_WARNING,
            ERROR,
            LATER,
            [f"team/chat | updated | at 09:05 | {BUNDLED}"],
            id="worse-and-its-route-says-digest-but-it-hears-at-once",
        ),
        pytest.param(
            [KNOWS],
            IS_WARNING,
            CRITICAL,
            route(),
            [f"team/chat | raised | now | raised from warning; {CRITICAL_NOW}"],
            id="told-of-as-much-but-it-had-become-less",
        ),
        pytest.param(
            [replace(KNOWS, severity=WARNING)],
            incident(severity=CRITICAL),
            CRITICAL,
            route(),
            [f"team/chat | raised | now | raised from warning; {CRITICAL_NOW}"],
            id="others-were-told-of-as-much",
        ),
        pytest.param(
            [replace(KNOWS, severity=WARNING)],
            incident(severity=CRITICAL),
            WARNING,
            route(),
            [f"team/chat | updated | at 09:05 | {BUNDLED}"],
            id="as-much-as-it-was-told",
        ),
        pytest.param(
            [replace(HEARD_THE_END, severity=WARNING), unsent(ENDED)],
            incident(RESOLVED, WARNING),
            CRITICAL,
            route(),
            [
                f"team/chat | raised | now | raised from warning; {CRITICAL_NOW}",
                f"team/chat | resolved | taken back | {FIRED_AGAIN}",
            ],
            id="fires-again-worse-before-the-end-left",
        ),
    ],
)
def test_what_follows_when_it_is_worse(known, before, severity, by, lines):
    found = telling(*known, before=before, now=incident(severity=severity))
    found[0].fires(CHAT, by, severity)
    assert read(found) == lines


@pytest.mark.parametrize(
    ("known", "severity", "by", "lines"),
    [
        pytest.param([], CRITICAL, route(), ["team/chat pending immediate critical"], id="to-be-told"),
        pytest.param([], WARNING, route(), ["team/chat pending digest warning"], id="to-be-listed"),
        pytest.param([], INFO, route(), [], id="not-to-be-told"),
        pytest.param([KNOWS], INFO, route(), [], id="told-an-info-more"),
        pytest.param([READ_IT], WARNING, route(), [], id="listed-once-more"),
        pytest.param([READ_IT], CRITICAL, route(), ["team/chat told immediate critical"], id="pages-from-now-on"),
        pytest.param([READ_IT], ERROR, LATER, ["team/chat told digest error"], id="worse-and-listed"),
        pytest.param([HEARD_THE_END], WARNING, route(), ["team/chat pending digest warning"], id="begins-anew"),
    ],
)
def test_what_is_believed_when_an_alert_fires(known, severity, by, lines):
    found = telling(*known, before=IS_WARNING)
    found[0].fires(CHAT, by, severity)
    assert believe(found[0].finish()) == lines


@pytest.mark.parametrize(
    ("known", "state", "told_at"),
    [
        pytest.param([HEARD_THE_END, unsent(ENDED)], "told", NOW, id="it-knows"),
        pytest.param(
            [replace(HEARD_THE_END, told_at=None, last_told_at=None), sending(OPENED), unsent(ENDED)],
            "pending",
            None,
            id="it-is-being-told",
        ),
        pytest.param(
            [replace(HEARD_THE_END, told_at=None, last_told_at=None), unsent(ENDED), IN_MADE_DIGEST],
            "pending",
            AT,
            id="a-digest-may-tell-it",
        ),
        pytest.param(
            [replace(HEARD_THE_END, last_told_at=None), unsent(ENDED)], "pending", NOW, id="it-may-have-been-told"
        ),
    ],
)
def test_whose_end_had_not_left_believes_what_it_did(known, state, told_at):
    found = telling(*known)
    found[0].fires(CHAT, route(), CRITICAL)
    ((_, after),) = found[0].finish().believers
    assert (after.state, after.told_at, after.ended_at) == (state, told_at, None)


def test_a_subscription_takes_everything_from_its_route():
    timing = Timing(30 * SECOND, 60 * SECOND, 120 * SECOND)
    by = route("root/a", receiver="oncall", timing=timing, digest="weekly", deliver={**DELIVER, ERROR: DIGEST})
    found = telling()
    found[0].fires(CHAT, by, ERROR)
    effects = found[0].finish()
    assert effects.new_believers == [
        (
            incident().id,
            Believer(
                destination="team/chat",
                receiver="oncall",
                route="root/a",
                state="pending",
                deliver=DIGEST,
                digest="weekly",
                severity=ERROR,
                group_interval_seconds=60,
                repeat_interval_seconds=120,
            ),
        )
    ]
    (noted,) = effects.notifications
    assert (noted.receiver, noted.route, noted.severity) == ("oncall", "root/a", ERROR)


def test_messages_of_a_lane_are_numbered_through_episodes():
    found = telling(replace(HEARD_THE_END, sequence=7))
    found[0].fires(CHAT, route(), CRITICAL)
    effects = found[0].finish()
    assert [made.sequence for made in effects.deliveries] == [8]
    assert [after.sequence for _, after in effects.believers] == [8]
