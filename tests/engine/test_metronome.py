"""Jobs come again and again, never beside themselves, and end in order."""

import asyncio
import logging

import pytest

from alertsvc.engine.metronome import Metronome
from alertsvc.store.database import StoreUnavailableError
from tests.programs import eventually


class Job:
    """Counts how often it ran, and how many of it ran at once. It takes as long as it is told."""

    def __init__(self, seconds: float = 0.0, *faults: Exception) -> None:
        self.begun = self.ended = self.most = 0
        self._now = 0
        self._seconds = seconds
        self._faults = list(faults)

    async def __call__(self) -> None:
        self.begun += 1
        self._now += 1
        self.most = max(self.most, self._now)
        try:
            await asyncio.sleep(self._seconds)
            if self._faults:
                raise self._faults.pop(0)
            self.ended += 1
        finally:
            self._now -= 1


async def test_a_job_that_fails_is_logged_and_comes_again(caplog: pytest.LogCaptureFixture) -> None:
    broken = Job(0.0, ValueError("a bug"))
    waiting = Job(0.0, StoreUnavailableError("down"))
    metronome = Metronome()
    metronome.every(1, "broken", broken)
    metronome.every(1, "waiting", waiting)
    metronome.start()
    await eventually(lambda: broken.ended and waiting.ended)
    await metronome.stop(1.0)
    said = [(each.levelno, each.getMessage(), each.exc_info is not None) for each in caplog.records]
    assert (logging.ERROR, "broken failed; it comes again", True) in said
    assert (logging.WARNING, "waiting has to wait, the database is unavailable: down", False) in said


async def test_a_slow_job_never_runs_beside_itself_and_holds_up_no_other() -> None:
    slow, quick = Job(2.5), Job()
    metronome = Metronome()
    metronome.every(1, "slow", slow)
    metronome.every(1, "quick", quick)
    metronome.start()
    await eventually(lambda: slow.ended)
    assert slow.most == 1
    assert quick.ended >= 2
    await metronome.stop(5.0)


async def test_stopping_lets_what_runs_come_to_its_end_and_starts_nothing_more() -> None:
    job = Job(1.2)
    metronome = Metronome()
    metronome.every(1, "job", job)
    metronome.start()
    await eventually(lambda: job.begun)
    await metronome.stop(10.0)
    assert (job.begun, job.ended) == (1, 1)
    await asyncio.sleep(1.2)
    assert job.begun == 1


async def test_what_does_not_end_in_time_is_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    job = Job(3600)
    metronome = Metronome()
    metronome.every(1, "job", job)
    metronome.start()
    await eventually(lambda: job.begun)
    began = asyncio.get_running_loop().time()
    await metronome.stop(0.2)
    assert asyncio.get_running_loop().time() - began < 2
    await asyncio.sleep(0)
    assert (job.ended, job.most) == (0, 1)
    assert "job did not end within" in caplog.text


async def test_what_never_began_can_be_stopped() -> None:
    metronome = Metronome()
    metronome.every(1, "job", Job())
    await metronome.stop(1.0)
