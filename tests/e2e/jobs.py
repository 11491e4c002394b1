"""A process that does one of the jobs that the service does again and again, at once."""

import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from alertsvc import failpoints
from alertsvc.clock import new_id, utc_now
from alertsvc.core.rules import ModelFacts
from alertsvc.engine.audit import Auditor, Subject
from alertsvc.engine.freshness import Freshness
from alertsvc.engine.tick import Ticker
from alertsvc.store.connect import open_database
from alertsvc.store.housekeeping import Retention
from alertsvc.store.replicas import Itself
from tests.world import rules

KEEP = Retention(idempotency_keys=timedelta(0))
EXPECTED = {"churn": ModelFacts("churn", expect_event_every=timedelta(hours=26))}
HEARS_SINCE = datetime(2020, 1, 1, tzinfo=UTC)


async def do(name: str, url: str) -> None:
    """`mend`, `forget` (of what nobody misses), `audit`, or a look at what should come: at `freshness` or `models`."""
    database = open_database(url)
    try:
        if name == "audit":
            subject = Subject(
                rules(), Retention(), Itself("job", "1", utc_now(), "abc", utc_now()), raises_alerts=False
            )
            await Auditor(database, utc_now, lambda: subject, lambda _found, _at: None).audit()
            return
        if name in {"freshness", "models"}:
            chosen = rules(models=EXPECTED)
            looking = Freshness(database, lambda: chosen, utc_now, new_id, hears_since=lambda: HEARS_SINCE)
            await (looking.look() if name == "freshness" else looking.look_at_models())
            return
        ticker = Ticker(database, rules, utc_now, new_id)
        await (ticker.mend() if name == "mend" else ticker.forget(KEEP))
    finally:
        await database.close()


def main(arguments: Sequence[str]) -> None:
    """The job and the database; what is armed stands in the environment."""
    failpoints.arm(os.environ.get(failpoints.VARIABLE, ""))
    name, url = arguments
    asyncio.run(do(name, url))
    sys.exit(0)
