"""Reads what fires a page at a time: no answer holds a transaction for long, or the loop."""

from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from alertsvc.core.rules import Rules
from alertsvc.engine.service import Service
from alertsvc.engine.standing import Standing, standings
from alertsvc.web.alertmanager_api.filters import Filter

PAGE = 500


async def pages(service: Service, wanted: Filter) -> AsyncIterator[list[Standing]]:
    """Everything that fires and that `wanted` takes, in the order of fingerprints; some pages may be empty.

    Each page is a view of its own: what begins or ends meanwhile is there or is not.

    Raises:
        StoreUnavailableError: The database cannot be read.
    """
    rules, now, after = service.rules, service.clock(), ""
    while True:
        page = await service.database.snapshot(partial(_page, rules, now, after))
        yield [each for each in page if wanted.takes(each)]
        if len(page) < PAGE:
            return
        after = page[-1].alert.fingerprint


def _page(rules: Rules, now: datetime, after: str, conn: Connection) -> list[Standing]:
    return standings(conn, rules, now, after, PAGE)
