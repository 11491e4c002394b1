"""A series of which nothing is expected any more: its alerts end with it, visibly."""

from datetime import timedelta

import pytest

from alertsvc.engine.commands import UnknownThingError
from alertsvc.engine.retiring import forget_series, retire
from tests.engine.test_freshness import HOUR, MINUTE, Watch
from tests.world import World

DAYS = timedelta(days=1)


@pytest.fixture
def watch(world: World) -> Watch:
    """A replica that has been up for long."""
    return Watch(world)


async def the_series(watch: Watch) -> str:
    (row,) = await watch.world.rows("series")
    return str(row.fingerprint)


async def test_what_is_retired_pages_nobody_any_more(watch: Watch) -> None:
    await watch.observe(value=0.4)
    await watch.look_after(27 * HOUR)
    assert await watch.firing() == ["MissingObservations", "psi"]
    await retire(watch.world.database, await the_series(watch), "ann", watch.world.moment())
    assert await watch.firing() == []
    assert await watch.world.rows("series") == []
    await watch.world.deliver()
    (incident,) = await watch.world.rows("incident")
    assert incident.status == "resolved"
    lines = [row.detail for row in await watch.world.rows("history") if row.kind == "resolved"]
    assert lines == ["its last alert ended: its series was retired"]
    ends = [row.annotations["summary"] for row in await watch.world.rows("event") if row.change == "ended"]
    assert set(ends) == {"psi of churn was retired by ann; it was last observed at 2026-03-02 09:00 UTC"}
    await watch.look_after(30 * DAYS)
    assert await watch.firing() == []


async def test_what_is_not_there_cannot_be_retired(watch: Watch) -> None:
    with pytest.raises(UnknownThingError, match="series 'f1'"):
        await retire(watch.world.database, "f1", "ann", watch.world.moment())


async def test_a_retired_series_that_is_measured_again_is_a_new_one(watch: Watch) -> None:
    await watch.observe()
    await retire(watch.world.database, await the_series(watch), "ann", watch.world.moment())
    await watch.look_after(MINUTE)
    await watch.observe()
    await watch.look_after(27 * HOUR)
    assert await watch.firing() == ["MissingObservations"]


async def test_a_series_unheard_for_longer_than_measurements_are_kept_is_forgotten(watch: Watch) -> None:
    await watch.observe(value=0.4)
    await watch.look_after(80 * DAYS)
    await watch.observe(value=0.1, feature="age", expect_next_within=None)
    await watch.look_after(11 * DAYS)
    assert await watch.firing() == ["MissingObservations", "psi"]
    assert await forget_series(watch.world.database, 90 * DAYS, watch.world.moment()) == 1
    assert await watch.firing() == ["psi"], "nobody said that the drift is over"
    assert [row.feature for row in await watch.world.rows("series")] == ["age"]
    (end,) = [row for row in await watch.world.rows("event") if row.change == "ended"]
    assert "has been silent for so long that it is forgotten" in end.annotations["summary"]
