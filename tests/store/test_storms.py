"""What destinations were told lately, written with what is new."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, func, select

from alertsvc.core.storm import Single, StormState
from alertsvc.core.storms import KnownStorm, Storms
from alertsvc.store import storms
from alertsvc.store.database import Database, StoreUnavailableError
from alertsvc.store.insertions import Insertions
from alertsvc.store.tables import idempotency

NOW = datetime(2026, 11, 24, 9, 12, tzinfo=UTC)
ONCE = StormState(recent=(Single(NOW, "Drift/critical"),))
TWICE = StormState(recent=(*ONCE.recent, *ONCE.recent))


def deciding(after: StormState, before: KnownStorm | None = None) -> Insertions:
    """Something new, and what a decision makes of a state that it knew as `before`."""
    new = Insertions()
    new.add(idempotency, [{"key": f"{len(after.recent)}", "body_hash": "h", "created_at": NOW}])
    storms.put_first(new, Storms(known={"team/chat": before} if before else {}, changed={"team/chat": after}))
    return new


def read(conn: Connection) -> tuple[dict[str, KnownStorm], int]:
    return storms.known(conn, ["team/chat"]), conn.execute(select(func.count()).select_from(idempotency)).scalar_one()


@pytest.mark.parametrize("is_all", [False, True])
async def test_a_state_is_written_over_the_one_that_was_decided_on(database: Database, is_all: bool) -> None:
    await database.transaction(lambda conn: deciding(ONCE).write(conn, is_all=is_all))
    await database.transaction(lambda conn: deciding(TWICE, KnownStorm(ONCE, 1)).write(conn, is_all=is_all))
    assert await database.snapshot(read) == ({"team/chat": KnownStorm(TWICE, 2)}, 2)


@pytest.mark.parametrize("is_all", [False, True])
@pytest.mark.parametrize("before", [None, KnownStorm(ONCE, 2)], ids=["none-yet", "another"])
async def test_a_state_that_changed_meanwhile_takes_everything_back(
    database: Database, before: KnownStorm | None, is_all: bool
) -> None:
    await database.transaction(deciding(ONCE).write)

    def work(conn: Connection) -> None:
        deciding(TWICE, before).write(conn, is_all=is_all)

    with pytest.raises(StoreUnavailableError, match="the same conflict came back"):  # it was tried again, in vain
        await database.transaction(work)
    assert await database.snapshot(read) == ({"team/chat": KnownStorm(ONCE, 1)}, 1)
