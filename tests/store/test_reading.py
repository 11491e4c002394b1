"""What lists show."""

from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import pytest

from alertsvc.core.effects import DigestWindow, digest_id
from alertsvc.matchers import parse_matchers
from alertsvc.store import digests, reading
from alertsvc.store.database import Database
from tests.world import World, event

DUE = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


async def test_digests_that_are_due_together_stand_on_some_page_each(database: Database) -> None:
    names = ("a", "b", "c")
    windows = [
        DigestWindow(digest_id("hourly", name, DUE), "hourly", name, DUE - timedelta(hours=1), DUE) for name in names
    ]
    await database.transaction(lambda conn: digests.join(conn, windows))
    shown: list[str] = []
    after: UUID | None = None
    for _ in names:
        page = await database.snapshot(partial(reading.digest_page, state=None, after=after, limit=1))
        shown += [row.receiver for row in page]
        after = page[-1].id
    assert sorted(shown) == list(names)


async def test_a_search_looks_at_so_many_incidents_for_a_page_and_goes_on_with_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "SEARCHED_AT_MOST", 5)
    for number in range(18):
        await world.post(event(model=f"m{number}", team="a" if number in {1, 2, 16} else "b"))
    wanted = reading.IncidentFilter(matchers=parse_matchers('team="a"'))
    sizes: list[int] = []
    found: list[str] = []
    after: UUID | None = None
    while True:
        page = await world.database.snapshot(partial(reading.incident_page, wanted=wanted, after=after, limit=1))
        sizes.append(len(page.items))
        found += [each.labels["model"] for each in page.items]
        after = page.next_after
        if after is None:
            break
    assert found == ["m16", "m2", "m1"]
    assert sizes == [1, 0, 0, 1, 1]


async def test_a_search_for_what_is_not_there_does_not_look_at_everything(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "SEARCHED_AT_MOST", 5)
    for number in range(12):
        await world.post(event(model=f"m{number}"))
    for wanted in (
        reading.IncidentFilter(matchers=parse_matchers('team="nobody"')),
        reading.IncidentFilter(words="nothing says so"),
    ):
        page = await world.database.snapshot(partial(reading.incident_page, wanted=wanted, after=None, limit=50))
        assert list(page.items) == []
        newest = await world.database.snapshot(
            partial(reading.incident_page, wanted=reading.IncidentFilter(), after=None, limit=5)
        )
        assert page.next_after == newest.items[-1].id
