"""The configuration is read again and again, and every other time it is broken."""

import asyncio
import signal
import time

from tests.faults.fault import Fault
from tests.faults.stage import Stage, under_load
from tests.programs import asked

EVERY_SECONDS = 0.2
BROKEN = ("route: [", "nonsense: 1\n", "route: {receiver: nobody}\n")


async def reload(play: Stage) -> None:
    """By signal and by request in turn: nothing comes twice, and nothing late."""
    play.may_repeat, play.steady_is_on_time = 0, True
    assert play.service is not None
    until = time.monotonic() + play.place.lasting(15, brief=3)
    turn = refusals = 0
    while time.monotonic() < until:
        turn += 1
        is_good = turn % 2 == 0
        old, new = ("    - {receiver: all}", f"    - {{receiver: all, group_interval: {turn}m}}")
        text = play.configuration.replace(old, new) if is_good else play.configuration + BROKEN[turn % len(BROKEN)]
        play.config.write_text(text)
        if turn % 4 < 2:
            play.service.send(signal.SIGHUP)
        else:
            status = (await asked("POST", f"{play.url}/-/reload")).status
            refusals += status == 400
            assert status == (200 if is_good else 400), f"turn {turn} was answered {status}"
        await asyncio.sleep(EVERY_SECONDS)
    play.config.write_text(play.configuration)
    assert (await asked("POST", f"{play.url}/-/reload")).status == 200
    play.remarks.append(f"{turn} reloads, {refusals} of them refused by an answer")


RELOAD_FAULTS = [Fault("reload-storm", "a reload each 200 ms, every other one of a broken file", under_load(reload))]
