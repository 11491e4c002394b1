"""Takes an item out of the quarantine: as an event that arrives now, or for good."""

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection

from alertsvc.core.acts import NotPossibleError
from alertsvc.core.deployments import Deployment
from alertsvc.core.model import Event
from alertsvc.core.thresholds.policy import Thresholds
from alertsvc.engine.commands import UnknownThingError
from alertsvc.engine.deploying import record_deployments
from alertsvc.engine.receipts import Receipt
from alertsvc.engine.service import Service
from alertsvc.engine.submissions import Submission
from alertsvc.ingest import alertmanager, alertmanager_api, events, grafana
from alertsvc.ingest.alertmanager_api import Reading
from alertsvc.ingest.parsed import BadPayloadError
from alertsvc.ingest.tools.reading import READERS, parse_packed
from alertsvc.store import arrivals, reading


async def replay(service: Service, item_id: UUID) -> Receipt:
    """Take a quarantined item in as if it arrived now.

    Raises:
        UnknownThingError: No such item.
        NotPossibleError: It was dealt with already, or still cannot be used.
    """
    row = await _open_item(service, item_id)
    try:
        reader = Reading(service.clock(), service.tuning.resolve_timeout, service.rules.severities)
        again = _again(row, reader, service.rules.thresholds)
    except BadPayloadError as fault:
        raise NotPossibleError(f"it still cannot be read: {fault}") from None
    now = service.clock()
    arriving, deployments = again
    submission = Submission(service.new_id(), row.source, now, arriving, bytes(row.raw), sender="quarantine")
    receipt = await service.committer.submit(submission)
    if receipt.counts.quarantined:  # anew, as an item of its own: one that waits is enough
        await service.database.transaction(partial(_drop_items_of, receipt.arrival_id, service))
        raise NotPossibleError("it still cannot be applied; the log says why")
    if deployments:
        once = f"quarantine:{item_id}"
        await record_deployments(service.database, service.lately, deployments, service.moment(), once=once)
    await service.database.transaction(partial(_close, item_id, "replayed", service))
    return receipt


async def drop(service: Service, item_id: UUID) -> None:
    """Nobody needs the item.

    Raises:
        UnknownThingError: No such item.
        NotPossibleError: It was dealt with already.
    """
    await _open_item(service, item_id)
    await service.database.transaction(partial(_close, item_id, "dropped", service))


async def _open_item(service: Service, item_id: UUID) -> Any:
    row = await service.database.snapshot(lambda conn: reading.quarantined(conn, item_id))
    if row is None:
        raise UnknownThingError(f"quarantined item {item_id}")
    if row.state != "open":
        raise NotPossibleError(f"it was {row.state} already")
    return row


def _again(row: Any, reading: Reading, thresholds: Thresholds) -> tuple[Sequence[Event], Sequence[Deployment]]:
    """What an item says, if it can be read by now: a whole report may have many events."""
    raw = bytes(row.raw)
    if row.form == "item" and row.source == grafana.SOURCE:
        return grafana.parse_kept(raw, reading.severities), ()
    if row.form == "item" and row.source == events.SOURCE:
        now, words = reading.received_at, reading.severities
        return [events.read_kept(raw, row.received_at, now, words, thresholds=thresholds)], ()
    if row.form != "item" or row.source not in READERS:
        return [_event(row, reading)], ()
    now, words = reading.received_at, reading.severities
    parsed = parse_packed(row.source, raw, row.received_at, now, words, thresholds=thresholds)
    if parsed.events.refused:
        raise BadPayloadError(parsed.events.refused[0].reason)
    return [event for _, event in parsed.events.events], parsed.deployments


def _event(row: Any, reading: Reading) -> Event:
    if row.form == "event":
        try:
            return msgspec.json.decode(row.raw, type=Event)
        except msgspec.DecodeError as fault:
            raise BadPayloadError(str(fault)) from None
    if row.source == alertmanager.SOURCE:
        return alertmanager.parse_one(bytes(row.raw), reading.severities)
    if row.source == alertmanager_api.SOURCE:
        return alertmanager_api.parse_one(bytes(row.raw), reading)
    raise BadPayloadError(f"there is no reader for items of {row.source}")


def _close(item_id: UUID, state: str, service: Service, conn: Connection) -> None:
    arrivals.close_quarantined(conn, item_id, state, service.clock())


def _drop_items_of(arrival_id: UUID, service: Service, conn: Connection) -> None:
    arrivals.drop_items_of(conn, arrival_id, service.clock())
