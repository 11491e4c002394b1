"""The clock on the wall is set while the service runs. The monotonic ones go on: that is how machines are."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.fakes.provider import Mood
from tests.faults.fault import Fault, NotInstalledError, Place
from tests.faults.stage import Needs, Stage, under_load

LIBRARIES = "*-linux-gnu/faketime/libfaketimeMT.so.1"
HOUR, DAY = 3600, 86400


def with_a_clock_of_its_own(place: Place) -> Needs:
    """The service reads a clock that a file sets.

    Raises:
        NotInstalledError: libfaketime is not installed.
    """
    found = sorted(Path("/usr/lib").glob(LIBRARIES))
    if not found:
        raise NotInstalledError("libfaketime; Debian has it in: faketime")
    set_clock(place, 0)
    return Needs(
        environment={
            "LD_PRELOAD": str(found[0]),
            "FAKETIME_TIMESTAMP_FILE": str(place.folder / "clock"),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",  # else it bends the waits by which threads hand over the interpreter
        }
    )


def set_clock(place: Place, ahead: int) -> None:
    """Set it so many seconds ahead of the true one."""
    written = place.folder / "clock.new"
    written.write_text(f"{ahead:+d}s\n")
    written.rename(place.folder / "clock")


def step(*ahead: int) -> Callable[[Stage], Awaitable[None]]:
    """The clock is set, first while messages are under way, then while some wait to be tried again."""

    async def strike(play: Stage) -> None:
        play.may_repeat = 0
        play.troubled.mood, play.troubled.slowness = Mood.SLOW, 2.5
        await asyncio.sleep(1)
        set_clock(play.place, ahead[0])
        await asyncio.sleep(2.5)
        play.troubled.mood = Mood.ERROR
        await asyncio.sleep(play.place.lasting(10, brief=2))
        set_clock(play.place, ahead[-1])
        await asyncio.sleep(1)
        play.troubled.mood = Mood.NORMAL

    return strike


def clock_fault(name: str, does: str, *ahead: int) -> Fault:
    return Fault(name, does, under_load(step(*ahead), needs=with_a_clock_of_its_own))


CLOCK_FAULTS = [
    clock_fault("clock+1h", "the clock is put on by an hour", HOUR),
    clock_fault("clock-1h", "the clock is put back by an hour", 0, -HOUR),
    clock_fault("clock+1d", "the clock is a day ahead, and is set right again", DAY, 0),
    clock_fault("clock-1d", "the clock is a day late, and is set right again", -DAY, 0),
]
