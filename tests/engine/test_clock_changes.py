"""Days on which clocks are put forward or back, lived through by the engine: nights, digests and recurring silences.

Every instant is written down here in UTC, as a person reads it off a calendar: none of ours computes what is expected.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from alertsvc.channels import CHANNELS
from alertsvc.core.model import Severity
from alertsvc.settings import load_text
from alertsvc.store.database import Database
from tests.engine.test_muting import silence
from tests.world import World, event

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
REPEAT, STEP = 2 * HOUR, 30 * MINUTE
CONFIGURATION = """
stale_after: 0s
correlate: [{name: alert, by: [alertname]}]
digests:
  - {name: at-0230, schedule: "30 2 * * *", timezone: ZONE}
  - {name: at-0145, schedule: "45 1 * * *", timezone: ZONE}
time_intervals:
  - name: nights
    time_intervals: [{times: [{start_time: "22:00", end_time: "06:00"}], location: ZONE}]
route:
  receiver: pages
  repeat_interval: 2h
  routes:
    - {receiver: sleepers, matchers: ['alertname=~"Quiet.*"'], mute_time_intervals: [nights]}
    - {receiver: at-0230, matchers: ['alertname="At0230"'], digest: at-0230, repeat_interval: 5m}
    - {receiver: at-0145, matchers: ['alertname="At0145"'], digest: at-0145, repeat_interval: 5m}
receivers:
  - {name: pages, console_configs: [{}]}
  - {name: sleepers, console_configs: [{}]}
  - {name: at-0230, console_configs: [{}]}
  - {name: at-0145, console_configs: [{}]}
