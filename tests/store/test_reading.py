"""What lists show."""

from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

from alertsvc.core.effects import DigestWindow, digest_id
from alertsvc.store import digests, reading
from alertsvc.store.database import Database

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
