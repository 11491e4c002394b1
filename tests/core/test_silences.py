"""When a silence mutes, what it fits, what keeps one from being made, and when a changed one is still the same."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alertsvc.core.route import Matcher, Op
from alertsvc.core.silences import Recurrence, Silence, SilenceIndex, SilenceState, Stretch, flaws_of, may_keep_its_name
from alertsvc.settings.schedules import parse_cron
from tests.core.builders import DAY, HOUR, MINUTE, NOW, SECOND, matcher, uid

A_MOMENT = timedelta(microseconds=1)
PENDING, ACTIVE, EXPIRED = SilenceState.PENDING, SilenceState.ACTIVE, SilenceState.EXPIRED
TWO_HOURS = Silence(uid(1), (matcher("team", "a"),), NOW, NOW + 2 * HOUR, "ann", "we know")


def nightly(zone: str = "UTC", at: str = "0 22 * * *", lasts: timedelta = 8 * HOUR, days: int = 400) -> Silence:
    """Each night, from NOW on."""
    return replace(TWO_HOURS, ends_at=NOW + days * DAY, recurrence=Recurrence(parse_cron(at, zone), lasts))


@pytest.mark.parametrize(
    ("instant", "state"),
    [
        pytest.param(NOW - A_MOMENT, PENDING, id="a-moment-before"),
        pytest.param(NOW, ACTIVE, id="with-its-start"),
        pytest.param(NOW + 2 * HOUR - A_MOMENT, ACTIVE, id="to-the-last-moment"),
        pytest.param(NOW + 2 * HOUR, EXPIRED, id="without-its-end"),
    ],
)
def test_a_silence_mutes_from_its_start_to_before_its_end(instant, state):
    assert TWO_HOURS.state(instant) is state
    assert (TWO_HOURS.stretch_at(instant) is not None) is (state is ACTIVE)


@pytest.mark.parametrize(
    ("instant", "state", "stretch"),
    [
        pytest.param(datetime(2026, 3, 2, 21, 59, tzinfo=UTC), PENDING, None, id="before-the-first-night"),
        pytest.param(datetime(2026, 3, 2, 22, 0, tzinfo=UTC), ACTIVE, (2, 22, 3, 6), id="with-the-start-of-the-night"),
        pytest.param(datetime(2026, 3, 3, 5, 59, tzinfo=UTC), ACTIVE, (2, 22, 3, 6), id="past-midnight"),
        pytest.param(datetime(2026, 3, 3, 6, 0, tzinfo=UTC), PENDING, None, id="by-day-it-waits"),
        pytest.param(datetime(2026, 3, 3, 23, 0, tzinfo=UTC), ACTIVE, (3, 22, 4, 6), id="the-next-night"),
    ],
)
def test_one_that_comes_again_mutes_in_its_stretches_only(instant, state, stretch):
    silence = nightly()
    found = silence.stretch_at(instant)
    assert silence.state(instant) is state
    if stretch is None:
        assert found is None
    else:
        first, start, last, end = stretch
        starts_at = datetime(2026, 3, first, start, tzinfo=UTC)
        assert found == Stretch(starts_at, datetime(2026, 3, last, end, tzinfo=UTC))


def test_the_last_stretch_ends_with_the_silence():
    silence = replace(nightly(), ends_at=datetime(2026, 3, 4, 1, 0, tzinfo=UTC))
    instant = datetime(2026, 3, 4, 0, 30, tzinfo=UTC)
    assert silence.stretch_at(instant) == Stretch(datetime(2026, 3, 3, 22, tzinfo=UTC), silence.ends_at)
    assert silence.next_stretch(instant) is None
    assert silence.state(silence.ends_at) is EXPIRED


def test_one_that_is_made_within_a_stretch_begins_with_it_cut_short():
    silence = replace(nightly(at="0 8 * * *"), starts_at=NOW)
    assert silence.stretch_at(NOW) is not None
    assert silence.stretch_at(NOW).starts_at == NOW


@pytest.mark.parametrize(
    ("begins", "asked", "stretch"),
    [
        pytest.param((2, 23), (2, 21), ((2, 23), (3, 6)), id="it-begins-in-the-middle-of-a-night"),
        pytest.param((2, 22), (2, 21), ((2, 22), (3, 6)), id="it-begins-with-a-night"),
        pytest.param((2, 12), (2, 11), ((2, 22), (3, 6)), id="it-begins-by-day"),
        pytest.param((2, 12), (2, 22), ((3, 22), (4, 6)), id="after-the-one-that-begins-now"),
        pytest.param((4, 12), (2, 11), ((4, 22), (5, 6)), id="nights-before-it-begins-do-not-count"),
    ],
)
def test_the_next_stretch_is_the_first_in_which_it_will_mute(begins, asked, stretch):
    begins_at, asked_at, *bounds = (datetime(2026, 3, *each, tzinfo=UTC) for each in (begins, asked, *stretch))
    assert replace(nightly(), starts_at=begins_at).next_stretch(asked_at) == Stretch(*bounds)


def test_one_that_mutes_only_the_rest_of_a_night_waits_for_it():
    begins_at = datetime(2026, 3, 2, 23, tzinfo=UTC)
    silence = replace(nightly(), starts_at=begins_at, ends_at=begins_at + 7 * HOUR)
    assert [silence.state(begins_at + gap) for gap in (-HOUR, -A_MOMENT, 0 * HOUR, 7 * HOUR)] == [
        PENDING,
        PENDING,
        ACTIVE,
        EXPIRED,
    ]


def test_a_silence_in_one_stretch_has_that_one_before_it_begins():
    assert TWO_HOURS.next_stretch(NOW - A_MOMENT) == Stretch(NOW, NOW + 2 * HOUR)
    assert TWO_HOURS.next_stretch(NOW) is None


@pytest.mark.parametrize(
    ("zone", "after", "begins_at"),
    [
        pytest.param("Europe/Berlin", (3, 28), (3, 28, 21, 0), id="the-evening-before-summer-time"),
        pytest.param("Europe/Berlin", (3, 29), (3, 29, 20, 0), id="the-evening-after"),
        pytest.param("America/New_York", (11, 1), (11, 1, 2, 0), id="the-last-evening-of-summer-time"),
        pytest.param("America/New_York", (11, 2), (11, 2, 3, 0), id="the-first-of-winter-time"),
        pytest.param("Australia/Lord_Howe", (4, 4), (4, 4, 11, 0), id="before-half-an-hour-more"),
        pytest.param("Australia/Lord_Howe", (4, 5), (4, 5, 11, 30), id="and-after"),
    ],
)
def test_ten_in_the_evening_is_what_the_clock_on_the_wall_says(zone, after, begins_at):
    found = nightly(zone).next_stretch(datetime(2026, *after, tzinfo=UTC))
    assert found.starts_at == datetime(2026, *begins_at, tzinfo=UTC)
    assert found.ends_at - found.starts_at == 8 * HOUR


def test_labels_that_are_missing_are_empty():
    without_team = replace(TWO_HOURS, matchers=(matcher("team", ""), matcher("model", "churn")))
    assert without_team.fits({"model": "churn"})
    assert not without_team.fits({"model": "churn", "team": "a"})
    assert not without_team.fits({})


def test_the_index_finds_what_looking_at_all_finds():
    silences = [
        replace(TWO_HOURS, id=uid(number), matchers=matchers)
        for number, matchers in enumerate(
            [
                (matcher("team", "a"),),
                (matcher("team", "b"),),
                (matcher("team", ""), matcher("model", "churn")),
                (matcher("model", "churn"), matcher("team", "a")),
                (matcher("team", ""),),
                (Matcher("team", Op.NOT_EQUAL, "a", lambda found: found != "a"),),
                (Matcher("team", Op.MATCHES, "a|b", lambda found: found in {"a", "b"}), matcher("model", "churn")),
            ]
        )
    ]
    index = SilenceIndex(silences)
    for labels in ({}, {"team": "a"}, {"team": "b"}, {"model": "churn"}, {"model": "churn", "team": "a"}):
        expected = {each.id for each in silences if each.fits(labels)}
        assert {each.id for each in index.fitting(labels)} == expected


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        pytest.param({"matchers": ()}, "matchers", id="fits-everything"),
        pytest.param({"matchers": (matcher("team", ""),)}, "matchers", id="fits-whatever-has-no-team"),
        pytest.param({"ends_at": NOW}, "ends_at", id="ends-with-its-start"),
        pytest.param({"starts_at": NOW - DAY, "ends_at": NOW}, "ends_at", id="has-ended"),
        pytest.param({"created_by": " "}, "created_by", id="nobody-made-it"),
        pytest.param({"comment": "\n"}, "comment", id="nobody-says-why"),
        pytest.param({"ends_at": NOW + 9 * HOUR}, "ends_at", id="lasts-too-long"),
        pytest.param({"recurrence": Recurrence(parse_cron("@daily", "UTC"), 9 * HOUR)}, "duration", id="each-too-long"),
        pytest.param({"recurrence": Recurrence(parse_cron("@daily", "UTC"), 0 * HOUR)}, "duration", id="lasts-nothing"),
    ],
)
def test_what_cannot_be_made_is_refused_with_the_field(changes, field):
    assert flaws_of(TWO_HOURS, NOW, longest=8 * HOUR) == []
    assert [flaw.field for flaw in flaws_of(replace(TWO_HOURS, **changes), NOW, longest=8 * HOUR)] == [field]


@pytest.mark.parametrize(
    ("schedule", "lasts", "fields"),
    [
        pytest.param("0 22 * * *", 8 * HOUR, [], id="nights-without-end"),
        pytest.param("0 0 * * *", 25 * HOUR, ["schedule"], id="each-day-for-longer-than-a-day"),
        pytest.param("* * * * *", MINUTE, ["schedule"], id="each-minute-for-a-minute"),
        pytest.param("* * * * *", 30 * SECOND, [], id="each-minute-for-half-of-it"),
        pytest.param("0 0 * * 1-3", DAY, [], id="three-days-of-a-week"),
        pytest.param("0 0 * * 4-7", DAY, ["schedule"], id="four-days-of-a-week"),
        pytest.param("0 0 * * 1,2", 2 * DAY, [], id="stretches-that-overlap"),
    ],
)
def test_stretches_without_a_gap_count_as_one(schedule, lasts, fields):
    nights = nightly(at=schedule, lasts=lasts)
    assert [flaw.field for flaw in flaws_of(nights, NOW, longest=3 * DAY)] == fields
    assert flaws_of(nights, NOW) == []


def test_an_end_in_the_past_is_named_even_where_no_start_was_given():
    (flaw,) = flaws_of(replace(TWO_HOURS, starts_at=NOW, ends_at=NOW - HOUR), NOW)
    assert (flaw.field, flaw.what) == (
        "ends_at",
        f"lies in the past, as it is {NOW:%Y-%m-%d %H:%M:%S} UTC: give a later end",
    )


@pytest.mark.parametrize(
    ("changes", "at", "keeps"),
    [
        pytest.param({"ends_at": NOW + 5 * HOUR}, NOW + HOUR, True, id="active-and-extended"),
        pytest.param({"ends_at": NOW + HOUR}, NOW + HOUR, True, id="active-and-ended-now"),
        pytest.param({"ends_at": NOW + HOUR - SECOND}, NOW + HOUR, False, id="active-and-to-have-ended"),
        pytest.param({"starts_at": NOW + MINUTE}, NOW + HOUR, False, id="active-and-to-begin-anew"),
        pytest.param({"starts_at": NOW + HOUR}, NOW - HOUR, True, id="pending-and-moved"),
        pytest.param({"starts_at": NOW - 2 * HOUR}, NOW - HOUR, False, id="pending-and-to-have-begun"),
        pytest.param({"comment": "still"}, NOW + 3 * HOUR, False, id="over"),
        pytest.param({"matchers": (matcher("team", "b"),)}, NOW + HOUR, False, id="about-something-else"),
        pytest.param({"comment": "still"}, NOW + HOUR, True, id="another-comment"),
        pytest.param({"starts_at": NOW + A_MOMENT}, NOW + HOUR, True, id="the-same-second"),
        pytest.param({"recurrence": nightly().recurrence}, NOW + HOUR, False, id="now-it-comes-again"),
    ],
)
def test_a_changed_silence_keeps_its_name_as_in_alertmanager(changes, at, keeps):
    assert may_keep_its_name(TWO_HOURS, replace(TWO_HOURS, **changes), at) is keeps


def test_one_that_comes_again_is_changed_between_its_stretches_though_it_began_long_ago():
    silence = nightly()
    assert may_keep_its_name(silence, replace(silence, comment="still"), NOW + 3 * DAY)