"""


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=UTC)


@dataclass(frozen=True)
class Change:
    """A night in which the clocks change, in UTC.

    `night` is 22:00 to 06:00 on the wall. `at_0230`, `at_0145` and `at_0100` are when these times come: once, whatever
    the clocks do. The latter two come before the change, 02:30 not in every place: `next_0230` is that of a day later.
    """

    zone: str
    shift: timedelta
    night: tuple[str, str]
    at_0230: str
    next_0230: str
    at_0145: str
    at_0100: str

    def twice(self, text: str) -> list[datetime]:
        """The same time of the wall before the change, and on the day after it."""
        return [at(text), at(text) + DAY + self.shift]


FORWARD, BACK, HALF = -HOUR, HOUR, 30 * MINUTE
CHANGES = {
    "berlin-spring": Change(
        zone="Europe/Berlin",
        shift=FORWARD,
        night=("03-28 21:00", "03-29 04:00"),
        at_0230="03-29 01:00",  # the clocks jump from 02:00 to 03:00
        next_0230="03-30 00:30",
        at_0145="03-29 00:45",
        at_0100="03-29 00:00",
    ),
    "berlin-autumn": Change(
        zone="Europe/Berlin",
        shift=BACK,
        night=("10-24 20:00", "10-25 05:00"),
        at_0230="10-25 00:30",  # and again an hour later
        next_0230="10-26 01:30",
        at_0145="10-24 23:45",
        at_0100="10-24 23:00",
    ),
    "new-york-spring": Change(
        zone="America/New_York",
        shift=FORWARD,
        night=("03-08 03:00", "03-08 10:00"),
        at_0230="03-08 07:00",  # the clocks jump from 02:00 to 03:00
        next_0230="03-09 06:30",
        at_0145="03-08 06:45",
        at_0100="03-08 06:00",
    ),
    "new-york-autumn": Change(
        zone="America/New_York",
        shift=BACK,
        night=("11-01 02:00", "11-01 11:00"),
        at_0230="11-01 07:30",
        next_0230="11-02 07:30",
        at_0145="11-01 05:45",  # and again an hour later
        at_0100="11-01 05:00",  # likewise
    ),
    "lord-howe-autumn": Change(
        zone="Australia/Lord_Howe",
        shift=HALF,
        night=("04-04 11:00", "04-04 19:30"),
        at_0230="04-04 16:00",
        next_0230="04-05 16:00",
        at_0145="04-04 14:45",  # and again half an hour later
        at_0100="04-04 14:00",
    ),
    "lord-howe-spring": Change(
        zone="Australia/Lord_Howe",
        shift=-HALF,
        night=("10-03 11:30", "10-03 19:00"),
        at_0230="10-03 15:30",  # the clocks jump from 02:00 to it
        next_0230="10-04 15:30",
        at_0145="10-03 15:15",
        at_0100="10-03 14:30",
    ),
    "casablanca-ramadan-begins": Change(
        zone="Africa/Casablanca",
        shift=BACK,
        night=("02-14 21:00", "02-15 06:00"),
        at_0230="02-15 01:30",  # and again an hour later
        next_0230="02-16 02:30",
        at_0145="02-15 00:45",
        at_0100="02-15 00:00",
    ),
    "casablanca-ramadan-ends": Change(
        zone="Africa/Casablanca",
        shift=FORWARD,
        night=("03-21 22:00", "03-22 05:00"),
        at_0230="03-22 02:00",  # the clocks jump from 02:00 to 03:00
        next_0230="03-23 01:30",
        at_0145="03-22 01:45",
        at_0100="03-22 01:00",
    ),
}


@dataclass
class Diary:
    """What each receiver was told, and when."""

    world: World
    told: dict[str, list[tuple[datetime, str, str]]] = field(default_factory=dict)

    async def live_until(self, end: datetime, moments: list[datetime]) -> None:
        """Let time pass in long steps, and in short ones around `moments`."""
        around = {each + minutes * MINUTE for each in moments for minutes in (-1, 0, 1)}
        while self.world.now < end:
            step = min([self.world.now + STEP, end, *(each for each in around if each > self.world.now)])
            await self.world.pass_time(step - self.world.now)
            self._note()

    async def post(self, *events) -> None:
        await self.world.post(*events)
        await self.world.deliver()
        self._note()

    def _note(self) -> None:
        for name, channel in self.world.channels.items():
            lines = self.told.setdefault(name.partition("/")[0], [])
            fresh = [
                (self.world.now, str(getattr(message, "reason", "digest")), getattr(message, "title", ""))
                for message in channel.sent[len(lines) :]
            ]
            lines += fresh

    def of(self, receiver: str, title: str = "") -> list[tuple[datetime, str]]:
        return [(when, reason) for when, reason, about in self.told[receiver] if about.startswith(title)]


# the clocks are reckoned in Python: for the other database two changes are enough
LIVED_THROUGH = [*(("sqlite", name) for name in CHANGES)]
LIVED_THROUGH += [("postgresql", "berlin-spring"), ("postgresql", "new-york-autumn")]


@pytest.mark.parametrize(("database_url", "name"), LIVED_THROUGH, indirect=["database_url"])
async def test_nights_digests_and_silences_keep_to_the_clock_on_the_wall(database: Database, name: str) -> None:
    change = CHANGES[name]
    rules = load_text(CONFIGURATION.replace("ZONE", change.zone), "alertsvc.yaml", CHANNELS).rules
    wakes = [at(change.night[1]), at(change.night[1]) + DAY]
    nights = list(zip(change.twice(change.night[0]), wakes, strict=True))
    silences = [(begin, begin + 2 * HOUR) for begin in change.twice(change.at_0100)]
    digests = {"at-0230": [at(change.at_0230), at(change.next_0230)], "at-0145": change.twice(change.at_0145)}
    moments = [each for listed in (*nights, *silences, *digests.values()) for each in listed]
    moments += [due + 10 * MINUTE for dues in digests.values() for due in dues]  # something waits again by then

    begin = nights[0][0] - 10 * HOUR
    world = World(database, rules, begin)
    diary = Diary(world)
    each_night = {"timezone": change.zone, "schedule": "0 1 * * *", "duration_seconds": 7200.0}
    await silence(world, 'alertname="Silenced"', 30 * DAY, **each_night)
    await diary.post(
        event(alertname="QuietAllDay"),
        event(alertname="Silenced"),
        event(Severity.WARNING, alertname="At0230"),
        event(Severity.WARNING, alertname="At0145"),
    )
    await diary.live_until(nights[0][0] + 3 * HOUR, moments)
    await diary.post(event(alertname="QuietAtNight"))
    await diary.live_until(nights[1][1] + 5 * HOUR, moments)

    day_and_night = diary.of("sleepers", "QuietAllDay")
    assert day_and_night[0] == (begin, "opened")
    assert [when for when, reason in day_and_night if reason == "unmuted"] == wakes
    _is_reminded_outside(nights, day_and_night, until=world.now)
    at_night = diary.of("sleepers", "QuietAtNight")
    assert at_night[0] == (wakes[0], "unmuted")
    _is_reminded_outside(nights[1:], at_night, until=world.now)

    silenced = diary.of("pages", "Silenced")
    assert [when for when, reason in silenced if reason == "unmuted"] == [ends for _, ends in silences]
    _is_reminded_outside(silences, silenced, until=world.now)

    for receiver, dues in digests.items():
        sent = [when for when, _ in diary.of(receiver)]
        assert [due <= when <= due + MINUTE for due, when in zip(dues, sent, strict=True)] == [True, True]
    await world.balance()


def _is_reminded_outside(
    quiet: list[tuple[datetime, datetime]], told: list[tuple[datetime, str]], *, until: datetime
) -> None:
    """Nothing in a quiet time, and outside of it a reminder each `REPEAT`, neither sooner nor left out."""
    assert [when for when, _ in told if any(begin <= when < end for begin, end in quiet)] == []
    for (when, _), (later, _) in zip(told, [*told[1:], (until, "")], strict=True):
        interrupted = any(when < begin < later for begin, _ in quiet)
        assert later == until or later - when >= REPEAT
        assert interrupted or later - when <= REPEAT + STEP
