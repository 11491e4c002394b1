"""A process that does one of the jobs that the service does each minute or hour, at once."""

import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import timedelta

from alertsvc import failpoints
from alertsvc.clock import new_id, utc_now
from alertsvc.engine.audit import Auditor, Subject
from alertsvc.engine.tick import Ticker
from alertsvc.store.connect import open_database
from alertsvc.store.housekeeping import Retention
from alertsvc.store.replicas import Itself
from tests.world import rules

KEEP = Retention(idempotency_keys=timedelta(0))


async def do(name: str, url: str) -> None:
    """`mend`, `forget` (of what nobody misses) or `audit`."""
    database = open_database(url)
    try:
        if name == "audit":
            subject = Subject(
                rules(), Retention(), Itself("job", "1", utc_now(), "abc", utc_now()), raises_alerts=False
            )
            await Auditor(database, utc_now, lambda: subject, lambda _found, _at: None).audit()
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
